import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { FingerprintWords } from '@portcullis/protocol/revocations'
import type { FingerprintTable } from '../src/revocation/fingerprint-table.ts'
import {
  createFingerprintTable,
  shardCount,
  shardsSwept,
} from '../src/revocation/fingerprint-table.ts'

const minuteMs = 60_000

/** Few values, so that entries meet, and those on which a slot could be taken for an empty one. */
const word = fc.oneof(
  fc.constantFrom(0, 1, -1, -(2 ** 31), 2 ** 31 - 1),
  fc.nat({ max: 40 }),
  fc.integer(),
)
const fingerprint = fc.record({ high: word, low: word })
const step = fc.oneof(
  {
    weight: 20,
    arbitrary: fc.record({
      kind: fc.constant('join' as const),
      fingerprint,
      floor: fc.nat({ max: 2 ** 40 }),
      minutes: fc.option(fc.integer({ min: 1, max: 200 }), { nil: undefined }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('sweep' as const), minutes: fc.nat(200) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('expect' as const), entries: fc.nat(20_000) }),
  },
)

function sweepAll(table: FingerprintTable, endedBeforeMs: number): void {
  for (let swept = 0; swept < shardCount; swept += shardsSwept) table.sweep(endedBeforeMs)
}

for (const hasFloors of [true, false]) {
  test(`a table ${hasFloors ? 'with' : 'without'} floors answers like a Map, whatever is joined and swept`, () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
        const table = createFingerprintTable(hasFloors)
        const model = new Map<string, { floor: number; minutes: number; words: FingerprintWords }>()
        for (const taken of steps) {
          if (taken.kind === 'expect') {
            table.expect(taken.entries)
          } else if (taken.kind === 'sweep') {
            sweepAll(table, taken.minutes * minuteMs)
            for (const [name, { minutes }] of model) {
              if (minutes < taken.minutes) model.delete(name)
            }
          } else {
            const words = taken.fingerprint
            const name = `${words.high}/${words.low}`
            const held = model.get(name)
            const floor = hasFloors ? taken.floor : 0
            const minutes = taken.minutes ?? Infinity
            const isNews = held === undefined || floor > held.floor || minutes > held.minutes
            const until = taken.minutes === undefined ? undefined : taken.minutes * minuteMs
            assert.equal(table.join(words, floor, until), isNews)
            model.set(name, {
              words,
              floor: Math.max(floor, held?.floor ?? 0),
              minutes: Math.max(minutes, held?.minutes ?? 0),
            })
          }
        }
        assert.equal(table.size(), model.size)
        for (const { words, floor } of model.values()) assert.equal(table.floorOf(words), floor)
      }),
      { numRuns: 200 },
    )
  })
}

function spread(index: number): FingerprintWords {
  return { high: Math.imul(index, 0x9e3779b1), low: Math.imul(index, 0x85ebca77) }
}

test('what was never joined is not there, also in a table of a quarter of a million', () => {
  const table = createFingerprintTable(false)
  const entries = 250_000
  for (let index = 0; index < entries; index += 1) {
    assert.equal(table.join(spread(index), 0, minuteMs), true)
  }
  assert.equal(table.size(), entries)
  for (let index = 0; index < entries; index += 1) assert.equal(table.floorOf(spread(index)), 0)
  for (let index = entries; index < 2 * entries; index += 1) {
    assert.equal(table.floorOf(spread(index)), -1)
  }
})

test('an end is rounded up, so nothing is dropped before its time', () => {
  const table = createFingerprintTable(false)
  table.join({ high: 7, low: 7 }, 0, minuteMs + 1)
  sweepAll(table, 2 * minuteMs)
  assert.equal(table.size(), 1)
  sweepAll(table, 3 * minuteMs)
  assert.equal(table.size(), 0)
})
