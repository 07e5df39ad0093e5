import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { claimsOfToken } from './calling-services.ts'
import type { RunningIdentity } from './running-identity.ts'
import { alice, startRunningIdentity } from './running-identity.ts'
import {
  admin,
  assertChallenged,
  assertNoRefresh,
  assertProblem,
  call,
  isWelcome,
  positionOf,
  revokedKinds,
  signIn,
  signInHere,
} from './signed-in.ts'

async function start(t: TestContext): Promise<RunningIdentity> {
  const identity = await startRunningIdentity({ accounts: [alice, admin] })
  t.after(identity.close)
  return identity
}

test('the owner sees his account, and nobody else does', async (t) => {
  const identity = await start(t)
  const { access, accountId } = await signInHere(identity)
  const answer = await call(identity, 'GET /account', { token: access })
  assert.equal(answer.status, 200, answer.body)
  const { created_at: createdAt, ...members } = answer.members()
  assert.ok(Date.parse(String(createdAt)) <= identity.clock.now())
  assert.deepEqual(members, {
    id: accountId,
    identifier: 'alice',
    email_verified: false,
    roles: alice.roles,
    attributes: {},
    session: claimsOfToken(access).sid,
  })
  assertChallenged(await call(identity, 'GET /account'))
  const { access: forOrders } = await signIn(identity)
  assertChallenged(await call(identity, 'GET /account', { token: forOrders }))
})

// ASVS 7.4.2.
test('GHSA-2vg6-77g8-24mp: no session, token or login survives the deletion of its account', async (t) => {
  const identity = await start(t)
  const first = await signInHere(identity)
  const sessions = [first, await signInHere(identity)]
  const { access: token, accountId } = first
  const { identifier, password } = alice
  for (const body of [undefined, {}, { password: '' }, { password: 1 }, { password, more: 1 }]) {
    const refused = await call(identity, 'DELETE /account', body ? { token, body } : { token })
    assertProblem(refused, 400, 'malformed')
  }
  const wrong = await call(identity, 'DELETE /account', {
    token,
    body: { password: `${password}x` },
  })
  assertProblem(wrong, 401, 'bad-credentials')
  assertChallenged(await call(identity, 'DELETE /account', { body: { password } }))
  assert.deepEqual(await revokedKinds(identity), [])

  positionOf(await call(identity, 'DELETE /account', { token, body: { password } }))
  for (const { access, refresh } of sessions) {
    assert.ok(!(await isWelcome(identity, access)))
    await assertNoRefresh(identity, refresh)
  }
  assertProblem(await identity.login({ identifier, password }), 401, 'bad-credentials')
  assert.deepEqual(await revokedKinds(identity), ['account'])
  const events = await identity.query(
    "SELECT account_id, actor FROM events WHERE kind = 'account-deleted'",
  )
  assert.deepEqual({ ...events[0] }, { account_id: accountId, actor: null })
  assert.ok(!identity.logged().includes(password))
})

test('the last administrator does not delete himself', async (t) => {
  const identity = await start(t)
  const { access: token } = await signInHere(identity, admin)
  const body = { password: admin.password }
  const refused = await call(identity, 'DELETE /account', { token, body })
  assertProblem(refused, 409, 'last-administrator')
  assert.ok(await isWelcome(identity, token))
})
