import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { alice, startRunningIdentity } from './running-identity.ts'
import { call, refreshWith, signInHere } from './signed-in.ts'

const identity = await startRunningIdentity()
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
