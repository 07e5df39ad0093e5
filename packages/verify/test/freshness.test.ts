import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Freshness } from '../src/revocation/freshness.ts'
import { createFreshness } from '../src/revocation/freshness.ts'

/** Two clocks that the test moves: the wall's, which somebody may set, and the one that only goes on. */
function start(maxStalenessMs = 30_000): {
  readonly freshness: Freshness
  readonly pass: (ms: number) => void
  readonly setWall: (byMs: number) => void
} {
  let wall = 1_000_000
  let monotonic = 77
  const freshness = createFreshness({
    wall: () => wall,
    monotonic: () => monotonic,
    maxStalenessMs,
    isBehind: () => false,
  })
  return {
    freshness,
    pass: (ms) => {
      wall += ms
      monotonic += ms
    },
    setWall: (byMs) => {
      wall += byMs
    },
  }
}

test('without a checkpoint a token is covered for as long as its own minting vouches for it', () => {
  const { freshness, pass } = start()
  pass(0)
  assert.equal(freshness.ageMs(), Infinity)
  assert.equal(freshness.covers(970_000), true)
  assert.equal(freshness.covers(969_999), false)
  pass(1)
  assert.equal(freshness.covers(970_000), false)
})

test('a checkpoint covers every token, until it is as old as is allowed', () => {
  const { freshness, pass } = start()
  freshness.vouch(1_000_000)
  pass(30_000)
  assert.equal(freshness.covers(1), true)
  pass(1)
  assert.equal(freshness.covers(1), false)
  assert.equal(freshness.covers(1_000_001), true, 'minted since')
})

test('a wall clock that is set back prolongs nothing', () => {
  const { freshness, pass, setWall } = start()
  freshness.vouch(1_000_000)
  pass(10_000)
  setWall(-3_600_000)
  assert.equal(freshness.moment().nowMs, 1_010_000)
  assert.equal(freshness.covers(1), false, 'the checkpoint is far ahead of this clock')
  assert.equal(freshness.covers(970_000), false)
  pass(21_000)
  assert.equal(freshness.moment().nowMs, 1_031_000)
})

test('a wall clock that is a little behind is made up for', () => {
  const { freshness, pass, setWall } = start()
  setWall(-4_000)
  freshness.vouch(1_000_000)
  pass(30_000)
  assert.equal(freshness.covers(1), true)
  pass(1)
  assert.equal(freshness.covers(1), false)
})

test('a wall clock that is ahead makes stale sooner and not later', () => {
  const { freshness, pass, setWall } = start()
  setWall(20_000)
  freshness.vouch(1_000_000)
  assert.equal(freshness.covers(1), true)
  pass(10_001)
  assert.equal(freshness.covers(1), false)
})

test('a checkpoint more than five seconds ahead of the wall clock is not believed', () => {
  const { freshness, pass } = start()
  assert.equal(freshness.vouch(1_005_001), false)
  assert.equal(freshness.covers(1), false)
  assert.equal(freshness.moment().nowMs, 1_000_000, 'and it is not the time')
  pass(1)
  assert.equal(freshness.vouch(1_005_001), true)
  assert.equal(freshness.covers(1), true)
})

test('an older word of the issuer turns the time it was not back', () => {
  const { freshness, setWall } = start()
  freshness.vouch(1_004_000)
  freshness.vouch(1_000_000)
  setWall(-60_000)
  assert.equal(freshness.moment().nowMs, 1_004_000)
})

test('a service that has believed an issuer ahead is fresh again when the issuer is right again', () => {
  const { freshness, pass } = start(3_000)
  freshness.vouch(1_004_900)
  assert.equal(freshness.covers(1), true)
  // Its log never goes back: until the time has come it says the same.
  for (let seconds = 1; seconds <= 5; seconds += 1) {
    pass(1_000)
    freshness.vouch(Math.max(1_004_900, 1_000_000 + seconds * 1_000))
  }
  assert.equal(freshness.moment().nowMs, 1_005_000)
  assert.equal(freshness.covers(1), true)
  pass(3_000)
  assert.equal(freshness.covers(1), true)
  pass(1)
  assert.equal(freshness.covers(1), false, 'and stale after that time')
})

// Each second a checkpoint later than the one before, and the first of them was kept back already.
test('whoever keeps checkpoints back wins from a wall clock that stands still five seconds and no more', () => {
  const { freshness, pass, setWall } = start()
  freshness.vouch(1_000_000)
  const covered: number[] = []
  for (let passedMs = 1_000; passedMs <= 60_000; passedMs += 1_000) {
    pass(1_000)
    setWall(-1_000)
    freshness.vouch(1_000_000 + passedMs / 1_000)
    if (freshness.covers(1)) covered.push(passedMs)
  }
  assert.equal(Math.max(...covered), 35_000)
  assert.equal(freshness.moment().nowMs, 1_055_000)
})

test('by a clock that is known to be behind no token is young', () => {
  const behind = { wall: () => 1_000_000, monotonic: () => 0, isBehind: () => true }
  const freshness = createFreshness({ ...behind, maxStalenessMs: 30_000 })
  assert.equal(freshness.covers(1_000_000), false)
  freshness.vouch(1_000_000)
  assert.equal(freshness.covers(1_000_000), true)
})

test('a token minted more than five seconds ahead is vouched for by a checkpoint alone', () => {
  const { freshness, pass } = start()
  assert.equal(freshness.covers(1_005_000), true)
  assert.equal(freshness.covers(1_005_001), false)
  freshness.vouch(1_000_000)
  assert.equal(freshness.covers(1_005_001), true)
  pass(30_001)
  assert.equal(freshness.covers(1_035_001), true, 'by now it is less far ahead')
  assert.equal(freshness.covers(1_035_002), false)
})

test('the same checkpoint again is not a younger one', () => {
  const { freshness, pass, setWall } = start()
  freshness.vouch(1_000_000)
  for (let times = 0; times < 31; times += 1) {
    pass(1_000)
    setWall(-1_000)
    freshness.vouch(1_000_000)
  }
  assert.equal(freshness.covers(1), false)
})

test("a state that is not the issuer's any more covers nothing, and its time still counts", () => {
  const { freshness, setWall } = start()
  freshness.vouch(1_000_000)
  setWall(-4_000)
  freshness.withdraw()
  assert.equal(freshness.covers(1), false)
  assert.equal(freshness.moment().nowMs, 1_000_000)
  freshness.vouch(1_000_000)
  assert.equal(freshness.covers(1), true)
})

test('a checkpoint that is too far ahead shows a clock that is behind, by which no token is young', () => {
  const { freshness, pass, setWall } = start()
  assert.equal(freshness.covers(1_000_000), true)
  assert.equal(freshness.vouch(1_060_000), false)
  pass(10_000)
  assert.equal(freshness.covers(1_010_000), false)
  assert.equal(freshness.lag(), "the issuer's clock is 60000 ms ahead")
  setWall(54_999)
  assert.equal(freshness.covers(1_064_999), false)
  setWall(1)
  assert.equal(freshness.covers(1_065_000), true, 'the clock was set right')
  assert.equal(freshness.lag(), undefined)
})

test('and one that is believed later shows that the clock was not behind', () => {
  const { freshness } = start()
  freshness.vouch(1_060_000)
  assert.equal(freshness.covers(1_000_000), false)
  freshness.vouch(999_000)
  freshness.withdraw()
  assert.equal(freshness.covers(1_000_000), true)
  assert.equal(freshness.lag(), undefined)
})
