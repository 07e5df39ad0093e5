import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Pace } from '../src/retries.ts'
import { accessTokenSeconds, startRunningIssuer } from './running-issuer.ts'
import { clientOf, hastyPace, signIn } from './signing-in.ts'
import type { Seen } from './wire.ts'

const formOf = (seen: Seen | undefined): URLSearchParams => new URLSearchParams(seen?.body)
const attemptsOf = (seen: readonly Seen[]): Set<string | null> =>
  new Set(seen.map((one) => formOf(one).get('attempt')))

test('fifty callers at once cause one refresh and get one token', async (t) => {
  const running = await startRunningIssuer(t)
  const { client } = await signIn(running)
  const first = await client.accessToken()
  running.clock.advanceSeconds(accessTokenSeconds)
  const tokens = await Promise.all(Array.from({ length: 50 }, () => client.accessToken()))
  assert.equal(new Set(tokens).size, 1)
  assert.notEqual(tokens[0], first)
  assert.equal(running.wire.seenAt('/token').length, 1)
})

test('a token is used for four fifths of its life, and refreshed ahead of its end', async (t) => {
  const running = await startRunningIssuer(t)
  const { client } = await signIn(running)
  const first = await client.accessToken()
  running.clock.advanceSeconds(accessTokenSeconds * 0.8 - 1)
  assert.equal(await client.accessToken(), first)
  running.clock.advanceSeconds(1)
  assert.notEqual(await client.accessToken(), first)
})

test('a local clock that is years off does no harm', async (t) => {
  const running = await startRunningIssuer(t)
  const years = 5 * 365 * 24 * 3600 * 1000
  const { client } = await signIn(running, { now: () => running.clock.now() - years })
  await client.accessToken()
  running.clock.advanceSeconds(accessTokenSeconds)
  await client.accessToken()
  assert.equal(running.wire.seenAt('/token').length, 1)
})

test('a clock that is set back makes a token due, not eternal', async (t) => {
  const running = await startRunningIssuer(t)
  let offMs = 3_600_000
  const { client } = await signIn(running, { now: () => running.clock.now() + offMs })
  offMs = 0
  await client.accessToken()
  assert.equal(running.wire.seenAt('/token').length, 1)
})

test('a refresh carries client, token and attempt, and the attempt is stored before it is sent', async (t) => {
  const running = await startRunningIssuer(t)
  const { client, store } = await signIn(running)
  const before = store.kept()
  let storedAttempt: string | undefined
  running.wire.decide(() => {
    storedAttempt = store.kept()?.attempt
    return 'through'
  })
  await client.refresh()
  const form = formOf(running.wire.seenAt('/token')[0])
  assert.match(storedAttempt ?? '', /^[\w-]{22}$/)
  assert.deepEqual(Object.fromEntries(form), {
    grant_type: 'refresh_token',
    client_id: 'web',
    refresh_token: before?.refreshToken,
    attempt: storedAttempt,
  })
  assert.equal(store.kept()?.attempt, undefined)
  assert.notEqual(store.kept()?.refreshToken, before?.refreshToken)
})

test('the successor is in the store before anyone has the new token', async (t) => {
  const running = await startRunningIssuer(t)
  const { client, store } = await signIn(running)
  running.clock.advanceSeconds(accessTokenSeconds)
  const token = await client.accessToken()
  assert.equal(store.kept()?.accessToken.token, token)
})

test('a lost answer is asked for again with the same attempt, and there is one session', async (t) => {
  const running = await startRunningIssuer(t)
  const { client, store } = await signIn(running)
  running.wire.decideNext('lose-answer', 'lose-answer')
  await client.refresh()
  const asked = running.wire.seenAt('/token')
  assert.equal(asked.length, 3)
  assert.equal(attemptsOf(asked).size, 1)
  assert.match(store.kept()?.refreshToken ?? '', /\.1\./, 'the family has moved by one')
  assert.equal(running.countSessions(), 1)
  // The next one shows that nobody was taken for a thief.
  running.clock.advanceSeconds(60)
  await client.refresh()
})

test('after four lost answers it is an outage, and a day later the same attempt is recognised', async (t) => {
  const running = await startRunningIssuer(t)
  const { client, store } = await signIn(running)
  running.wire.decide(() => 'lose-answer')
  await assert.rejects(client.refresh(), { code: 'issuer-unreachable', status: undefined })
  assert.equal(running.wire.seenAt('/token').length, 4)
  assert.equal(await client.isSignedIn(), true)

  // The program ends here, and another one finds the stored session.
  running.wire.decide(() => 'through')
  running.clock.advanceSeconds(24 * 3600)
  const next = clientOf(running, { store })
  await next.accessToken()
  const asked = running.wire.seenAt('/token')
  assert.equal(asked.length, 5)
  assert.equal(attemptsOf(asked).size, 1)
  assert.equal(await next.isSignedIn(), true)
})

test('5xx, 429 and pages of a stranger keep the session', async (t) => {
  const running = await startRunningIssuer(t)
  const { client, store } = await signIn(running)
  const { refreshToken } = store.kept() ?? {}
  for (const status of [500, 502, 503, 429, 408]) {
    running.wire.decide(() => ({ status, body: { error: 'server_error' } }))
    await assert.rejects(client.refresh(), { code: 'issuer-unreachable', status })
  }
  running.wire.decide(() => ({ status: 200, body: '<h1>Welcome to our Wi-Fi</h1>' }))
  await assert.rejects(client.refresh(), { code: 'issuer-unreachable' })
  assert.equal(store.kept()?.refreshToken, refreshToken)
  running.wire.decide(() => 'through')
  await client.refresh()
})

