import assert from 'node:assert/strict'
import { test } from 'node:test'
import { verdictOf } from '../src/revocation/verdict.ts'
import type { Verdict } from '../src/revocation/verdict.ts'
import type { PretendReceipts } from './pretend-receipts.ts'
import { committedAt, pretendReceipts } from './pretend-receipts.ts'

const soon = new Date(+committedAt + 8_000)
const later = new Date(+committedAt + 35_000)

function verdict(given: PretendReceipts, isEarly = false): Verdict {
  return verdictOf(pretendReceipts(given), isEarly)
}

test('it is refused everywhere within the time of the slowest, and only where that is known of all', () => {
  assert.deepEqual(verdict({ tookMs: [43, 12] }), { kind: 'everywhere', withinMs: 43 })
  assert.deepEqual(verdict({ tookMs: [0] }), { kind: 'everywhere', withinMs: 0 })
  assert.deepEqual(verdict({ tookMs: [43], refusing: [] }, true).kind, 'everywhere')
  assert.deepEqual(verdict({ tookMs: [43, undefined] }), { kind: 'everywhere' })
  assert.deepEqual(verdict({ tookMs: [undefined] }), { kind: 'everywhere' })
})

test('where nobody follows nothing is claimed of anybody', () => {
  assert.deepEqual(verdict({}), { kind: 'nobody' })
})

test('nobody is called late before they had the time to be', () => {
  assert.deepEqual(verdict({ tookMs: [12], unknown: [soon] }, true), { kind: 'travelling' })
  assert.equal(verdict({ tookMs: [12], unknown: [soon] }).kind, 'late')
})

test('who is late is named where it is one, with the moment by which the last of them refuses by itself', () => {
  const one = verdict({ tookMs: [12], unknown: [soon] })
  assert.ok(one.kind === 'late')
  assert.deepEqual([one.late, one.only?.follower, one.until], [1, 'u0'.padEnd(22, 'A'), soon])
  const two = verdict({ unknown: [later, soon], refusing: [soon] })
  assert.deepEqual(two, { kind: 'late', late: 2, until: later })
})

test('of one that goes on for ever no moment is promised', () => {
  assert.deepEqual(verdict({ unknown: [soon, undefined] }), { kind: 'late', late: 2 })
})

test('who has never said so refuses by itself when the moment has passed, and then it is everywhere since', () => {
  const since = verdict({ tookMs: [12, 13], refusing: [soon, later, soon] })
  assert.deepEqual(since, { kind: 'at-last', silent: 3, since: later })
})
