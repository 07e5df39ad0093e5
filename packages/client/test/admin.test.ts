import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ClientError, createClient } from '@portcullis/client'
import { createAdministration } from '@portcullis/client/admin'
import { allOf, startAdministered } from './administering.ts'
import { admin, alice } from './running-issuer.ts'
import { clientOf } from './signing-in.ts'

const reason = 'a test'

test('an administrator makes, changes, blocks and deletes accounts by typed calls', async (t) => {
  const { running, administration } = await startAdministered(t)
  const { accounts } = administration
  const password = 'a long one that nobody guesses'
  const { id, identifier } = await accounts.create({ identifier: 'Carol', password, reason })
  assert.equal(identifier, 'carol')
  assert.deepEqual(await accounts.get(id), {
    id,
    identifier,
    isEmailVerified: false,
    roles: [],
    attributes: {},
    isBlocked: false,
    isUnconfirmed: false,
    createdAt: new Date(running.clock.now()),
  })
  const { revocation: first } = await accounts.change(id, {
    attributes: { seats: 3 },
    email: 'carol@mail.example',
    reason,
  })
  assert.equal(first, undefined, 'no token says anything else')
  const given = await accounts.setRoles(id, { roles: ['customer'], reason })
  assert.equal(given, undefined, 'a gain takes nothing back, so there is nothing that travels')
  const taken = await accounts.setRoles(id, { roles: [], reason })
  assert.equal(taken?.seq, 1)
  const again = await accounts.setRoles(id, { roles: [], reason })
  assert.deepEqual(again, taken, 'whoever asks again can wait for it too')
  await accounts.setRoles(id, { roles: ['customer'], reason })
  assert.equal((await accounts.logOut(id, { reason })).seq, 2)
  assert.equal((await accounts.block(id, { reason })).seq, 3)
  const blocked = await accounts.get(id)
  assert.deepEqual(
    [blocked.isBlocked, blocked.roles, blocked.attributes, blocked.email],
    [true, ['customer'], { seats: 3 }, 'carol@mail.example'],
  )
  await accounts.unblock(id, { reason })
  const nobody = 'A'.repeat(22)
  const ended = await accounts.logOutMany({ ids: [id, nobody], reason })
  assert.deepEqual(ended.results, [
    { id, outcome: 'ended' },
    { id: nobody, outcome: 'unknown' },
  ])
  assert.deepEqual((await accounts.blockMany({ ids: [id], reason })).results, [
    { id, outcome: 'blocked' },
  ])
  assert.equal((await accounts.delete(id, { reason })).seq, 6)
  await assert.rejects(accounts.get(id), { code: 'refused', status: 404, reason: 'not-found' })
})

test('a list goes from page to page as it is read, and says what is asked for', async (t) => {
  const { running, administration } = await startAdministered(t)
  const { accounts } = administration
  const hash = `$argon2id$v=19$m=19456,t=2,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`
  for (let group = 0; group < 3; group += 1) {
    running.clock.advanceSeconds(1)
    const results = await accounts.import({
      accounts: Array.from({ length: 70 }, (_, at) => ({
        identifier: `user-${group}-${at}`,
        password_hash: hash,
      })),
      reason,
    })
    assert.ok(results.every(({ outcome }) => outcome === 'created'))
  }
  const listed = await allOf(accounts.list({ identifierPrefix: 'user-' }))
  assert.equal(new Set(listed.map(({ id }) => id)).size, 210)
  const middle = await allOf(
    accounts.list({
      createdAfter: new Date(running.clock.now() - 2000),
      createdBefore: new Date(running.clock.now()),
      isBlocked: false,
    }),
  )
  assert.equal(middle.length, 70)
  assert.ok(middle.every(({ identifier }) => identifier.startsWith('user-1-')))
  const page = await accounts.page({}, { limit: 2 })
  assert.equal(page.items.length, 2)
  const next = await accounts.page({}, { limit: 1, after: page.next ?? '' })
  assert.equal(next.items[0]?.id, listed[2]?.id)
  const admins = await allOf(accounts.list({ role: 'identity-admin' }))
  assert.deepEqual(
    admins.map(({ identifier }) => identifier),
    ['admin'],
  )
})

test('sessions of others are listed and ended, and keys are listed and rotated', async (t) => {
  const { running, administration } = await startAdministered(t)
  const { accounts, sessions, keys } = administration
  const client = clientOf(running)
  const { sessionId } = await client.login(alice)
  const [owner] = await allOf(accounts.list({ identifier: 'alice' }))
  assert.ok(owner !== undefined)
  const [session, ...others] = await allOf(sessions.list({ account: owner.id }))
  assert.deepEqual(others, [])
  assert.deepEqual(
    [session?.id, session?.account, session?.isLive, session?.client],
    [sessionId, { id: owner.id, identifier: 'alice' }, true, 'web'],
  )
  await sessions.end(sessionId, { reason })
  await assert.rejects(client.refresh(), { code: 'signed-out' })
  const [dead] = await allOf(sessions.list({ account: owner.id, state: 'all' }))
  assert.deepEqual([dead?.isLive, dead?.endedAt], [false, new Date(running.clock.now())])

  const listed = await keys.list()
  assert.deepEqual(listed.map(({ state }) => state).toSorted(), [
    'active',
    'active',
    'pending',
    'pending',
  ])
  await assert.rejects(keys.rotate({ reason }), { code: 'refused', reason: 'too-early' })
  await sessions.endAll({ reason })
  await assert.rejects(accounts.page(), { code: 'signed-out' })
})

test('what is refused says which member does not fit, and nobody else gets in', async (t) => {
  const { running, administration } = await startAdministered(t)
  const { accounts } = administration
  const long = accounts.block('A'.repeat(22), { reason: 'x'.repeat(501) })
  await assert.rejects(long, (error) => {
    assert.ok(error instanceof ClientError)
    assert.deepEqual([error.code, error.status, error.reason], ['refused', 400, 'malformed'])
    assert.deepEqual(error.faults, [
      { field: '/reason', message: 'must NOT have more than 500 characters' },
    ])
    return true
  })
  const unknown = { reason, why: 'x' }
  await assert.rejects(accounts.block('x', unknown), /unknown member "why"/)
  await assert.rejects(accounts.page({}, { limit: 201 }), { status: 400 })
  const client = clientOf(running, { audience: running.issuer })
  await client.login(alice)
  await assert.rejects(createAdministration(client).accounts.page(), {
    code: 'refused',
    status: 403,
  })
  // Also by a session for the services: the token for the issuer is asked for beside theirs.
  const forServices = clientOf(running)
  await forServices.login(admin)
  assert.equal((await createAdministration(forServices).accounts.page()).items.length, 2)
  const signedOut = createAdministration(createClient({ issuer: running.issuer }))
  await assert.rejects(signedOut.keys.list(), { code: 'signed-out' })
  const imitation = { ...createClient({ issuer: running.issuer }) }
  assert.throws(() => createAdministration(imitation), /createClient or createPageClient has made/)
})
