import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accessTokenSeconds, alice, startRunningIssuer } from './running-issuer.ts'
import { claimOf, playAccount, turnedDown } from './scripted-account.ts'
import { clientOf, signIn } from './signing-in.ts'
import type { Fate } from './wire.ts'

const listed = {
  id: 'one',
  current: true,
  client: 'web',
  created_at: '2026-11-20T07:00:00.250Z',
  last_used_at: '2026-11-22T05:00:00Z',
  device: 'Firefox on Linux',
}

test('sessions are listed with a token for the issuer alone, beside the ordinary one', async (t) => {
  const running = await startRunningIssuer(t)
  const { client, store } = await signIn(running)
  const ordinary = await client.accessToken()
  const list = { 'GET /sessions': (): Fate => ({ status: 200, body: { sessions: [listed] } }) }
  running.wire.decide(playAccount(running.issuer, list))
  const expected = {
    id: 'one',
    isCurrent: true,
    client: 'web',
    createdAt: new Date('2026-11-20T07:00:00.250Z'),
    lastUsedAt: new Date('2026-11-22T05:00:00Z'),
    device: 'Firefox on Linux',
  }
  assert.deepEqual(await client.sessions(), [expected])
  assert.deepEqual(await client.sessions(), [expected])
  assert.equal(running.wire.seenAt('/token').length, 1, 'the token for the issuer is kept')
  assert.equal(await client.accessToken(), ordinary)
  assert.equal(claimOf(ordinary, 'aud'), 'orders')
  assert.match(store.kept()?.refreshToken ?? '', /\.1\./, 'its refresh has rotated the family')
  running.clock.advanceSeconds(accessTokenSeconds)
  await client.accessToken()
})

test('an ordinary and an own refresh at once stay one family', async (t) => {
  const running = await startRunningIssuer(t)
  const { client } = await signIn(running)
  const list = { 'GET /sessions': (): Fate => ({ status: 200, body: { sessions: [] } }) }
  running.wire.decide(playAccount(running.issuer, list))
  for (let round = 0; round < 3; round += 1) {
    running.clock.advanceSeconds(accessTokenSeconds)
    await Promise.all([client.accessToken(), client.sessions(), client.refresh()])
  }
  assert.equal(running.countSessions(), 1)
  assert.equal(await client.isSignedIn(), true)
})

test('a token that the issuer turns down is replaced once', async (t) => {
  const running = await startRunningIssuer(t)
  const { client } = await signIn(running)
  const tokens: string[] = []
  const script = {
    'GET /sessions': (_: unknown, token: string): Fate => {
      tokens.push(token)
      return tokens.length === 1 ? turnedDown : { status: 200, body: { sessions: [] } }
    },
  }
  running.wire.decide(playAccount(running.issuer, script))
  assert.deepEqual(await client.sessions(), [])
  assert.equal(new Set(tokens).size, 2)
})

test('a list that cannot be read is no list', async (t) => {
  const running = await startRunningIssuer(t)
  const { client } = await signIn(running)
  const bodies = [
    {},
    { sessions: [{ ...listed, current: 'yes' }] },
    { sessions: [null] },
    { sessions: [{ ...listed, created_at: 1_790_000_000 }] },
  ]
  for (const body of bodies) {
    const list = { 'GET /sessions': (): Fate => ({ status: 200, body }) }
    running.wire.decide(playAccount(running.issuer, list))
    await assert.rejects(client.sessions(), { code: 'issuer-unreachable' })
  }
})

test('another session is ended by its id, and the own one is forgotten here too', async (t) => {
  const running = await startRunningIssuer(t)
  const { client, store } = await signIn(running)
  const { sessionId = '' } = store.kept() ?? {}
  const revocation = { epoch: 'e', seq: 7 }
  running.wire.decide(
    playAccount(running.issuer, {
      'DELETE /sessions/a%2Fb': () => ({ status: 200, body: { revocation } }),
      'DELETE /sessions/gone': () => ({ status: 404, body: { code: 'not-found' } }),
      'DELETE /sessions/unclear': () => ({ status: 200, body: {} }),
      [`DELETE /sessions/${sessionId}`]: () => ({ status: 200, body: { revocation } }),
    }),
  )
  assert.deepEqual(await client.endSession('a/b'), revocation)
  await assert.rejects(client.endSession('gone'), { code: 'refused', reason: 'not-found' })
  await assert.rejects(client.endSession('unclear'), { code: 'issuer-unreachable' })
  assert.equal(await client.isSignedIn(), true)
  assert.deepEqual(await client.endSession(sessionId), revocation)
  assert.equal(await client.isSignedIn(), false)
})

