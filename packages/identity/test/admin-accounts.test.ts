import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { RunningIdentity } from './running-identity.ts'
import { alice, basic, machine, startRunningIdentity } from './running-identity.ts'
import type { Tokens } from './signed-in.ts'
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
import { aboutPeople } from './store-query.ts'

async function start(t: TestContext): Promise<{
  readonly identity: RunningIdentity
  readonly token: string
  readonly adminId: string
}> {
  const identity = await startRunningIdentity({ accounts: [alice, admin] })
  t.after(identity.close)
  const { access, accountId } = await signInHere(identity, admin)
  return { identity, token: access, adminId: accountId }
}

const block = (id: string): string => `POST /admin/accounts/${id}/block`
const unblock = (id: string): string => `POST /admin/accounts/${id}/unblock`
const body = { reason: 'the laptop was stolen' }

async function assertDead(identity: RunningIdentity, sessions: readonly Tokens[]): Promise<void> {
  for (const { access, refresh } of sessions) {
    assert.ok(!(await isWelcome(identity, access)))
    await assertNoRefresh(identity, refresh)
  }
}

test('an administrator finds an account by its identifier, in every spelling', async (t) => {
  const { identity, token } = await start(t)
  const { accountId } = await signInHere(identity)
  const found = async (identifier: string): Promise<unknown> => {
    const path = `GET /admin/accounts?identifier=${encodeURIComponent(identifier)}`
    const answer = await call(identity, path, { token })
    assert.equal(answer.status, 200, answer.body)
    return answer.members()['accounts']
  }
  const account = {
    id: accountId,
    identifier: 'alice',
    email_verified: false,
    roles: alice.roles,
    attributes: {},
    blocked: false,
    unconfirmed: false,
    created_at: new Date(identity.clock.now()).toISOString(),
  }
  assert.deepEqual(await found('alice'), [account])
  assert.deepEqual(await found('ＡLＩCE'), [account])
  assert.deepEqual(await found('nobody'), [])
  assert.deepEqual(await found('al ice'), [])
  positionOf(await call(identity, block(accountId), { token, body }))
  assert.deepEqual(await found('alice'), [{ ...account, blocked: true }])
})

// ASVS 7.4.2.
test('a block ends everything at once by one record, and is told only to who knows the password', async (t) => {
  const { identity, token } = await start(t)
  const sessions = [await signInHere(identity), await signInHere(identity)]
  const [first] = sessions
  positionOf(await call(identity, block(first?.accountId ?? ''), { token, body }))
  await assertDead(identity, sessions)
  const { identifier, password } = alice
  assertProblem(await identity.login({ identifier, password }), 403, 'account-blocked')
  const wrong = await identity.login({ identifier, password: `${password}x` })
  assertProblem(wrong, 401, 'bad-credentials')
  assert.deepEqual(await revokedKinds(identity), ['account'])
  assert.ok(await isWelcome(identity, token))
})

test('an unblocked person signs in again, and nothing from before comes back', async (t) => {
  const { identity, token } = await start(t)
  const before = await signInHere(identity)
  positionOf(await call(identity, block(before.accountId), { token, body }))
  const answer = await call(identity, unblock(before.accountId), { token, body })
  assert.deepEqual([answer.status, answer.body], [204, ''])
  await assertDead(identity, [before])
  assert.ok(await isWelcome(identity, (await signInHere(identity)).access))
  await assertDead(identity, [before])
})

test('blocking twice is once, and so is unblocking', async (t) => {
  const { identity, token, adminId } = await start(t)
  const { accountId } = await signInHere(identity)
  const position = positionOf(await call(identity, block(accountId), { token, body }))
  const again = await call(identity, block(accountId), { token, body: { reason: 'to be sure' } })
  assert.deepEqual(positionOf(again), position)
  assert.equal((await call(identity, unblock(accountId), { token, body })).status, 204)
  assert.equal((await call(identity, unblock(accountId), { token, body })).status, 204)
  assert.deepEqual(await revokedKinds(identity), ['account'])
  const events = await identity.query(
    `SELECT kind, account_id, actor, reason, at FROM events WHERE ${aboutPeople} ORDER BY id`,
  )
  const common = { account_id: accountId, actor: adminId, at: identity.clock.now(), ...body }
  assert.deepEqual(
    events.map((event) => ({ ...event })),
    [
      { kind: 'account-blocked', ...common },
      { kind: 'account-unblocked', ...common },
    ],
  )
})

test('a decision needs a reason and an account that exists', async (t) => {
  const { identity, token } = await start(t)
  const { accountId, access } = await signInHere(identity)
  for (const route of [block, unblock]) {
    for (const without of [
      undefined,
      {},
      { reason: '' },
      { reason: 'x'.repeat(501) },
      { why: '' },
    ]) {
      const question = without === undefined ? { token } : { token, body: without }
      assertProblem(await call(identity, route(accountId), question), 400, 'malformed')
    }
    const unknown = await call(identity, route('A'.repeat(22)), { token, body })
    assertProblem(unknown, 404, 'not-found')
  }
  assert.ok(await isWelcome(identity, access))
  assert.deepEqual(await identity.query(`SELECT * FROM events WHERE ${aboutPeople}`), [])
})

test('nobody else decides: 403 without the role, machines included, and 401 for other tokens', async (t) => {
  const { identity, token } = await start(t)
  const { accountId, access } = await signInHere(identity)
  const grant = { grant_type: 'client_credentials', audience: identity.issuer }
  const asMachine = basic(machine.clientId, machine.clientSecret)
  const ofMachine = String((await identity.token(grant, asMachine)).members()['access_token'])
  const forOrders = (await signIn(identity, admin, { audience: 'orders' })).access
  const find = 'GET /admin/accounts?identifier=alice'
  for (const [route, question] of [
    [block(accountId), { body }],
    [unblock(accountId), { body }],
    [find, {}],
  ] as const) {
    for (const stranger of [access, ofMachine]) {
      const answer = await call(identity, route, { ...question, token: stranger })
      assertProblem(answer, 403, 'insufficient-scope')
    }
    assertChallenged(await call(identity, route, { ...question, token: forOrders }))
    assertChallenged(await call(identity, route, question))
  }
  positionOf(await call(identity, 'POST /logout', { token }))
  assertChallenged(await call(identity, block(accountId), { token, body }))
  assert.ok(await isWelcome(identity, access))
  assert.deepEqual(await revokedKinds(identity), ['session'])
})

test('the last administrator cannot be blocked, by nobody', async (t) => {
  const { identity, token, adminId } = await start(t)
  const refused = await call(identity, block(adminId), { token, body })
  assertProblem(refused, 409, 'last-administrator')
  assert.ok(await isWelcome(identity, token))
  assert.deepEqual(await revokedKinds(identity), [])
})

test('an administrator who is blocked decides nothing more', async (t) => {
  const deputy = { ...admin, identifier: 'deputy' }
  const identity = await startRunningIdentity({ accounts: [alice, admin, deputy] })
  t.after(identity.close)
  const { access: token, accountId: adminId } = await signInHere(identity, admin)
  const { accountId } = await signInHere(identity)
  positionOf(await call(identity, block(adminId), { token, body }))
  assertChallenged(await call(identity, block(accountId), { token, body }))
})
