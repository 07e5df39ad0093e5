import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MemorySample } from './gateway-soak/flatness.ts'
import { growthOf, heapGrowthBytesMax, leakSeen } from './gateway-soak/flatness.ts'
import type { HeldToken } from './gateway-soak/sessions.ts'
import { boundMs, mayFail, mayPass } from './gateway-soak/judging.ts'

// `npm run test:soak:gateway` runs for half an hour, `npm run verify` for a minute; here is how it judges.

const mebibyte = 2 ** 20
const samplesCount = 60

/** Heap and process after each of the samples, with the unrest of uploads under way. */
function samplesOf(heapBytesAt: (share: number) => number): readonly MemorySample[] {
  return Array.from({ length: samplesCount }, (_, n) => {
    const unrest = ((n * 7) % 5) * 0.1 * mebibyte
    const heapBytes = heapBytesAt(n / samplesCount) + unrest
    return { seconds: n, heapBytes, residentBytes: heapBytes + 100 * mebibyte }
  })
}

test('what fills in the first third, and a moment with much under way, is no growth', () => {
  const filling = samplesOf((share) => Math.min(1, share * 3) * 40 * mebibyte)
  assert.ok(growthOf(filling).heapBytes < heapGrowthBytesMax / 2)
  const peak = samplesOf((share) => (share > 0.8 && share < 0.85 ? 90 : 40) * mebibyte)
  assert.ok(growthOf(peak).heapBytes < heapGrowthBytesMax / 2)
})

test('some octets of each request that stay behind are seen', () => {
  const requests = 100_000
  const leaking = (octets: number): number =>
    growthOf(samplesOf((share) => 40 * mebibyte + share * requests * octets)).heapBytes
  assert.ok(leaking(leakSeen(requests) * 1.5) > heapGrowthBytesMax)
  assert.ok(leaking(leakSeen(requests) / 2) < heapGrowthBytesMax)
})

test('a run with too few samples proves nothing about memory', () => {
  assert.throws(() => growthOf(samplesOf(() => 0).slice(0, 5)), /prove nothing/)
})

const endedAtMs = 1_000_000

function tokenOf(session: Partial<HeldToken['session']>, expiresAtMs: number): HeldToken {
  return {
    text: 'a.b.c',
    about: new Map(),
    expiresAtMs,
    session: {
      person: { identifier: 'a', password: 'b', isLeaving: false },
      token: undefined,
      refresh: '',
      refreshAtMs: 0,
      isRefreshing: false,
      endingAtMs: undefined,
      endedAtMs: undefined,
      ...session,
    },
  }
}

test('a session that has ended is wrong to be let in after the bound, and a live one to be refused', () => {
  const ended = tokenOf({ endingAtMs: endedAtMs - 50, endedAtMs }, endedAtMs + 1_000_000)
  assert.equal(mayPass(ended, endedAtMs + boundMs), true)
  assert.equal(mayPass(ended, endedAtMs + boundMs + 1), false)
  assert.equal(mayFail(ended, endedAtMs - 51), false)
  assert.equal(mayFail(ended, endedAtMs - 50), true)

  const live = tokenOf({}, endedAtMs)
  assert.equal(mayFail(live, endedAtMs - 1), false)
  assert.equal(mayFail(live, endedAtMs), true)
  assert.equal(mayPass(live, endedAtMs), true)
  assert.equal(mayPass(live, endedAtMs + 60_000), false)
})
