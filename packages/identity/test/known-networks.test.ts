import assert from 'node:assert/strict'
import { hashLinkToken } from '../src/domain/account-links.ts'
import { resetPassword } from '../src/domain/password-reset.ts'
import { noPasswordHash } from '../src/domain/passwords.ts'
import { createAccountAdministration } from '../src/store/account-administration.ts'
import { createLinkStore } from '../src/store/account-links.ts'
import { testOnEngines } from './engines.ts'
import { commandLine } from './store-parts.ts'
import {
  dayMs,
  elsewhere,
  home,
  minuteMs,
  openGuardedLogins,
  right,
  tenWrong,
  tryOften,
  wordOf,
} from './guarded-logins.ts'

testOnEngines(
  'while 1,000 networks hammer at an account for a day, its owner signs in from a known one at the first try',
  async (t, engine) => {
    const logins = await openGuardedLogins(t, engine)
    const { clock, tryAs } = logins
    assert.equal(wordOf(await tryAs('alice', right, home)), 'signed-in')
    const networksEach = 11
    const rounds = 96
    for (let round = 0; round < rounds; round += 1) {
      const addresses = Array.from({ length: networksEach }, (_, n) => {
        const network = round * networksEach + n
        return `10.${network >> 8}.${network & 255}.1`
      })
      const outcomes = await Promise.all(addresses.map((from) => tryAs('alice', 'wrong', from)))
      assert.ok(outcomes.some(({ kind }) => kind === 'throttled'))
      if (round % 4 === 0) assert.equal(wordOf(await tryAs('alice', right, home)), 'signed-in')
      clock.advanceMs(dayMs / rounds)
    }
    assert.ok(logins.hashed.filter((password) => password === 'wrong').length < 120)
    // From elsewhere the owner competes with the attacker, with the right password too.
    await tryOften(logins, 10)
    assert.match(wordOf(await tryAs('alice', right, elsewhere)), /^throttled/)
  },
)

for (const isNew of [false, true]) {
  const whose = isNew ? 'an account that waits for it' : 'a lost one'
  testOnEngines(
    `whoever chooses a password by a link, for ${whose}, signs in from there while others hammer at the account`,
    async (t, engine) => {
      const logins = await openGuardedLogins(t, engine)
      const { parts, store, clock } = logins
      const { database, log } = store
      const links = createLinkStore(database, log.transaction)
      const administration = createAccountAdministration(database, log.transaction)
      const identifier = 'carol@mail.example'
      const token = 'sent by mail'
      const account = {
        id: 'C'.repeat(22),
        identifier,
        email: identifier,
        passwordHash: isNew ? noPasswordHash : 'hash of carol-password',
        roles: [],
        attributes: {},
        isUnconfirmed: isNew,
      }
      const link = { tokenHash: hashLinkToken(token), lifeMs: 2 * minuteMs }
      await administration.createFor(account, { actor: commandLine, reason: 'a test', link })
      const hammer = async (): Promise<void> => {
        await tryOften(logins, 11, { identifier })
        clock.advanceMs(1000)
        await tryOften(logins, 1, { identifier })
      }
      await hammer()
      const password = 'a new long password'
      if (!isNew) {
        const inVain = await logins.tryAs(identifier, 'carol-password', home)
        assert.match(wordOf(inVain), /^throttled/)
      }
      const resetParts = { ...parts, links }
      const outcome = await resetPassword(resetParts, { token, password, address: home })
      assert.equal(outcome.kind, 'reset')
      await hammer()
      assert.equal(wordOf(await logins.tryAs(identifier, password, home)), 'signed-in')
      // And from nowhere else.
      assert.match(wordOf(await logins.tryAs(identifier, password, '192.0.2.2')), /^throttled/)
    },
  )
}

testOnEngines(
  'a known network has a counter of its own, with the same delays',
  async (t, engine) => {
    const logins = await openGuardedLogins(t, engine)
    await logins.tryAs('alice', right, home)
    assert.deepEqual(await tryOften(logins, 11, { address: home }), [
      ...tenWrong,
      'throttled for 1 s',
    ])
    // Which is none of the strangers'.
    assert.equal(wordOf(await logins.tryAs('alice', right, elsewhere)), 'signed-in')
  },
)

