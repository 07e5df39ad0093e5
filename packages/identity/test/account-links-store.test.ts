import assert from 'node:assert/strict'
import { hashLinkToken } from '../src/domain/account-links.ts'
import { mailPace } from '../src/domain/mail-pace.ts'
import { login } from '../src/domain/login.ts'
import { changePassword } from '../src/domain/password-change.ts'
import { resetPassword } from '../src/domain/password-reset.ts'
import { refresh } from '../src/domain/refresh.ts'
import { decision, giveEmail, issueLink, kindsOf, openAccounts } from './account-parts.ts'
import { testOnEngines } from './engines.ts'
import { accountOf, endEverywhere, loginWith, sessionOf } from './store-parts.ts'

const email = 'alice@mail.example'
const newPassword = 'a new long password'

testOnEngines('of twenty confirmations of one link one sets its password', async (t, engine) => {
  const store = await openAccounts(t, engine)
  const accountId = await giveEmail(store, email)
  const tokenHash = await issueLink(store, accountId)
  const outcomes = await Promise.all(
    Array.from({ length: 20 }, (_, at) =>
      store.links.confirmReset({ tokenHash, newHash: `hash of password ${at}` }),
    ),
  )
  const winners = outcomes.flatMap(({ kind }, at) => (kind === 'reset' ? [at] : []))
  assert.equal(winners.length, 1, JSON.stringify(outcomes))
  assert.equal((await accountOf(store)).passwordHash, `hash of password ${winners[0]}`)
  assert.deepEqual(await kindsOf(store, 'revocations'), ['account'])
})

testOnEngines('a link dies with what it was made for', async (t, engine) => {
  const store = await openAccounts(t, engine)
  const { parts, links, administration, clock } = store
  const accountId = await giveEmail(store, email)
  const decided = { ...decision, accountId }
  const ends: Readonly<Record<string, () => Promise<unknown>>> = {
    'its time is over': async () => clock.advanceMs(1_800_000),
    'logout by an administrator': () => administration.logOut(decided),
    'a forced reset': () =>
      administration.forceReset({ ...decided, link: { tokenHash: 'forced', lifeMs: 1000 } }),
    "the end of everybody's sessions": () => administration.logOutEverybody(decision),
    'another address': () => giveEmail(store, 'other@mail.example'),
    'a block, also when it is lifted': async () => {
      await parts.accounts.block(decided)
      await parts.accounts.unblock(decided)
    },
    'a reset that was finished': async () => {
      const other = await issueLink(store, accountId)
      await links.confirmReset({ tokenHash: other, newHash: 'hash of alice-password' })
    },
    deletion: () => administration.delete(decided),
  }
  assert.equal(Object.keys(ends).length, 8)
  for (const [what, end] of Object.entries(ends)) {
    const tokenHash = await issueLink(store, accountId)
    assert.ok((await links.accountOf(tokenHash, 'reset')) !== undefined, what)
    await end()
    assert.equal(await links.accountOf(tokenHash, 'reset'), undefined, what)
    const reset = await links.confirmReset({ tokenHash, newHash: 'hash of mine' })
    assert.equal(reset.kind, 'invalid', what)
    clock.advanceMs(mailPace.refillMs)
  }
  assert.deepEqual(await store.query('SELECT * FROM account_links'), [])
})

testOnEngines(
  'whoever knows the password ends no reset with it: the owner uses the link that he has',
  async (t, engine) => {
    const store = await openAccounts(t, engine)
    const { parts, links } = store
    const accountId = await giveEmail(store, email)
    const tokenHash = await issueLink(store, accountId)
    const toVerify = await issueLink(store, accountId, 'verify-email')
    const { sessionId } = await loginWith(parts)
    const thief = await sessionOf(parts, sessionId)
    const stolen = { current: 'alice-password', new: 'the password of a thief' }
    assert.equal((await changePassword(parts, thief, stolen)).kind, 'changed')
    await endEverywhere(parts, accountId)
    assert.equal(await links.accountOf(toVerify, 'verify-email'), undefined)
    assert.ok(!(await links.confirmEmail(toVerify)), 'it wants a password that is shown now')
    assert.ok((await links.accountOf(tokenHash, 'reset')) !== undefined)
    const reset = await links.confirmReset({ tokenHash, newHash: `hash of ${newPassword}` })
    assert.equal(reset.kind, 'reset')
    await loginWith(parts, 'alice', newPassword)
    assert.equal((await links.confirmReset({ tokenHash, newHash: 'x' })).kind, 'invalid')
  },
)