test('an issuer that asks for a longer pause gets it, and the caller is told', async (t) => {
  const running = await startRunningIssuer(t)
  const { client } = await signIn(running)
  running.wire.decide(() => ({ status: 503, headers: { 'retry-after': '30' } }))
  await assert.rejects(client.refresh(), { code: 'issuer-unreachable', retryAfterSeconds: 30 })
  assert.equal(running.wire.seenAt('/token').length, 1)
})

test('pauses grow and are spread, and a short wish of the issuer is followed', async (t) => {
  const running = await startRunningIssuer(t)
  const { store } = await signIn(running)
  const pauses: number[] = []
  const pace = (random: number): Pace => ({
    ...hastyPace,
    random: () => random,
    sleep: async (ms) => {
      pauses.push(ms)
    },
  })
  running.wire.decide(() => 'lose-request')
  await assert.rejects(clientOf(running, { store }, pace(0)).refresh())
  await assert.rejects(clientOf(running, { store }, pace(1)).refresh())
  running.wire.decideNext({ status: 429, headers: { 'retry-after': '1' } })
  await clientOf(running, { store }, pace(0)).refresh()
  assert.deepEqual(pauses, [125, 250, 500, 375, 750, 1500, 1000])
})

test('an answer that does not come is given up, and asked for again', async (t) => {
  const running = await startRunningIssuer(t)
  const { store } = await signIn(running)
  const tries = hastyPace.tries.map((one) => ({ ...one, timeoutMs: 200 }))
  running.wire.decideNext('hang')
  await clientOf(running, { store }, { ...hastyPace, tries }).refresh()
  assert.equal(attemptsOf(running.wire.seenAt('/token')).size, 1)
})

test('a token that still lives is handed out through an outage, and the issuer is left in peace', async (t) => {
  const running = await startRunningIssuer(t)
  const { client } = await signIn(running)
  const token = await client.accessToken()
  running.clock.advanceSeconds(accessTokenSeconds * 0.9)
  running.wire.decide(() => ({ status: 503 }))
  for (let call = 0; call < 3; call += 1) assert.equal(await client.accessToken(), token)
  assert.equal(running.wire.seenAt('/token').length, 4, 'the tries of one refresh')

  running.clock.advanceSeconds(5)
  assert.equal(await client.accessToken(), token)
  assert.equal(running.wire.seenAt('/token').length, 8, 'and of one more after a while')

  running.clock.advanceSeconds(accessTokenSeconds)
  await assert.rejects(client.accessToken(), { code: 'issuer-unreachable' })
})

test('invalid_grant ends the session here', async (t) => {
  const running = await startRunningIssuer(t)
  const { client, store } = await signIn(running)
  // Two weeks and more without a refresh.
  running.clock.advanceSeconds(15 * 24 * 3600)
  await assert.rejects(client.accessToken(), {
    code: 'signed-out',
    status: 400,
    reason: 'invalid_grant',
  })
  assert.equal(store.kept(), undefined)
  assert.equal(await client.isSignedIn(), false)
  await assert.rejects(client.accessToken(), { code: 'signed-out', status: undefined })
  assert.equal(running.wire.seenAt('/token').length, 1)
})

test('any other refusal keeps the session', async (t) => {
  const running = await startRunningIssuer(t)
  const { client, store } = await signIn(running)
  running.wire.decideNext({ status: 401, body: { error: 'invalid_client' } }, { status: 404 })
  await assert.rejects(client.refresh(), { code: 'refused', reason: 'invalid_client' })
  await assert.rejects(client.refresh(), { code: 'refused', status: 404 })
  assert.ok(store.kept())
})

test('a successor that could not be stored is asked for again', async (t) => {
  const running = await startRunningIssuer(t)
  const { client, store } = await signIn(running)
  let isFull = false
  const write: typeof store.write = async (session) => {
    if (isFull && session?.attempt === undefined) throw new Error('the disk is full')
    await store.write(session)
  }
  const unlucky = clientOf(running, { store: { read: store.read, write } })
  isFull = true
  await assert.rejects(unlucky.refresh(), /the disk is full/)
  isFull = false
  running.clock.advanceSeconds(3600)
  await client.refresh()
  assert.equal(attemptsOf(running.wire.seenAt('/token')).size, 1)
  assert.match(store.kept()?.refreshToken ?? '', /\.1\./)
})

test('a client without refresh tokens uses its token to the end, and is signed out then', async (t) => {
  const running = await startRunningIssuer(t)
  running.wire.decide(({ path }) => {
    assert.equal(path, '/login')
    const members = { token_type: 'bearer', expires_in: 100, session_id: 'one', scope: '' }
    return { status: 200, body: { access_token: 'short', ...members } }
  })
  const { client, store } = await signIn(running)
  running.clock.advanceSeconds(99)
  assert.equal(await client.accessToken(), 'short')
  await assert.rejects(client.refresh(), { code: 'refused' })
  assert.equal(await client.isSignedIn(), true)
  running.clock.advanceSeconds(1)
  assert.equal(await client.isSignedIn(), false)
  await assert.rejects(client.accessToken(), { code: 'signed-out' })
  assert.equal(store.kept(), undefined)
})
