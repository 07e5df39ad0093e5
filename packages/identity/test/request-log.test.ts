import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { newClientCredential } from '../src/index.ts'
import { alice, basic, jsonLogin, startRunningIdentity } from './running-identity.ts'
import { call, positionOf, refreshWith, signInHere } from './signed-in.ts'

const service = {
  ...newClientCredential(),
  name: 'orders-service',
  audiences: [],
  scopes: ['revocations.read'],
}
const identity = await startRunningIdentity({ clients: [service] })
after(identity.close)

type Line = Readonly<Record<string, unknown>>

function lines(msg: string): readonly Line[] {
  const all = identity.logged().split('\n').filter(Boolean)
  return all.map((line) => JSON.parse(line) as Line).filter((line) => line['msg'] === msg)
}

/** What the line of the last request says. */
function last(): readonly unknown[] {
  const { route, status, reason } = lines('request').at(-1) ?? {}
  return [route, status, reason]
}

test('the line of a request that was refused says why, as a code, and no part of a token', async () => {
  const session = await signInHere(identity)
  const path = 'GET /account'
  assert.equal((await call(identity, path, { token: session.access })).status, 200)
  assert.deepEqual(last(), ['/account', 200, undefined])
  assert.equal((await call(identity, 'POST /logout', { token: session.access })).status, 200)

  assert.equal((await call(identity, path, { token: session.access })).status, 401)
  assert.deepEqual(last(), ['/account', 401, 'revoked'])
  const { code, reason } = lines('refused').at(-1) ?? {}
  assert.deepEqual([code, reason], ['invalid-token', 'revoked'])

  assert.equal((await call(identity, path, { token: `${session.access}x` })).status, 401)
  assert.deepEqual(last(), ['/account', 401, 'malformed'])
  assert.equal((await call(identity, path)).status, 401)
  assert.deepEqual(last(), ['/account', 401, 'missing-token'])
  const { identifier } = alice
  assert.equal((await identity.login({ identifier, password: 'not this one' })).status, 401)
  assert.deepEqual(last(), ['/login', 401, 'bad-credentials'])
  assert.equal((await refreshWith(identity, session.refresh)).status, 400)
  assert.deepEqual(last(), ['/token', 400, 'invalid_grant'])
  assert.equal((await call(identity, 'GET /nowhere')).status, 404)
  assert.deepEqual(last(), [undefined, 404, 'not-found'])

  for (const token of [session.access, session.refresh]) {
    const parts = token.split('.').filter((part) => part.length >= 30)
    assert.ok(parts.length > 0)
    for (const part of parts) assert.ok(!identity.logged().includes(part))
  }
})

test('what followers report all the time is logged for who looks closely, and what is refused to them for all', async () => {
  const { access } = await signInHere(identity)
  const { epoch, seq } = positionOf(await call(identity, 'POST /logout', { token: access }))
  const form = { grant_type: 'client_credentials', audience: identity.issuer }
  const granted = await identity.token(form, basic(service.clientId, service.clientSecret))
  const token = String(granted.members()['access_token'])
  const body = { follower: 'F'.repeat(22), position: `${epoch}:${seq}` }
  const path = 'POST /revocations/positions'
  const levels: unknown[] = []
  const ask = async (more: object, how = { token }): Promise<void> => {
    const { status } = await call(identity, path, { body: { ...body, ...more }, ...how })
    const { route, level } = lines('request').at(-1) ?? {}
    levels.push([route, status, level])
  }
  await ask({})
  await ask({ ended: true })
  await ask({ position: `${epoch}:${seq + 9}` })
  await ask({}, { token: 'no.good.token' })
  const [debug, info] = [20, 30]
  assert.deepEqual(levels, [
    ['/revocations/positions', 200, debug],
    ['/revocations/positions', 200, debug],
    ['/revocations/positions', 400, info],
    ['/revocations/positions', 401, info],
  ])
})

test('every line about a request has its id and its trace, where what was sent is sound and harmless', async () => {
  const { identifier, password } = alice
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
  const sound = `00-${traceId}-00f067aa0ba902b7-01`
  const askWith = async (headers: Readonly<Record<string, string>>): Promise<readonly Line[]> => {
    const login = jsonLogin(JSON.stringify({ identifier, password }))
    const question = { ...login, headers: { ...login.headers, ...headers } }
    assert.equal((await identity.ask(question)).status, 200)
    return ['login', 'request'].map((msg) => lines(msg).at(-1) ?? {})
  }
  for (const line of await askWith({ 'x-request-id': 'visit-1', traceparent: sound })) {
    assert.deepEqual([line['requestId'], line['traceId']], ['visit-1', traceId])
  }
  const made = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
  for (const headers of [
    {},
    { 'x-request-id': 'a b', traceparent: `${sound}x` },
    { 'x-request-id': 'x'.repeat(129), traceparent: `00-${'0'.repeat(32)}-00f067aa0ba902b7-01` },
    { 'x-request-id': '","level":60,"x":"', traceparent: `${sound}, ${sound}` },
  ]) {
    const [login, request] = await askWith(headers)
    assert.match(String(request?.['requestId']), made)
    assert.equal(login?.['requestId'], request?.['requestId'])
    assert.deepEqual([login?.['traceId'], request?.['traceId']], [undefined, undefined])
  }
})
