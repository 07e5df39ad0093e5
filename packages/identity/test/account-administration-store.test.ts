import assert from 'node:assert/strict'
import { administratorRole } from '@portcullis/protocol'
import { deleteOwnAccount } from '../src/domain/account-deletion.ts'
import { callerOf } from '../src/domain/callers.ts'
import { login } from '../src/domain/login.ts'
import { noPasswordHash } from '../src/domain/passwords.ts'
import { refresh } from '../src/domain/refresh.ts'
import { decision, giveEmail, issueLink, kindsOf, openAccounts } from './account-parts.ts'
import { testOnEngines } from './engines.ts'
import { accountOf, claimsOf, loginWith, sessionOf, shown } from './store-parts.ts'

const email = 'alice@mail.example'

testOnEngines(
  'roles that are taken away void the tokens and not the sessions',
  async (t, engine) => {
    const store = await openAccounts(t, engine)
    const { parts, administration } = store
    const { id: accountId } = await accountOf(store)
    const setRoles = (roles: readonly string[]): Promise<unknown> =>
      administration.setRoles({ ...decision, accountId }, roles)
    await setRoles(['customer', 'moderator'])
    assert.deepEqual(await kindsOf(store, 'revocations'), [], 'a gain takes nothing back')
    const { refresh: refreshToken, claims, sessionId } = await loginWith(parts)
    assert.deepEqual(claims.roles, ['customer', 'moderator'])
    await setRoles(['customer'])
    assert.deepEqual(await kindsOf(store, 'revocations'), ['account'])
    const [record] = await store.query('SELECT floor FROM revocations')
    assert.equal(record?.['floor'], (claims.gen ?? 0) + 1, 'the old token is below the floor')
    const session = await sessionOf(parts, sessionId)
    assert.ok(session.account.loginFloor <= session.generation, 'the session goes on')
    const refreshed = await refresh(parts, { refreshToken })
    assert.ok(refreshed.kind === 'refreshed')
    const fresh = claimsOf(refreshed.token.accessToken)
    assert.deepEqual([fresh.roles, fresh.gen], [['customer'], (claims.gen ?? 0) + 1])
    await setRoles(['customer'])
    assert.deepEqual(await kindsOf(store, 'events'), ['roles-changed', 'roles-changed'])
  },
)

testOnEngines(
  'a refresh that races a loss of roles never carries them above the floor',
  async (t, engine) => {
    const store = await openAccounts(t, engine)
    const { parts, administration } = store
    const { id: accountId } = await accountOf(store)
    const decided = { ...decision, accountId }
    for (let round = 0; round < 10; round += 1) {
      await administration.setRoles(decided, ['customer'])
      const { refresh: refreshToken } = await loginWith(parts)
      const [refreshed] = await Promise.all([
        refresh(parts, { refreshToken }),
        administration.setRoles(decided, []),
      ])
      assert.ok(refreshed.kind === 'refreshed')
      const { gen, roles } = claimsOf(refreshed.token.accessToken)
      const { generation } = await accountOf(store)
      assert.ok(roles === undefined || Number(gen) < generation, 'an old role above the floor')
    }
  },
)

testOnEngines(
  'of administrators who dismiss, delete and block each other at once one stays',
  async (t, engine) => {
    const store = await openAccounts(t, engine, ['alice', 'bob', 'carol'])
    const { parts, administration, query } = store
    const people = await Promise.all(
      ['alice', 'bob', 'carol'].map((name) => accountOf(store, name)),
    )
    const each = people.map(({ id: accountId }) => ({ ...decision, accountId }))
    for (const decided of each) await administration.setRoles(decided, [administratorRole])
    const [first, second, third] = each
    assert.ok(first && second && third)
    const outcomes = await Promise.all([
      administration.setRoles(first, []),
      administration.delete(second),
      parts.accounts.block(third),
    ])
    const kinds = outcomes.map(({ kind }) => kind)
    assert.equal(kinds.filter((kind) => kind === 'last-administrator').length, 1, kinds.join())
    const left = await query(
      `SELECT id FROM accounts WHERE blocked_at IS NULL AND roles LIKE '%${administratorRole}%'`,
    )
    assert.equal(left.length, 1)
  },
)

testOnEngines(
  'a login that was checking the password while the account was deleted opens nothing',
  async (t, engine) => {
    const store = await openAccounts(t, engine)
    const { parts, administration } = store
    const { id: accountId } = await accountOf(store)
    const slow: typeof parts = {
      ...parts,
      passwords: {
        ...parts.passwords,
        verify: async (hash, password, asker) => {
          const deleted = await administration.delete({ ...decision, accountId })
          assert.equal(deleted.kind, 'deleted')
          return parts.passwords.verify(hash, password, asker)
        },
      },
    }
    const late = await login(slow, { identifier: 'alice', password: 'alice-password' })
    assert.deepEqual(late, { kind: 'refused', why: 'bad-credentials' })
    assert.deepEqual(await store.query('SELECT * FROM sessions'), [])
  },
)

testOnEngines('logins and a deletion at once leave nothing that can be used', async (t, engine) => {
  const store = await openAccounts(t, engine)
  const { parts, administration } = store
  const { id: accountId } = await accountOf(store)
  const [deleted, ...logins] = await Promise.all([
    administration.delete({ ...decision, accountId }),
    ...Array.from({ length: 10 }, () =>
      login(parts, { identifier: 'alice', password: 'alice-password' }),
    ),
  ])
  assert.equal(deleted.kind, 'deleted')
  for (const outcome of logins) {
    if (outcome.kind !== 'signed-in') continue
    const refreshed = await refresh(parts, { refreshToken: outcome.refresh?.token ?? '' })
    assert.equal(refreshed.kind, 'refused')
  }
  assert.equal(await parts.accounts.findByIdentifier('alice'), undefined)
})

