import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RotationDecision, RotationState } from '../src/domain/rotation.ts'
import { decideRotation } from '../src/domain/rotation.ts'

const now = 1_000_000
const graceMs = 30_000
const justNow = now - graceMs + 1
const longAgo = now - graceMs

function decide(
  state: Partial<RotationState>,
  counter: number,
  attemptHash?: string,
): RotationDecision {
  const full = { counter: 5, rotatedAt: longAgo, attemptHash: undefined, ...state }
  return decideRotation(full, { counter, attemptHash }, { now, graceMs })
}

test('the current token rotates once the last rotation is a whole window ago', () => {
  assert.deepEqual(decide({ rotatedAt: longAgo }, 5), { kind: 'rotated', counter: 6 })
  assert.deepEqual(decide({ counter: 0, rotatedAt: undefined }, 0), { kind: 'rotated', counter: 1 })
})

test('within the window the current token and the one before get the same successor', () => {
  for (const counter of [5, 4]) {
    assert.deepEqual(decide({ rotatedAt: justNow }, counter), { kind: 'repeated', counter: 5 })
  }
})

test('after the window the token before is theft, unless it is the retry of the same attempt', () => {
  assert.deepEqual(decide({}, 4), { kind: 'reused' })
  assert.deepEqual(decide({ attemptHash: 'a' }, 4, 'a'), { kind: 'repeated', counter: 5 })
  assert.deepEqual(decide({ attemptHash: 'a' }, 4, 'b'), { kind: 'reused' })
  assert.deepEqual(decide({ attemptHash: undefined }, 4, undefined), { kind: 'reused' })
})

test('every older token is theft at any time, whatever attempt it names', () => {
  for (const rotatedAt of [justNow, longAgo]) {
    for (const counter of [3, 2, 1, 0]) {
      assert.deepEqual(decide({ rotatedAt, attemptHash: 'a' }, counter, 'a'), { kind: 'reused' })
    }
  }
})

test('a token from the future shows that history was lost, and the row moves beyond it', () => {
  assert.deepEqual(decide({}, 6), { kind: 'ahead', counter: 7 })
  assert.deepEqual(decide({ rotatedAt: justNow }, 900), { kind: 'ahead', counter: 901 })
})

test('a clock that was set back does not hold the window open', () => {
  const later = now + 10 * graceMs
  assert.deepEqual(decide({ rotatedAt: later }, 4), { kind: 'reused' })
  assert.deepEqual(decide({ rotatedAt: later }, 5), { kind: 'rotated', counter: 6 })
})

test('without a window every use of the current token rotates, and the one before is theft', () => {
  const state = { counter: 5, rotatedAt: now, attemptHash: undefined }
  const world = { now, graceMs: 0 }
  const at = (counter: number): RotationDecision =>
    decideRotation(state, { counter, attemptHash: undefined }, world)
  assert.deepEqual(at(5), { kind: 'rotated', counter: 6 })
  assert.deepEqual(at(4), { kind: 'reused' })
})
