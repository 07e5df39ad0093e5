import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changePassword } from '../src/domain/password-change.ts'
import { delayMsAfter, failuresMax } from '../src/domain/tries-bound.ts'
import { testOnEngines } from './engines.ts'
import {
  bounds,
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
import { accountIdOf, commandLine, sessionOf } from './store-parts.ts'

test('delays double from one second on, and never pass the longest', () => {
  const delays = Array.from({ length: 23 }, (_, failures) => delayMsAfter(failures, bounds.account))
  assert.deepEqual(
    delays.map((ms) => ms / 1000),
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900],
  )
  assert.equal(failuresMax(bounds.account), 20)
  assert.equal(failuresMax({ freeTries: 1, delaySecondsMax: 1 }), 1)
  assert.equal(delayMsAfter(1, { freeTries: 1, delaySecondsMax: 10 }), 1000)
})

testOnEngines(
  'the store delays as the table says, and forgives by the clock',
  async (t, engine) => {
    const logins = await openGuardedLogins(t, engine)
    const { clock } = logins
    assert.deepEqual(await tryOften(logins, 10), tenWrong)
    for (const seconds of [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]) {
      clock.advanceMs(seconds * 1000 - 1)
      assert.deepEqual(await tryOften(logins, 1), [`throttled for 1 s`])
      // Not counted, and so not prolonged, however often.
      assert.deepEqual(await tryOften(logins, 2), [`throttled for 1 s`, `throttled for 1 s`])
      clock.advanceMs(1)
      const refused = `throttled for ${Math.min(seconds * 2, 900)} s`
      // One failure is forgiven on the way, in the quarter of an hour that these delays come to.
      const expected = seconds === 512 ? 'throttled for 512 s' : refused
      assert.deepEqual(await tryOften(logins, 2), ['bad-credentials', expected])
    }
    clock.advanceMs(5 * 60 * minuteMs)
    assert.deepEqual(await tryOften(logins, 10), tenWrong)
  },
)

// ASVS 6.3.1.
testOnEngines(
  'whoever tries as often as he may, for a day, tries less than 120 passwords',
  async (t, engine) => {
    const logins = await openGuardedLogins(t, engine)
    const endMs = logins.clock.now() + dayMs
    while (logins.clock.now() < endMs) {
      const outcome = await logins.tryAs('alice', 'wrong', elsewhere)
      if (outcome.kind !== 'throttled') continue
      assert.ok(outcome.retryAfterSeconds <= 900)
      logins.clock.advanceMs(outcome.retryAfterSeconds * 1000)
    }
    const tried = logins.hashed.length
    assert.ok(tried > 96 && tried < 120, `${tried} passwords were tried`)
    // And all is forgiven some hours later, so that nobody is locked out for good.
    logins.clock.advanceMs(5 * 60 * minuteMs)
    assert.equal(wordOf(await logins.tryAs('alice', right, elsewhere)), 'signed-in')
  },
)

testOnEngines(
  'a right password inside the delay is refused without being hashed',
  async (t, engine) => {
    const logins = await openGuardedLogins(t, engine)
    await tryOften(logins, 10)
    const hashes = logins.hashed.length
    assert.equal(wordOf(await logins.tryAs('alice', right, elsewhere)), 'throttled for 1 s')
    assert.equal(logins.hashed.length, hashes)
  },
)

testOnEngines(
  'of 50 parallel guesses exactly the free tries are hashed (CVE-2023-47111)',
  async (t, engine) => {
    const logins = await openGuardedLogins(t, engine)
    const guess = async (n: number): Promise<string> =>
      wordOf(await logins.tryAs('alice', `guess ${n}`, `198.51.100.${n}`))
    const outcomes = await Promise.all(Array.from({ length: 50 }, (_, n) => guess(n)))
    assert.equal(logins.hashed.length, 10)
    assert.equal(outcomes.filter((word) => word === 'bad-credentials').length, 10)
    assert.equal(outcomes.filter((word) => word.startsWith('throttled')).length, 40)
    // What lost the race was taken back: of the networks only those count that had a try.
    const counted = (await logins.counters()).filter(
      (row) => row['counter'] === 'network' && Number(row['forgiven_at']) > logins.clock.now(),
    )
    assert.equal(counted.length, 10)
  },
)

testOnEngines('a right password forgives what was wrong before it', async (t, engine) => {
  const logins = await openGuardedLogins(t, engine)
  await tryOften(logins, 9)
  for (let n = 0; n < 2; n += 1) {
    logins.clock.advanceMs(1000)
    assert.equal(wordOf(await logins.tryAs('alice', right, elsewhere)), 'signed-in')
    assert.deepEqual(await tryOften(logins, 11), [...tenWrong, 'throttled for 1 s'])
  }
})

testOnEngines(
  'accounts that do not exist, or cannot, are delayed as those that do, with one hash a try',
  async (t, engine) => {
    const logins = await openGuardedLogins(t, engine)
    const seen = []
    for (const identifier of ['alice', 'nobody', 'not an identifier']) {
      const hashes = logins.hashed.length
      const words = await tryOften(logins, 12, { identifier })
      seen.push({ words, hashes: logins.hashed.length - hashes })
    }
    const words = [...tenWrong, 'throttled for 1 s', 'throttled for 1 s']
    const each = { words, hashes: 10 }
    assert.deepEqual(seen, [each, each, each])
  },
)