test('a changed password stores the new tokens of this session, and drops the older ones', async (t) => {
  const running = await startRunningIssuer(t)
  const { client, store } = await signIn(running)
  const fresh = {
    access_token: 'after',
    token_type: 'Bearer',
    expires_in: 900,
    refresh_token: 'prt_after',
    refresh_expires_in: 1000,
    session_id: store.kept()?.sessionId,
    scope: 'orders:read',
  }
  const sent: unknown[] = []
  const change = {
    'POST /account/password': ({ body }: { readonly body: string }): Fate => {
      sent.push(JSON.parse(body))
      return { status: 200, body: fresh }
    },
  }
  running.wire.decide(playAccount(running.issuer, change))
  await client.changePassword({ current: alice.password, new: 'another one' })
  assert.deepEqual(sent, [{ current: alice.password, new: 'another one' }])
  assert.equal(await client.accessToken(), 'after')
  const { refreshToken, issuerToken, attempt } = store.kept() ?? {}
  assert.deepEqual([refreshToken, issuerToken, attempt], ['prt_after', undefined, undefined])
})

test('a wrong current password is told at once, and is not about the token', async (t) => {
  const running = await startRunningIssuer(t)
  const { client, store } = await signIn(running)
  const change = {
    'POST /account/password': (): Fate => ({ status: 401, body: { code: 'bad-credentials' } }),
  }
  running.wire.decide(playAccount(running.issuer, change))
  const wrong = client.changePassword({ current: 'guessed', new: 'another one' })
  await assert.rejects(wrong, { code: 'bad-credentials', status: 401 })
  assert.equal(running.wire.seenAt('/account/password').length, 1)
  assert.ok(store.kept()?.issuerToken)
})

test('a password that was changed while the session ended is told to be changed', async (t) => {
  const running = await startRunningIssuer(t)
  const { client } = await signIn(running)
  const revocation = { epoch: 'A'.repeat(22), seq: 7 }
  const change = {
    'POST /account/password': (): Fate => ({ status: 200, body: { revocation } }),
  }
  running.wire.decide(playAccount(running.issuer, change))
  const changed = client.changePassword({ current: alice.password, new: 'another one' })
  await assert.rejects(changed, { code: 'signed-out', message: /was changed/ })
})

test('a password change is sent once, and an outage keeps the session', async (t) => {
  const running = await startRunningIssuer(t)
  const { store } = await signIn(running)
  const client = clientOf(running, { store })
  const change = { 'POST /account/password': (): Fate => ({ status: 503 }) }
  running.wire.decide(playAccount(running.issuer, change))
  const lost = client.changePassword({ current: alice.password, new: 'another one' })
  await assert.rejects(lost, { code: 'issuer-unreachable', status: 503 })
  assert.equal(running.wire.seenAt('/account/password').length, 1)
  assert.equal(await client.isSignedIn(), true)
})

test('a refresh waits for a password change, and goes on from its tokens', async (t) => {
  const running = await startRunningIssuer(t)
  const { client, store } = await signIn(running)
  const list = { 'GET /sessions': (): Fate => ({ status: 200, body: { sessions: [] } }) }
  running.wire.decide(playAccount(running.issuer, list))
  await client.sessions()
  const asked = Promise.withResolvers<undefined>()
  const answer = Promise.withResolvers<Fate>()
  running.wire.decide(({ path }) => {
    if (path === '/token') return { status: 400, body: { error: 'invalid_target' } }
    asked.resolve(undefined)
    return answer.promise
  })
  const changed = client.changePassword({ current: alice.password, new: 'another one' })
  await asked.promise
  const refreshed = assert.rejects(client.refresh(), { code: 'refused' })
  const { sessionId } = store.kept() ?? {}
  const tokens = { access_token: 'after', refresh_token: 'prt_after', token_type: 'Bearer' }
  answer.resolve({ status: 200, body: { ...tokens, expires_in: 900, session_id: sessionId } })
  await Promise.all([changed, refreshed])
  const last = new URLSearchParams(running.wire.seenAt('/token').at(-1)?.body)
  assert.equal(last.get('refresh_token'), 'prt_after')
})
