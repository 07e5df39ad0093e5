import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { newRandomSecret } from '../src/index.ts'
import { decodeToken } from './decoded-token.ts'
import type { Answer } from './http-client.ts'
import type { Mailbox } from './mailbox.ts'
import { createMailbox, tokenIn } from './mailbox.ts'
import type { RunningIdentity } from './running-identity.ts'
import { alice, ordersAndReviews, startRunningIdentity } from './running-identity.ts'
import {
  admin,
  assertChallenged,
  assertNoRefresh,
  assertProblem,
  call,
  isWelcome,
  positionOf,
  refreshWith,
  revokedKinds,
  signIn,
  signInHere,
  tokensOf,
} from './signed-in.ts'
import { aboutPeople } from './store-query.ts'

interface Started {
  readonly identity: RunningIdentity
  readonly mailbox: Mailbox
  readonly adminId: string
  /** A request as the administrator. */
  readonly ask: (route: string, body?: object) => Promise<Answer>
}

const reason = 'the contract ended'

const withTenant = {
  ...ordersAndReviews.audiences,
  orders: { ...ordersAndReviews.audiences.orders, claims: { tenant: 'account.attributes.tenant' } },
}

async function start(
  t: TestContext,
  { mail = true, file = {} }: { readonly mail?: boolean; readonly file?: object } = {},
): Promise<Started> {
  const mailbox = createMailbox()
  const identity = await startRunningIdentity({
    accounts: [alice, admin],
    file: { audiences: withTenant, ...file },
    ...(mail ? { mailer: mailbox } : {}),
  })
  t.after(identity.close)
  const { access: token, accountId: adminId } = await signInHere(identity, admin)
  const ask = (route: string, body?: object): Promise<Answer> =>
    call(identity, route, body === undefined ? { token } : { token, body })
  return { identity, mailbox, adminId, ask }
}

test('an administrator makes an account with roles and attributes', async (t) => {
  const { identity, ask, adminId } = await start(t)
  const password = newRandomSecret()
  const attributes = { tenant: 'north', seats: 3, trial: false }
  const body = { identifier: 'Carol', password, roles: ['customer'], attributes, reason }
  const answer = await ask('POST /admin/accounts', body)
  assert.equal(answer.status, 201, answer.body)
  const { accountId, access } = await signInHere(identity, { identifier: 'carol', password })
  assert.deepEqual(answer.members(), { id: accountId, identifier: 'carol' })
  const account = (await call(identity, 'GET /account', { token: access })).members()
  assert.deepEqual([account['roles'], account['attributes']], [['customer'], attributes])
  assertProblem(await ask('POST /admin/accounts', body), 409, 'identifier-taken')
  const [event] = await identity.query(
    `SELECT kind, account_id, actor, reason FROM events WHERE ${aboutPeople}`,
  )
  const expected = { kind: 'account-created', account_id: accountId, actor: adminId, reason }
  assert.deepEqual({ ...event }, expected)
})

test('who is invited chooses the first password, and no other gets in before', async (t) => {
  const { identity, ask, mailbox } = await start(t)
  const identifier = 'carol@mail.example'
  assert.equal((await ask('POST /admin/accounts', { identifier })).status, 201)
  const mail = await mailbox.next()
  assert.deepEqual([mail.to, mail.subject], [identifier, 'Choose your password'])
  identity.clock.advanceMs(24 * 3_600_000 - 1)
  const password = newRandomSecret()
  const body = { token: tokenIn(mail), new: password }
  positionOf(await call(identity, 'POST /account/reset/confirm', { body }))
  await signIn(identity, { identifier, password })
  assertProblem(await ask('POST /admin/accounts', { identifier: 'dave' }), 401, 'invalid-token')
})

