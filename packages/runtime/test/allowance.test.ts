import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { createAllowance } from '../src/index.ts'

function isFineFor(allowance: (key: string) => number, key: string, times: number): boolean[] {
  return Array.from({ length: times }, () => allowance(key) === 0)
}

test('a key has so many at once, and then one each while; others are not held back', () => {
  let nowMs = 1000
  const allowance = createAllowance({ burst: 3, refillMs: 60_000, keysMax: 100, now: () => nowMs })
  assert.deepEqual(isFineFor(allowance, 'a', 5), [true, true, true, false, false])
  assert.deepEqual(isFineFor(allowance, 'b', 5), [true, true, true, false, false])
  nowMs += 60_000
  assert.deepEqual(isFineFor(allowance, 'a', 5), [true, false, false, false, false])
  nowMs += 3_600_000
  assert.deepEqual(isFineFor(allowance, 'a', 5), [true, true, true, false, false])
})

test('whoever has to wait is told how long, and what is refused takes nothing', () => {
  let nowMs = 0
  const allowance = createAllowance({ burst: 2, refillMs: 20, keysMax: 100, now: () => nowMs })
  isFineFor(allowance, 'a', 2)
  for (const left of [20, 15, 10, 5]) {
    assert.ok(Math.abs(allowance('a') - left) < 0.01)
    nowMs += 5
  }
  assert.equal(allowance('a'), 0)
})

test('in no time does a key get more than its burst and what has come since', () => {
  const step = fc.record({ waitMs: fc.nat(400), key: fc.constantFrom('a', 'b') })
  const options = fc.record({
    burst: fc.integer({ min: 1, max: 9 }),
    perSecond: fc.integer({ min: 1, max: 99 }),
  })
  fc.assert(
    fc.property(options, fc.array(step, { maxLength: 200 }), ({ burst, perSecond }, steps) => {
      let nowMs = 0
      const refillMs = 1000 / perSecond
      const allowance = createAllowance({ burst, refillMs, keysMax: 10, now: () => nowMs })
      const taken = { a: 0, b: 0 }
      for (const { waitMs, key } of steps) {
        nowMs += waitMs
        const wasMs = allowance(key)
        if (wasMs === 0) taken[key] += 1
        assert.ok(wasMs <= refillMs + 0.01)
        assert.ok(taken[key] <= burst + Math.floor(nowMs / refillMs + 0.01))
      }
    }),
  )
})

test('a million keys are not remembered, and one that is seen among them is', () => {
  const allowance = createAllowance({ burst: 1, refillMs: 1e9, keysMax: 1000, now: () => 0 })
  assert.equal(allowance('one'), 0)
  const before = process.memoryUsage().heapUsed
  for (let n = 0; n < 1_000_000; n += 1) {
    allowance(`key-${n}`)
    if (n % 500 === 0) assert.ok(allowance('one') > 0)
  }
  const grown = process.memoryUsage().heapUsed - before
  assert.ok(grown < 60_000_000, `${grown} bytes more`)
  for (let n = 0; n < 1000; n += 1) allowance(`other-${n}`)
  // Forgotten, and so with all of its burst again.
  assert.equal(allowance('one'), 0)
})