// As of Authelia 2026-05, where names were not canonical.
testOnEngines(
  'another spelling is the same account, whether or not it exists',
  async (t, engine) => {
    const logins = await openGuardedLogins(t, engine)
    for (const spellings of [
      ['alice', 'ALICE', 'ａｌｉｃｅ'],
      ['nobody', 'NoBody', 'ｎobody'],
    ]) {
      for (let n = 0; n < 10; n += 1) {
        const identifier = spellings[n % spellings.length] ?? assert.fail()
        assert.deepEqual(await tryOften(logins, 1, { identifier }), ['bad-credentials'])
      }
      for (const identifier of spellings) {
        assert.deepEqual(await tryOften(logins, 1, { identifier }), ['throttled for 1 s'])
      }
    }
  },
)

testOnEngines('a delay survives a restart, and so does what is known', async (t, engine) => {
  const first = await openGuardedLogins(t, engine)
  await first.tryAs('alice', right, home)
  await tryOften(first, 10)
  const second = await first.reopen(t)
  assert.deepEqual(await tryOften(second, 1), ['throttled for 1 s'])
  assert.equal(wordOf(await second.tryAs('alice', right, home)), 'signed-in')
})

testOnEngines('an account is reported once when its delays begin', async (t, engine) => {
  const logins = await openGuardedLogins(t, engine)
  await tryOften(logins, 20)
  await tryOften(logins, 20, { identifier: 'nobody', address: home })
  for (const seconds of [1, 2, 4, 8, 16]) {
    logins.clock.advanceMs(seconds * 1000)
    await tryOften(logins, 1)
  }
  const delayed = { kind: 'account-delayed', accountId: accountIdOf('alice') }
  assert.deepEqual(logins.observed, [delayed])
})

testOnEngines(
  'a check for which the queue had no room counts nothing, and reopens what it closed',
  async (t, engine) => {
    const logins = await openGuardedLogins(t, engine)
    const { parts, clock } = logins
    await tryOften(logins, 10)
    clock.advanceMs(1000)
    const before = await logins.counters()
    const attempt = { accountId: accountIdOf('alice'), identifier: 'alice', address: elsewhere }
    const admission = await parts.protection.admit(attempt)
    assert.ok(admission.kind === 'admitted')
    await admission.untried()
    const owed = (rows: typeof before): readonly unknown[] => rows.map((row) => row['forgiven_at'])
    assert.deepEqual(owed(await logins.counters()), owed(before))
    assert.deepEqual(await tryOften(logins, 1), ['bad-credentials'])
  },
)

testOnEngines(
  'what others have closed stays closed when an attempt is taken back',
  async (t, engine) => {
    const logins = await openGuardedLogins(t, engine)
    await tryOften(logins, 8)
    const admission = await logins.parts.protection.admit({
      accountId: accountIdOf('alice'),
      identifier: 'alice',
      address: elsewhere,
    })
    assert.ok(admission.kind === 'admitted')
    await tryOften(logins, 1)
    await admission.untried()
    assert.deepEqual(await tryOften(logins, 1), ['throttled for 1 s'])
  },
)

testOnEngines(
  'changing the password is no second door for guesses (CVE-2018-14657, CVE-2024-32868)',
  async (t, engine) => {
    const logins = await openGuardedLogins(t, engine)
    const { parts, clock } = logins
    const opened = await logins.tryAs('alice', right, home)
    assert.ok(opened.kind === 'signed-in')
    const session = await sessionOf(parts, opened.session.id)
    const change = async (current: string, network: string): Promise<string> => {
      const next = 'a password that is long enough'
      const outcome = await changePassword(parts, session, { current, new: next, network })
      return outcome.kind === 'refused' ? outcome.why : outcome.kind
    }
    for (let n = 0; n < 5; n += 1) {
      assert.equal(await change('wrong', elsewhere), 'bad-credentials')
      assert.deepEqual(await tryOften(logins, 1), ['bad-credentials'])
    }
    const hashes = logins.hashed.length
    assert.equal(await change(right, elsewhere), 'throttled')
    assert.equal(logins.hashed.length, hashes)
    clock.advanceMs(1000)
    assert.equal(await change(right, elsewhere), 'changed')
  },
)

testOnEngines(
  'a wrong password costs the same steps whether the account exists, is blocked or does not exist',
  async (t, engine) => {
    const logins = await openGuardedLogins(t, engine, { people: ['alice', 'blocked', 'admin'] })
    const accountId = accountIdOf('blocked')
    const blocked = { accountId, actor: commandLine, reason: 'a test' }
    assert.equal((await logins.parts.accounts.block(blocked)).kind, 'blocked')
    const costs = []
    for (const identifier of ['alice', 'blocked', 'nobody']) {
      const [calls, hashes] = [logins.calls.length, logins.hashed.length]
      assert.deepEqual(await tryOften(logins, 1, { identifier }), ['bad-credentials'])
      costs.push([...logins.calls.slice(calls), `${logins.hashed.length - hashes} hash`])
    }
    const cost = ['find', 'write', '1 hash']
    assert.deepEqual(costs, [cost, cost, cost])
    const password = 'blocked-password'
    const known = await tryOften(logins, 1, { identifier: 'blocked', password })
    assert.deepEqual(known, ['account-blocked'])
  },
)

testOnEngines(
  'the protection costs a login two writes, and a read more from a new network',
  async (t, engine) => {
    const logins = await openGuardedLogins(t, engine)
    const callsOf = async (password: string, address: string): Promise<readonly string[]> => {
      logins.calls.length = 0
      await logins.tryAs('alice', password, address)
      return logins.calls.toSpliced(0, 1)
    }
    assert.deepEqual(await callsOf(right, home), ['write', 'write', 'read'])
    assert.deepEqual(await callsOf(right, home), ['write', 'write'])
    await tryOften(logins, 10)
    assert.deepEqual(await callsOf(right, elsewhere), ['write', 'read'])
  },
)
