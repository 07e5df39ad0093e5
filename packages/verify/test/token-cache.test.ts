import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { TokenCache } from '../src/token-cache.ts'
import { createTokenCache } from '../src/token-cache.ts'
import type { Remembered } from '../src/token-slots.ts'

const entryBytes = 1_000

interface Entry extends Remembered {
  readonly about: string | number
}

function entry(token: string, about: string | number, bytes = entryBytes): Entry {
  return { token, about, bytes, wasAsked: false }
}

/** Only what comes again is taken in. */
function offerTwice(cache: TokenCache<Entry>, offered: Entry): void {
  cache.offer(offered)
  cache.offer(offered)
}

function randomToken(): string {
  return `header.payload.${randomBytes(32).toString('base64url')}`
}

function randomTokens(count: number): readonly string[] {
  return Array.from({ length: count }, randomToken)
}

test('a token is found by all of its characters, and by no part of them', () => {
  const cache = createTokenCache<Entry>(10 * entryBytes)
  const token = randomToken()
  offerTwice(cache, entry(token, 'a'))
  assert.equal(cache.find(token)?.about, 'a')
  const twin = `X${token.slice(1)}`
  assert.equal(cache.find(twin), undefined, 'the same signature under another header')
  offerTwice(cache, entry(twin, 'b'))
  assert.deepEqual([cache.find(token)?.about, cache.find(twin)?.about], ['a', 'b'])
  for (const text of ['', '.', token.slice(0, -1), `${token}A`]) {
    assert.equal(cache.find(text), undefined)
  }
})

test('whatever is offered and dropped, an answer is of that token and the bytes stay bounded', () => {
  const tokens = randomTokens(60)
  const step = fc.record({
    kind: fc.constantFrom('offer' as const, 'find' as const, 'drop' as const, 'dropOdd' as const),
    at: fc.nat(tokens.length - 1),
    bytes: fc.integer({ min: 1, max: 3_000 }),
  })
  let found = 0
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const cache = createTokenCache<Entry>(20 * entryBytes)
      const dropped = new Set<number>()
      for (const { kind, at, bytes } of steps) {
        const token = tokens[at] ?? ''
        if (kind === 'offer') {
          offerTwice(cache, entry(token, at, bytes))
          dropped.delete(at)
        } else if (kind === 'drop') {
          cache.drop(token)
          dropped.add(at)
        } else if (kind === 'dropOdd') {
          cache.dropWhere(({ about }) => Number(about) % 2 === 1)
          for (const index of tokens.keys()) if (index % 2 === 1) dropped.add(index)
        }
        const answer = cache.find(token)
        if (answer !== undefined) {
          found += 1
          assert.equal(answer.about, at)
          assert.ok(!dropped.has(at))
        }
        assert.ok(cache.bytes() >= 0 && cache.bytes() <= 20 * entryBytes)
      }
      cache.dropWhere(() => true)
      assert.equal(cache.bytes(), 0)
    }),
    { numRuns: 300 },
  )
  assert.ok(found >= 200, `only ${found} answers`)
})

test('of ten thousand tokens hardly any is missing', () => {
  const cache = createTokenCache<Entry>(10_000 * entryBytes)
  const tokens = randomTokens(10_000)
  for (const [at, token] of tokens.entries()) offerTwice(cache, entry(token, at))
  const missing = tokens.filter((token, at) => cache.find(token)?.about !== at)
  // By chance five or so share their place with another one, and never as many as this.
  assert.ok(missing.length <= 40, `${missing.length} were not found`)
})

test('a flood of tokens that come once, or twice, puts out nobody who comes often', () => {
  const cache = createTokenCache<Entry>(1_000 * entryBytes)
  const regulars = randomTokens(800)
  for (const token of regulars) offerTwice(cache, entry(token, token))
  const flood = randomTokens(200_000)
  let misses = 0
  for (const [at, token] of flood.entries()) {
    cache.offer(entry(token, token))
    if (at % 3 === 0) cache.offer(entry(token, token))
    // Each of them comes once in 2,000 requests.
    for (const regular of regulars.slice(at % 2_000, (at % 2_000) + 1)) {
      if (cache.find(regular) !== undefined) continue
      misses += 1
      cache.offer(entry(regular, regular))
    }
  }
  const asked = (flood.length / 2_000) * regulars.length
  assert.ok(misses < asked / 10, `${misses} of ${asked} had to be verified again`)
})

test('more tokens in turn than there is room for: most of the room still answers', () => {
  // How well it goes depends on which tokens those are: one cache in forty answers fewer than a quarter.
  const shares = Array.from({ length: 20 }, () => shareAnsweredInTurn(1_000))
  for (const share of shares) assert.ok(share > 0, 'as many as in a cache by last use: none')
  const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length
  assert.ok(mean > 0.35, `only ${mean} of all requests were answered`)
})

/** Of twice as many tokens as there is room for, once the cache is full. */
function shareAnsweredInTurn(room: number): number {
  const cache = createTokenCache<Entry>(room * entryBytes)
  const tokens = randomTokens(2 * room)
  let hits = 0
  const rounds = 20
  for (let round = 0; round < rounds; round += 1) {
    for (const token of tokens) {
      if (cache.find(token) === undefined) cache.offer(entry(token, token))
      else if (round > 2) hits += 1
    }
  }
  return hits / ((rounds - 3) * tokens.length)
}

test('what comes once is not taken in', () => {
  const cache = createTokenCache<Entry>(10 * entryBytes)
  const token = randomToken()
  cache.offer(entry(token, 'a'))
  assert.equal(cache.find(token), undefined)
  cache.offer(entry(token, 'a'))
  assert.equal(cache.find(token)?.about, 'a')
})

test('what is offered while it is here takes the place of what is out of date', () => {
  const cache = createTokenCache<Entry>(10 * entryBytes)
  const token = randomToken()
  offerTwice(cache, entry(token, 'old'))
  cache.offer(entry(token, 'new'))
  assert.equal(cache.find(token)?.about, 'new')
  assert.equal(cache.bytes(), entryBytes)
})

test('a cache of no bytes remembers nothing', () => {
  const cache = createTokenCache<Entry>(0)
  const token = randomToken()
  offerTwice(cache, entry(token, 'a'))
  assert.equal(cache.find(token), undefined)
})
