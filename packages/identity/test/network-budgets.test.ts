import assert from 'node:assert/strict'
import { testOnEngines } from './engines.ts'
import { elsewhere, home, openGuardedLogins, right, tryOften, wordOf } from './guarded-logins.ts'

// ASVS 6.3.1.
testOnEngines(
  'of 150 parallel guesses at 150 accounts one network has its 100 tries',
  async (t, engine) => {
    const logins = await openGuardedLogins(t, engine)
    const guess = async (n: number): Promise<string> =>
      wordOf(await logins.tryAs(`person-${n}`, 'summer', elsewhere))
    const outcomes = await Promise.all(Array.from({ length: 150 }, (_, n) => guess(n)))
    assert.equal(logins.hashed.length, 100)
    assert.equal(outcomes.filter((word) => word.startsWith('throttled')).length, 50)
    logins.clock.advanceMs(36_000)
    assert.deepEqual(await tryOften(logins, 2, { identifier: 'person-149' }), [
      'bad-credentials',
      'throttled for 1 s',
    ])
  },
)

testOnEngines(
  'other spellings and other addresses of one IPv6 network are the same network (CVE-2026-45364)',
  async (t, engine) => {
    const logins = await openGuardedLogins(t, engine)
    const spellings = [
      '2001:db8:0:1::1',
      '2001:DB8:0:1:0:0:0:1',
      '2001:0db8:0000:0001:ffff:ffff:ffff:ffff',
      '2001:db8:0:1::192.0.2.9',
      '2001:db8:0:1:abcd::1%eth0',
    ]
    for (let n = 0; n < 100; n += 1) {
      const address = spellings[n % spellings.length] ?? assert.fail()
      await tryOften(logins, 1, { identifier: `person-${n}`, address })
    }
    const other = { identifier: 'another', address: '2001:db8:0:1:dead::beef' }
    assert.deepEqual(await tryOften(logins, 1, other), ['throttled for 1 s'])
    const next = { identifier: 'another', address: '2001:db8:0:2::1' }
    assert.deepEqual(await tryOften(logins, 1, next), ['bad-credentials'])

    await logins.tryAs('alice', right, '::ffff:192.0.2.1')
    const rows = await logins.counters()
    for (const same of ['192.0.2.1', '::ffff:c000:201', '0:0:0:0:0:FFFF:192.0.2.1']) {
      await logins.tryAs('alice', right, same)
    }
    assert.equal((await logins.counters()).length, rows.length)
  },
)

testOnEngines(
  'when strangers fail everywhere at once, strangers wait and known networks go on',
  async (t, engine) => {
    const logins = await openGuardedLogins(t, engine, { strangerTriesPerMinute: 60 })
    await logins.tryAs('alice', right, home)
    const stuff = async (n: number): Promise<string> =>
      wordOf(await logins.tryAs(`person-${n}`, 'leaked', `10.0.${n}.1`))
    const outcomes = await Promise.all(Array.from({ length: 100 }, (_, n) => stuff(n)))
    assert.equal(outcomes.filter((word) => word === 'bad-credentials').length, 60)
    assert.equal(outcomes.filter((word) => word === 'busy').length, 40)
    const refused = logins.observed.filter(({ kind }) => kind === 'strangers-refused')
    assert.equal(refused.length, 40)
    assert.equal(wordOf(await logins.tryAs('alice', right, home)), 'signed-in')
    assert.equal(wordOf(await logins.tryAs('alice', right, elsewhere)), 'busy')
    const hashes = logins.hashed.length
    assert.deepEqual(await logins.tryAs('alice', right, elsewhere), {
      kind: 'busy',
      retryAfterSeconds: 1,
    })
    assert.equal(logins.hashed.length, hashes)
    logins.clock.advanceMs(1000)
    assert.equal(wordOf(await logins.tryAs('alice', right, elsewhere)), 'signed-in')
  },
)
