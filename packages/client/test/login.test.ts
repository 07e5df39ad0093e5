import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createClient } from '@portcullis/client'
import { alice, startRunningIssuer } from './running-issuer.ts'
import { clientOf, createSlowStore, signIn } from './signing-in.ts'
import { openWire } from './wire.ts'

test('a login answers the session and its scope, and gives a token without another request', async (t) => {
  const running = await startRunningIssuer(t)
  const client = createClient({ issuer: running.issuer })
  assert.equal(await client.isSignedIn(), false)
  const signedIn = await client.login(alice)
  assert.match(signedIn.sessionId, /^[\w-]{22}$/)
  assert.equal(signedIn.scope, 'orders:read')
  assert.equal(await client.isSignedIn(), true)
  assert.match(await client.accessToken(), /^ey[\w-]+\.[\w-]+\.[\w-]+$/)
  assert.deepEqual(
    running.wire.seen.map(({ path }) => path),
    ['/login'],
  )
})

test('client, audience and scope are asked for as the options say', async (t) => {
  const running = await startRunningIssuer(t)
  await signIn(running, { clientId: 'web', audience: ['orders'], scope: 'orders:read' })
  const [asked] = running.wire.seenAt('/login')
  assert.deepEqual(JSON.parse(asked?.body ?? ''), {
    ...alice,
    client_id: 'web',
    audience: ['orders'],
    scope: 'orders:read',
  })
})

test('a wrong password is bad-credentials, and nobody is signed in', async (t) => {
  const running = await startRunningIssuer(t)
  const client = clientOf(running)
  await assert.rejects(client.login({ ...alice, password: 'not this one' }), {
    name: 'ClientError',
    code: 'bad-credentials',
    status: 401,
  })
  assert.equal(await client.isSignedIn(), false)
  await assert.rejects(client.accessToken(), { code: 'signed-out' })
})

test('after too many wrong passwords the error says when the next try is worth it', async (t) => {
  const running = await startRunningIssuer(t)
  const client = clientOf(running)
  const wrong = { ...alice, password: 'not this one' }
  for (let n = 0; n < 10; n += 1) {
    await assert.rejects(client.login(wrong), { code: 'bad-credentials' })
  }
  await assert.rejects(client.login(alice), {
    code: 'throttled',
    status: 429,
    reason: 'throttled',
    retryAfterSeconds: 1,
  })
  assert.equal(running.wire.seen.length, 11)
  running.clock.advanceSeconds(1)
  await client.login(alice)
})

test('an audience that is not known is refused with what the issuer says about it', async (t) => {
  const running = await startRunningIssuer(t)
  const client = clientOf(running, { audience: 'elsewhere' })
  await assert.rejects(client.login(alice), {
    code: 'refused',
    status: 400,
    reason: 'unknown-audience',
    detail: /orders/,
    message: /400 unknown-audience.*orders/,
  })
})

const problem = (code: string): object => ({ code, title: 'no', detail: 'told' })
const refusals = [
  [
    { status: 403, body: problem('account-blocked') },
    { code: 'account-blocked', detail: 'told' },
  ],
  [
    { status: 429, headers: { 'retry-after': '7' }, body: problem('throttled') },
    { code: 'throttled', retryAfterSeconds: 7 },
  ],
  [
    { status: 503, headers: { 'retry-after': '2' }, body: problem('overloaded') },
    { code: 'issuer-unreachable', status: 503, retryAfterSeconds: 2 },
  ],
  [{ status: 200, body: '<title>Hotel Wi-Fi</title>' }, { code: 'issuer-unreachable' }],
  [{ status: 302, headers: { location: '/elsewhere' } }, { code: 'issuer-unreachable' }],
  [
    { status: 401, body: '' },
    { code: 'refused', status: 401 },
  ],
] as const

test('every other answer has its code, and a login is never sent twice', async (t) => {
  for (const [answer, expected] of refusals) {
    const wire = await openWire(t)
    wire.decide(() => answer)
    const client = createClient({ issuer: wire.origin })
    await assert.rejects(client.login(alice), expected)
    assert.equal(wire.seen.length, 1)
  }
})

test('a store that held another person holds only the new one', async (t) => {
  const running = await startRunningIssuer(t)
  const store = createSlowStore()
  const client = clientOf(running, { store })
  await client.login(alice)
  const { sessionId } = await client.login(alice)
  assert.equal(store.kept()?.sessionId, sessionId)
})

test('credentials that are not texts, or hold more, are a TypeError that does not repeat them', async (t) => {
  const running = await startRunningIssuer(t)
  const client = clientOf(running)
  const login = client.login as (credentials: unknown) => Promise<unknown>
  await assert.rejects(login(undefined), /^TypeError: credentials must be an object/)
  await assert.rejects(login({ identifier: 'alice' }), /^TypeError: member "password"/)
  await assert.rejects(login({ ...alice, otp: '1' }), /^TypeError: unknown member "otp"/)
  assert.equal(running.wire.seen.length, 0)
})
