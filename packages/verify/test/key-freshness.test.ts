import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { createVerifier } from '@portcullis/verify'
import { createTestIssuer } from '@portcullis/verify/testing'
import type { KeySource } from '../src/issuer/key-source.ts'
import { createKeySource } from '../src/issuer/key-source.ts'
import { createKeySetParser } from '../src/issuer/key-set.ts'
import { maxAgeSecondsOf } from '../src/issuer/max-age.ts'
import { generateTestKey } from '../src/testing/test-key.ts'
import { processTimers } from '../src/timers.ts'
import type { Clock } from './clock.ts'
import { createClock } from './clock.ts'

const headers: readonly (readonly [Readonly<Record<string, string>>, number])[] = [
  [{}, 300],
  [{ 'cache-control': 'public, max-age=7, stale-while-revalidate=60' }, 7],
  [{ 'cache-control': 'MAX-AGE=7' }, 7],
  [{ 'cache-control': 's-maxage=7' }, 300],
  [{ 'cache-control': 'max-age=-5' }, 300],
  [{ 'cache-control': 'max-age=0' }, 2],
  [{ 'cache-control': 'max-age=1' }, 2],
  [{ 'cache-control': 'max-age=315360000' }, 600],
  [{ 'cache-control': `max-age=${'9'.repeat(400)}` }, 600],
  [{ 'cache-control': 'no-store' }, 2],
  [{ 'cache-control': 'no-cache, no-store, max-age=0, must-revalidate' }, 2],
  [{ 'cache-control': 'max-age=60, No-Cache' }, 2],
  [{ 'cache-control': 'max-age=60, no-cache="set-cookie"' }, 60],
  [{ 'cache-control': 'max-age=60, must-revalidate' }, 60],
  // What a cache on the way has used up already (RFC 9111 section 4.2.3).
  [{ 'cache-control': 'max-age=300', age: '250' }, 50],
  [{ 'cache-control': 'max-age=3600', age: '3500' }, 100],
  [{ 'cache-control': 'max-age=300', age: '9999999999' }, 2],
  [{ 'cache-control': 'max-age=300', age: '-100' }, 300],
  [{ 'cache-control': 'max-age=300', age: 'yesterday' }, 300],
  [{ age: '100' }, 200],
]

test('max-age is believed between two seconds and ten minutes, and is five minutes by default', () => {
  for (const [given, seconds] of headers) {
    assert.equal(maxAgeSecondsOf(new Headers(given)), seconds, JSON.stringify(given))
  }
})

test('a set that may not be stored is fetched once in two seconds, not for every request', async (context) => {
  for (const cacheControl of ['no-store', 'max-age=0', 'max-age=315360000']) {
    const clock = createClock()
    const issuer = await createTestIssuer({ algorithm: 'EdDSA', now: clock.now })
    context.after(issuer.close)
    const verifier = createVerifier({
      issuer: issuer.issuer,
      audience: 'orders',
      revocation: 'untilExpiry',
      now: clock.now,
      fetch: async (url, init) => {
        const response = await fetch(url, init)
        return new Response(response.body, { headers: { 'cache-control': cacheControl } })
      },
    })
    for (let tenth = 0; tenth < 600; tenth += 1) {
      await verifier.verify(issuer.mint())
      clock.advanceSeconds(0.1)
    }
    // A refresh leaves behind its request, so the clock has moved when it is over.
    if (cacheControl === 'max-age=315360000') assert.equal(issuer.requests.jwks, 1)
    else assert.ok(issuer.requests.jwks <= 60 / 1.6 + 1, `${issuer.requests.jwks} fetches`)
    assert.ok(issuer.requests.jwks >= 1)
  }
})

interface Bench {
  readonly clock: Clock
  readonly source: KeySource
  readonly kid: string
  readonly fetches: () => number
  readonly publish: (document: { readonly keys: readonly object[] }) => void
}