// ASVS 10.3.3: an id is never somebody else's later.
testOnEngines('a deleted account leaves an id, and its identifier to others', async (t, engine) => {
  const store = await openAccounts(t, engine)
  const { parts, administration, links, query } = store
  const accountId = await giveEmail(store, email)
  const attributes = { tenant: 'north' }
  const change = { ...decision, accountId, attributes, attributesInClaims: new Set<string>() }
  await administration.changeProfile({ ...change, email: undefined })
  await loginWith(parts)
  const tokenHash = await issueLink(store, accountId)
  assert.equal((await administration.delete({ ...decision, accountId })).kind, 'deleted')
  assert.equal((await administration.delete({ ...decision, accountId })).kind, 'unknown')
  const revival = await parts.accounts.unblock({ ...decision, accountId })
  assert.equal(revival.kind, 'unknown')
  assert.equal((await links.confirmReset({ tokenHash, newHash: 'x' })).kind, 'invalid')

  const [grave] = await query('SELECT * FROM accounts')
  for (const [column, value] of Object.entries(grave ?? {})) {
    assert.doesNotMatch(String(value), /alice@|mail\.example|north|hash of/, column)
  }
  assert.equal(grave?.['id'], accountId)
  assert.deepEqual(await query('SELECT * FROM sessions'), [])
  const id = 'B'.repeat(22)
  const successor = { id, identifier: 'alice', email: undefined, roles: [], attributes: {} }
  const created = await administration.create({
    ...successor,
    passwordHash: 'hash of hers',
    isUnconfirmed: false,
  })
  assert.equal(created.kind, 'created')
  assert.equal((await accountOf(store)).id, id)
  const dangling = await query(
    'SELECT * FROM events WHERE account_id NOT IN (SELECT id FROM accounts)',
  )
  assert.deepEqual(dangling, [])
})

testOnEngines(
  'an administrator who cannot sign in is none whom others could rely on',
  async (t, engine) => {
    const store = await openAccounts(t, engine)
    const { parts, administration, links, clock } = store
    const { id: accountId } = await accountOf(store)
    await administration.setRoles({ ...decision, accountId }, [administratorRole])
    const invited = {
      identifier: 'bob@mail.example',
      email: 'bob@mail.example',
      roles: [administratorRole],
      attributes: {},
      isUnconfirmed: false,
      passwordHash: noPasswordHash,
    }
    const invitation = { tokenHash: 'hash of a token', lifeMs: 1000 }
    const id = 'B'.repeat(22)
    await administration.createFor({ ...invited, id }, { ...decision, link: invitation })
    const waiting = { ...invited, identifier: 'c', passwordHash: 'hash', isUnconfirmed: true }
    await administration.create({ ...waiting, id: 'C'.repeat(22) })
    const lost = { ...decision, accountId }
    const link = { tokenHash: 'hash of another', lifeMs: 1000 }
    const attempts = [
      () => administration.setRoles(lost, []),
      () => administration.delete(lost),
      () => administration.forceReset({ ...lost, link }),
      () => parts.accounts.block(lost),
    ]
    for (const attempt of attempts) assert.equal((await attempt()).kind, 'last-administrator')

    const chosen = { tokenHash: invitation.tokenHash, newHash: 'hash of bob-password' }
    assert.equal((await links.confirmReset(chosen)).kind, 'reset')
    await administration.forceReset({ ...lost, accountId: id, link })
    // And nobody else counts on him while he has to choose again.
    assert.equal((await parts.accounts.block(lost)).kind, 'last-administrator')
    clock.advanceMs(999)
    assert.equal((await links.confirmReset({ ...chosen, ...link })).kind, 'reset')
    assert.equal((await parts.accounts.block(lost)).kind, 'blocked')
  },
)

testOnEngines('a reset does not shut out the last administrator', async (t, engine) => {
  const store = await openAccounts(t, engine)
  const { parts, administration } = store
  const accountId = await giveEmail(store, 'alice@mail.example')
  await administration.setRoles({ ...decision, accountId }, [administratorRole])
  const link = { tokenHash: 'hash of a token', lifeMs: 1000 }
  const reset = { ...decision, accountId, link }
  assert.deepEqual(await administration.forceReset(reset), { kind: 'last-administrator' })
  await loginWith(parts)
})

testOnEngines('who deletes his account must know the password that it has', async (t, engine) => {
  const store = await openAccounts(t, engine)
  const { parts, administration } = store
  const session = await sessionOf(parts, (await loginWith(parts)).sessionId)
  const deletionParts = { ...parts, administration }
  const wrong = await deleteOwnAccount(deletionParts, session, shown('guess'))
  assert.equal(wrong.kind, 'bad-credentials')
  const caller = callerOf(session)
  const late = await administration.deleteOwn({ caller, checkedHash: 'hash of an older one' })
  assert.equal(late.kind, 'superseded')
  const right = await deleteOwnAccount(deletionParts, session, shown('alice-password'))
  assert.equal(right.kind, 'deleted')
})

testOnEngines('of twenty registrations of one identifier one gets it', async (t, engine) => {
  const { administration, query } = await openAccounts(t, engine, [])
  const outcomes = await Promise.all(
    Array.from({ length: 20 }, (_, at) =>
      administration.create({
        id: `${at}`.padEnd(22, 'A'),
        identifier: 'carol',
        passwordHash: 'hash',
        email: undefined,
        roles: [],
        attributes: {},
        isUnconfirmed: false,
      }),
    ),
  )
  assert.equal(outcomes.filter(({ kind }) => kind === 'created').length, 1)
  assert.equal((await query('SELECT * FROM accounts')).length, 1)
})