testOnEngines('a blocked account gets no link', async (t, engine) => {
  const { links, parts, ...store } = await openAccounts(t, engine)
  const accountId = await giveEmail({ links, parts, ...store }, email)
  await parts.accounts.block({ ...decision, accountId })
  const link = { accountId, purpose: 'reset', tokenHash: 'hash', lifeMs: 1000 } as const
  assert.deepEqual(await links.issue(link, mailPace), { kind: 'withheld' })
})

testOnEngines('a link for one purpose is nothing for the other', async (t, engine) => {
  const store = await openAccounts(t, engine)
  const { links } = store
  const accountId = await giveEmail(store, email)
  const toVerify = await issueLink(store, accountId, 'verify-email')
  const toReset = await issueLink(store, accountId, 'reset')
  assert.equal(await links.accountOf(toVerify, 'reset'), undefined)
  const reset = await links.confirmReset({ tokenHash: toVerify, newHash: 'hash of mine' })
  assert.equal(reset.kind, 'invalid')
  assert.ok(!(await links.confirmEmail(toReset)))
  assert.ok(await links.confirmEmail(toVerify))
  assert.ok(!(await links.confirmEmail(toVerify)), 'used twice')
  assert.ok((await accountOf(store)).isEmailVerified)
  assert.equal((await links.confirmReset({ tokenHash: toReset, newHash: 'x' })).kind, 'reset')
})

testOnEngines(
  'an account that waits is confirmed by a new password, and by no click on a link of an earlier release',
  async (t, engine) => {
    const store = await openAccounts(t, engine)
    const { administration, links } = store
    const identifier = 'victim@mail.example'
    const id = 'V'.repeat(22)
    await administration.create({
      id,
      identifier,
      email: identifier,
      passwordHash: 'hash of attacker-password',
      roles: [],
      attributes: {},
      isUnconfirmed: true,
    })
    const toVerify = await issueLink(store, id, 'verify-email')
    assert.equal(await links.accountOf(toVerify, 'verify-email'), undefined)
    assert.ok(!(await links.confirmEmail(toVerify)))
    assert.ok((await accountOf(store, identifier)).isUnconfirmed)
    const tokenHash = await issueLink(store, id)
    const reset = await links.confirmReset({ tokenHash, newHash: 'hash of victim-password' })
    assert.equal(reset.kind, 'reset')
    const { isUnconfirmed, isEmailVerified, passwordHash } = await accountOf(store, identifier)
    assert.deepEqual(
      { isUnconfirmed, isEmailVerified, passwordHash },
      { isUnconfirmed: false, isEmailVerified: true, passwordHash: 'hash of victim-password' },
    )
  },
)

testOnEngines('what nobody can use any more is taken away, and nothing else', async (t, engine) => {
  const store = await openAccounts(t, engine)
  const { administration, links, clock, query } = store
  const accountId = await giveEmail(store, email)
  const waiting = { id: 'C'.repeat(22), identifier: 'c@mail.example', email: 'c@mail.example' }
  await administration.create({
    ...waiting,
    passwordHash: 'hash',
    roles: [],
    attributes: {},
    isUnconfirmed: true,
  })
  await issueLink(store, accountId)
  await links.tidy(1000 * 3600)
  assert.equal((await query('SELECT * FROM account_links')).length, 1)
  assert.equal((await accountOf(store, 'c@mail.example')).isUnconfirmed, true)
  clock.advanceMs(1000 * 3600)
  await links.tidy(1000 * 3600)
  assert.deepEqual(await query('SELECT * FROM account_links'), [])
  assert.equal(await store.parts.accounts.findByIdentifier('c@mail.example'), undefined)
  await accountOf(store)
})