test('without a password there must be mail, and an address for it', async (t) => {
  const { ask } = await start(t)
  assertProblem(await ask('POST /admin/accounts', { identifier: 'carol' }), 409, 'no-email')
  const { ask: askWithoutMail } = await start(t, { mail: false })
  const body = { identifier: 'carol@mail.example' }
  assertProblem(await askWithoutMail('POST /admin/accounts', body), 501, 'mail-unavailable')
})

test('CVE-2024-46999: roles that are taken away are in no token that is accepted, and people stay signed in', async (t) => {
  const { identity, ask } = await start(t)
  const here = await signInHere(identity)
  const { refresh, access } = await signIn(identity)
  assert.deepEqual(decodeToken(access).claims['roles'], ['customer', 'moderator'])
  const route = `POST /admin/accounts/${here.accountId}/roles`
  const answer = await ask(route, { roles: ['customer'], reason })
  assert.deepEqual(answer.members()['roles'], ['customer'])
  assert.deepEqual(await revokedKinds(identity), ['account'])
  assert.ok(!(await isWelcome(identity, here.access)), 'a token with the old roles')
  const fresh = tokensOf(await refreshWith(identity, refresh))
  assert.deepEqual(decodeToken(fresh.access).claims['roles'], ['customer'])
  const again = tokensOf(await refreshWith(identity, here.refresh, { audience: identity.issuer }))
  assert.ok(await isWelcome(identity, again.access))

  assert.equal((await ask(route, { roles: ['customer', 'moderator'], reason })).status, 200)
  assert.ok(await isWelcome(identity, again.access), 'a gain takes nothing back')
  assert.deepEqual(await revokedKinds(identity), ['account'])
})

test('roles must be known, and one administrator must stay', async (t) => {
  const { identity, ask, adminId } = await start(t)
  const { accountId } = await signIn(identity)
  const unknown = await ask(`POST /admin/accounts/${accountId}/roles`, { roles: ['king'], reason })
  assertProblem(unknown, 400, 'unknown-role')
  assert.match(unknown.body, /king is not known/)
  const dismissed = await ask(`POST /admin/accounts/${adminId}/roles`, { roles: [], reason })
  assertProblem(dismissed, 409, 'last-administrator')
  const promoted = { roles: ['identity-admin'], reason }
  assert.equal((await ask(`POST /admin/accounts/${accountId}/roles`, promoted)).status, 200)
  assert.equal(
    (await ask(`POST /admin/accounts/${adminId}/roles`, { roles: [], reason })).status,
    200,
  )
  assertChallenged(await ask(`POST /admin/accounts/${accountId}/roles`, promoted))
  await signInHere(identity, alice)
})

test('an attribute stands in tokens of the audience that has it as a claim, and in no others', async (t) => {
  const { identity, ask } = await start(t)
  const { accountId, refresh, access: before } = await signIn(identity)
  assert.ok(!('tenant' in decodeToken(before).claims))
  const route = `PATCH /admin/accounts/${accountId}`
  const changed = await ask(route, { attributes: { tenant: 'north', note: 'vip' }, reason })
  assert.deepEqual(changed.members()['attributes'], { tenant: 'north', note: 'vip' })
  assert.deepEqual(await revokedKinds(identity), [], 'a new attribute takes nothing back')

  const orders = tokensOf(await refreshWith(identity, refresh, { audience: 'orders' }))
  const { claims } = decodeToken(orders.access)
  assert.equal(claims['tenant'], 'north')
  assert.ok(!('note' in claims))
  const reviews = tokensOf(await refreshWith(identity, refresh, { audience: 'reviews' }))
  assert.ok(!('tenant' in decodeToken(reviews.access).claims))

  await ask(route, { attributes: { note: null }, reason })
  assert.deepEqual(await revokedKinds(identity), [], 'it is in no token')
  positionOf(await ask(route, { attributes: { tenant: 'south' }, reason }).then(onlyRevocation))
  assert.deepEqual(await revokedKinds(identity), ['account'], 'the old value is taken back')
  const after = tokensOf(await refreshWith(identity, refresh, { audience: 'orders' }))
  assert.equal(decodeToken(after.access).claims['tenant'], 'south')
})