testOnEngines(
  'logins of the owner give strangers no further tries, and of an attacker no further tries at others',
  async (t, engine) => {
    const logins = await openGuardedLogins(t, engine, { people: ['alice', 'mallory'] })
    await logins.tryAs('alice', right, home)
    await tryOften(logins, 9)
    for (let n = 0; n < 3; n += 1) await logins.tryAs('alice', right, home)
    assert.deepEqual(await tryOften(logins, 2), ['bad-credentials', 'throttled for 1 s'])

    // 10 of the network's 100 are gone; his own account gives none back.
    for (let n = 0; n < 9; n += 1) {
      await tryOften(logins, 10, { identifier: `person-${n}` })
      const signedIn = await logins.tryAs('mallory', 'mallory-password', elsewhere)
      assert.equal(wordOf(signedIn), 'signed-in')
    }
    assert.deepEqual(await tryOften(logins, 1, { identifier: 'bob' }), ['throttled for 1 s'])
  },
)

testOnEngines(
  'the last ten networks of an account are known, each for 90 days',
  async (t, engine) => {
    const logins = await openGuardedLogins(t, engine)
    const addresses = Array.from({ length: 11 }, (_, n) => `192.0.2.${n}`)
    for (const address of addresses) {
      await logins.tryAs('alice', right, address)
      logins.clock.advanceMs(minuteMs)
    }
    const [oldest, second, third] = addresses
    const known = (await logins.counters()).filter((row) => row['counter'] === 'known')
    assert.equal(known.length, 10)
    await tryOften(logins, 10)
    assert.match(wordOf(await logins.tryAs('alice', right, oldest ?? '')), /^throttled/)
    assert.equal(wordOf(await logins.tryAs('alice', right, second ?? '')), 'signed-in')

    logins.clock.advanceMs(90 * dayMs - 8 * minuteMs)
    await tryOften(logins, 10)
    assert.match(wordOf(await logins.tryAs('alice', right, third ?? '')), /^throttled/)
    assert.equal(wordOf(await logins.tryAs('alice', right, second ?? '')), 'signed-in')
  },
)

testOnEngines('nothing that is stored names a person or an address', async (t, engine) => {
  const logins = await openGuardedLogins(t, engine)
  await logins.tryAs('alice', right, home)
  await tryOften(logins, 2)
  const rows = await logins.counters()
  assert.equal(rows.length, 4)
  for (const row of rows) {
    assert.match(String(row['key']), /^[\w-]{22}$/)
    assert.doesNotMatch(JSON.stringify(row), /alice|192\.0|198\.51/)
  }
})

testOnEngines(
  'what has expired is removed, a bounded number of rows at a time, and nothing else is',
  async (t, engine) => {
    const logins = await openGuardedLogins(t, engine)
    const { attempts, clock } = logins
    await logins.tryAs('alice', right, home)
    await tryOften(logins, 3)
    // What the owner's login had left of its network, which is nothing.
    assert.equal(await attempts.forget(), 1)
    assert.equal((await logins.counters()).length, 3)
    clock.advanceMs(3 * 15 * minuteMs - 1)
    assert.equal(await attempts.forget(), 1)
    clock.advanceMs(1)
    assert.equal(await attempts.forget(), 1)
    clock.advanceMs(90 * dayMs)
    assert.equal(await attempts.forget(), 1)
    assert.deepEqual(await logins.counters(), [])
  },
)

testOnEngines(
  'expired failures count for nothing, whether or not they are removed',
  async (t, engine) => {
    const logins = await openGuardedLogins(t, engine)
    await tryOften(logins, 10)
    logins.clock.advanceMs(10 * 15 * minuteMs)
    assert.deepEqual(await tryOften(logins, 11), [...tenWrong, 'throttled for 1 s'])
  },
)