/** A key source whose issuer is a variable. */
function startSource(maxAgeSeconds = 100): Bench {
  const clock = createClock()
  const { jwk } = generateTestKey('EdDSA')
  const parse = createKeySetParser()
  let published: { readonly keys: readonly object[] } = { keys: [jwk] }
  let fetches = 0
  const source = createKeySource({
    timers: processTimers,
    now: clock.now,
    fetchKeySet: async () => {
      fetches += 1
      const keys = parse(JSON.parse(JSON.stringify(published)))
      return keys === undefined
        ? { kind: 'failed', why: 'no key set' }
        : { kind: 'key-set', keys, maxAgeSeconds }
    },
  })
  return {
    clock,
    source,
    kid: jwk.kid,
    fetches: () => fetches,
    publish: (document) => {
      published = document
    },
  }
}

test('verifiers that started in step refresh at different times, none of them after its max-age', async () => {
  const fleet = Array.from({ length: 100 }, () => startSource(100))
  for (const { source } of fleet) await source.ready()
  const refreshedAt = async (seconds: number): Promise<number> => {
    for (const { clock, source, kid } of fleet) {
      clock.advanceSeconds(seconds)
      assert.ok(source.held(kid), 'nobody waits for it')
    }
    return fleet.filter(({ fetches }) => fetches() === 2).length
  }
  assert.equal(await refreshedAt(79.9), 0)
  const half = await refreshedAt(7.6)
  assert.ok(half > 10 && half < 90, `${half} of 100 in the first half`)
  assert.equal(await refreshedAt(7.6), 100)
})

test('a held key is answered at once, and an unknown one never', async () => {
  const { clock, source, kid, fetches } = startSource(100)
  assert.equal(source.held(kid), undefined, 'nothing was fetched so far')
  await source.ready()
  const key = source.held(kid)
  assert.equal(key?.kid, kid)
  assert.equal(source.held('another'), undefined)
  assert.equal(fetches(), 1)
  clock.advanceSeconds(96)
  assert.equal(source.held(kid), key, 'the refresh goes on behind it')
  assert.equal(source.held(kid), key)
  assert.equal(fetches(), 2)
})

test('nobody has to wait for a set that was idle past its max-age while the feed confirms it', async () => {
  const { clock, source, kid, fetches } = startSource(100)
  await source.ready()
  clock.advanceSeconds(150)
  source.confirm(10)
  assert.ok(source.held(kid))
  await setImmediate()
  assert.equal(fetches(), 2)
  clock.advanceSeconds(101)
  assert.equal(source.held(kid), undefined)
  assert.equal((await source.find(kid)).kind, 'key')
})

test('a key is the same object for as long as it is published, and another when it changes', async () => {
  const { clock, source, publish } = startSource(100)
  const [stays, changes, material] = [1, 2, 3].map(() => generateTestKey('EdDSA').jwk)
  assert.ok(stays && changes && material)
  publish({ keys: [stays, changes] })
  await source.ready()
  const before = [source.held(stays.kid), source.held(changes.kid)]
  assert.ok(before[0] && before[1])

  // Another place in the list is no change; other material under the same kid is.
  publish({ keys: [{ ...material, kid: changes.kid }, stays] })
  clock.advanceSeconds(100)
  await source.find(stays.kid)
  assert.equal(source.held(stays.kid), before[0])
  const changed = source.held(changes.kid)
  assert.ok(changed !== undefined && changed !== before[1])

  publish({ keys: [changes, stays] })
  clock.advanceSeconds(100)
  await source.find(stays.kid)
  assert.equal(source.held(stays.kid), before[0])
  assert.notEqual(source.held(changes.kid), changed)
})

test('a set that cannot be read changes no key', async () => {
  const { clock, source, kid, publish, fetches } = startSource(100)
  await source.ready()
  const key = source.held(kid)
  publish({ keys: [] })
  clock.advanceSeconds(100)
  assert.deepEqual(await source.find(kid), { kind: 'key', key })
  assert.equal(source.held(kid), key, 'no waiting after a failure')
  assert.equal(fetches(), 2)
  clock.advanceSeconds(799)
  assert.equal(source.held(kid), key)
  clock.advanceSeconds(1)
  assert.equal(source.held(kid), undefined)
  assert.equal((await source.find(kid)).kind, 'unavailable')
})