function onlyRevocation(answer: Answer): Answer {
  const { revocation } = answer.members()
  return { ...answer, members: () => ({ revocation }) }
}

test('attributes are flat, few and small', async (t) => {
  const { identity, ask } = await start(t)
  const { accountId } = await signIn(identity)
  const route = `PATCH /admin/accounts/${accountId}`
  const many = Object.fromEntries(Array.from({ length: 33 }, (_, at) => [`a${at}`, at]))
  const long = Object.fromEntries(Array.from({ length: 9 }, (_, at) => [`a${at}`, 'x'.repeat(250)]))
  const bad: readonly unknown[] = [
    { tenant: { deep: 1 } },
    { tenant: ['north'] },
    { tenant: 'x'.repeat(257) },
    { '': 'x' },
    { 'with space': 1 },
    { __proto__x: 1 },
    { '1st': 1 },
    many,
    long,
    'north',
    [],
    null,
    7,
  ]
  assert.ok(bad.length > 0)
  for (const attributes of bad) {
    assertProblem(await ask(route, { attributes, reason }), 400, 'malformed')
  }
  assert.equal((await ask(route, { attributes: { tenant: 'x'.repeat(256) }, reason })).status, 200)
})

test('an attribute that makes a token too large is named when the token is refused', async (t) => {
  const { identity, ask } = await start(t, { file: { tokenBytesMax: 1100 } })
  const { accountId } = await signIn(identity)
  const attributes = { tenant: '\u00e9'.repeat(256) }
  const changed = await ask(`PATCH /admin/accounts/${accountId}`, { attributes, reason })
  assert.equal(changed.status, 200, changed.body)
  const { identifier, password } = alice
  const refused = await identity.login({ identifier, password })
  assertProblem(refused, 400, 'token-over-budget')
  assert.match(refused.body, /largest claims are tenant \(514 bytes\)/)
})

test('an address that an administrator changes is not verified any more, and old links die', async (t) => {
  const { identity, ask, mailbox } = await start(t)
  const { accountId, access: token } = await signInHere(identity)
  const route = `PATCH /admin/accounts/${accountId}`
  for (const email of ['nowhere', 7, 'a@b.example\n']) {
    assertProblem(await ask(route, { email, reason }), 400, 'malformed')
  }
  const changed = await ask(route, { email: 'Alice@Mail.Example', reason })
  assert.equal(changed.members()['email'], 'alice@mail.example')
  assert.equal((await call(identity, 'POST /account/verify-email', { token })).status, 202)
  const body = { token: tokenIn(await mailbox.next()) }
  assert.equal((await call(identity, 'POST /account/verify-email', { token, body })).status, 200)
  assert.equal((await ask(route, { email: 'other@mail.example', reason })).status, 200)
  // ASVS 6.3.7: where the owner would look.
  const { to, subject } = await mailbox.next()
  assert.deepEqual([to, subject], ['alice@mail.example', 'The address of your account was changed'])
  const account = (await call(identity, 'GET /account', { token })).members()
  assert.deepEqual([account['email'], account['email_verified']], ['other@mail.example', false])
  assert.equal((await ask(route, { email: null, reason })).status, 200)
  assertProblem(await call(identity, 'POST /account/verify-email', { token }), 409, 'no-email')
})

test('a forced reset ends everything, makes the password worthless, and sends a link', async (t) => {
  const { identity, ask, mailbox } = await start(t)
  const { accountId, access, refresh } = await signInHere(identity)
  const route = `POST /admin/accounts/${accountId}/reset`
  assertProblem(await ask(route, { reason }), 409, 'no-email')
  assert.ok(await isWelcome(identity, access))
  await ask(`PATCH /admin/accounts/${accountId}`, { email: 'alice@mail.example', reason })
  positionOf(await ask(route, { reason }))
  assert.ok(!(await isWelcome(identity, access)))
  await assertNoRefresh(identity, refresh)
  const { identifier, password } = alice
  assertProblem(await identity.login({ identifier, password }), 401, 'bad-credentials')
  const next = newRandomSecret()
  const body = { token: tokenIn(await mailbox.next()), new: next }
  positionOf(await call(identity, 'POST /account/reset/confirm', { body }))
  await signIn(identity, { identifier, password: next })
})