testOnEngines(
  'a reset and a change of the password at once: the reset has the last word',
  async (t, engine) => {
    const store = await openAccounts(t, engine)
    const { parts, links } = store
    const accountId = await giveEmail(store, email)
    for (let round = 0; round < 5; round += 1) {
      const before = await accountOf(store)
      const current = before.passwordHash.replace('hash of ', '')
      const { sessionId } = await loginWith(parts, 'alice', current)
      const session = await sessionOf(parts, sessionId)
      const tokenHash = await issueLink(store, accountId)
      store.clock.advanceMs(mailPace.refillMs)
      const late = await issueLink(store, accountId)
      store.clock.advanceMs(-mailPace.refillMs)
      const [reset, changed] = await Promise.all([
        links.confirmReset({ tokenHash, newHash: `hash of reset password ${round}` }),
        changePassword(parts, session, { current, new: `changed password ${round}` }),
      ])
      assert.equal(reset.kind, 'reset')
      assert.ok(['refused', 'changed'].includes(changed.kind), changed.kind)
      assert.equal((await accountOf(store)).passwordHash, `hash of reset password ${round}`)
      const over = await links.confirmReset({ tokenHash: late, newHash: 'hash of late' })
      assert.equal(over.kind, 'invalid', 'another link outlived the reset')
      store.clock.advanceMs(3 * mailPace.refillMs)
    }
  },
)

testOnEngines(
  'a reset ends all sessions and all links, and unblocks and verifies nothing',
  async (t, engine) => {
    const store = await openAccounts(t, engine)
    const { parts, links } = store
    const accountId = await giveEmail(store, email)
    const opened = [await loginWith(parts), await loginWith(parts)]
    const tokenHash = await issueLink(store, accountId)
    const outcome = await links.confirmReset({ tokenHash, newHash: `hash of ${newPassword}` })
    assert.equal(outcome.kind, 'reset')
    for (const { refresh: refreshToken } of opened) {
      const refreshed = await refresh(parts, { refreshToken })
      assert.deepEqual(refreshed, { kind: 'refused', why: 'bad-grant' })
    }
    assert.ok(!(await accountOf(store)).isEmailVerified)
    assert.deepEqual(await store.query('SELECT * FROM account_links'), [])
    await loginWith(parts, 'alice', newPassword)
    assert.deepEqual(await kindsOf(store, 'revocations'), ['account'])
    const events = await kindsOf(store, 'events')
    assert.deepEqual(events, ['email-changed', 'link-sent', 'password-reset'])
  },
)

testOnEngines(
  'a forced reset makes the old password worthless until a link sets another',
  async (t, engine) => {
    const store = await openAccounts(t, engine)
    const { parts, administration, links } = store
    const accountId = await giveEmail(store, email)
    const link = { tokenHash: hashLinkToken('sent'), lifeMs: 86_400_000 }
    const forced = { ...decision, accountId, link }
    assert.equal((await administration.forceReset(forced)).kind, 'reset')
    const old = await login(parts, { identifier: 'alice', password: 'alice-password' })
    assert.deepEqual(old, { kind: 'refused', why: 'bad-credentials' })
    const resetParts = { ...parts, links }
    const shown = { token: 'sent', address: '192.0.2.1' }
    const unfit = await resetPassword(resetParts, { ...shown, password: 'short' })
    assert.equal(unfit.kind, 'unfit', 'and the link is not used up')
    const reset = await resetPassword(resetParts, { ...shown, password: newPassword })
    assert.equal(reset.kind, 'reset')
    await loginWith(parts, 'alice', newPassword)
  },
)