// ASVS 7.4.5.
test('an administrator ends all sessions of somebody, who may sign in again', async (t) => {
  const { identity, ask, adminId } = await start(t)
  const sessions = [await signInHere(identity), await signInHere(identity)]
  const accountId = sessions[0]?.accountId ?? ''
  positionOf(await ask(`POST /admin/accounts/${accountId}/logout`, { reason }))
  for (const { access, refresh } of sessions) {
    assert.ok(!(await isWelcome(identity, access)))
    await assertNoRefresh(identity, refresh)
  }
  await signIn(identity)
  const [event] = await identity.query(
    `SELECT kind, account_id, actor, reason FROM events WHERE ${aboutPeople}`,
  )
  const expected = { kind: 'all-sessions-ended', account_id: accountId, actor: adminId, reason }
  assert.deepEqual({ ...event }, expected)
})

test('an administrator deletes an account, and it is gone for administrators too', async (t) => {
  const { identity, ask, adminId } = await start(t)
  const { accountId, access, refresh } = await signInHere(identity)
  const route = `DELETE /admin/accounts/${accountId}`
  assertProblem(await ask(route, {}), 400, 'malformed')
  positionOf(await ask(route, { reason }))
  assert.ok(!(await isWelcome(identity, access)))
  await assertNoRefresh(identity, refresh)
  assertProblem(await ask(route, { reason }), 404, 'not-found')
  const found = await ask('GET /admin/accounts?identifier=alice')
  assert.deepEqual(found.members(), { accounts: [] })
  for (const what of ['block', 'unblock', 'logout', 'reset']) {
    const answer = await ask(`POST /admin/accounts/${accountId}/${what}`, { reason })
    assertProblem(answer, 404, 'not-found')
  }
  const self = await ask(`DELETE /admin/accounts/${adminId}`, { reason })
  assertProblem(self, 409, 'last-administrator')
})

test('nobody else changes accounts, and every change needs its reason', async (t) => {
  const { identity, ask } = await start(t)
  const { accountId, access } = await signInHere(identity)
  const at = `/admin/accounts/${accountId}`
  const routes: readonly (readonly [string, object])[] = [
    ['POST /admin/accounts', { identifier: 'mallory', password: newRandomSecret() }],
    [`POST ${at}/roles`, { roles: ['identity-admin'], reason }],
    [`PATCH ${at}`, { attributes: { tenant: 'all' }, reason }],
    [`POST ${at}/reset`, { reason }],
    [`POST ${at}/logout`, { reason }],
    [`DELETE ${at}`, { reason }],
  ]
  assert.equal(routes.length, 6)
  for (const [route, body] of routes) {
    assertProblem(await call(identity, route, { token: access, body }), 403, 'insufficient-scope')
    assertChallenged(await call(identity, route, { body }))
    assertProblem(await ask(route, { ...body, more: 1 }), 400, 'malformed')
    assertProblem(await ask(route, { ...body, reason: '' }), 400, 'malformed')
    if (!('reason' in body)) continue
    const { reason: _reason, ...others } = body as { readonly reason: string }
    assertProblem(await ask(route, others), 400, 'malformed')
    const unknown = route.replace(accountId, 'A'.repeat(22))
    assertProblem(await ask(unknown, body), 404, 'not-found')
  }
  assert.ok(await isWelcome(identity, access))
  assert.deepEqual(await identity.query(`SELECT * FROM events WHERE ${aboutPeople}`), [])
})
