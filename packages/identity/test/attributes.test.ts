import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  applyAttributeChanges,
  lostAttributes,
  parseAttributeChanges,
} from '../src/domain/attributes.ts'

test('changes replace what they name, take away by null, and leave the rest (RFC 7396)', () => {
  const before = { tenant: 'north', seats: 3, trial: true }
  const after = applyAttributeChanges(before, { tenant: 'south', trial: null, note: 'x' })
  assert.deepEqual(after, { tenant: 'south', seats: 3, note: 'x' })
  assert.deepEqual(lostAttributes(before, after ?? {}), ['tenant', 'trial'])
  assert.deepEqual(applyAttributeChanges(before, { unknown: null }), before)
})

function many(count: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: count }, (_, at) => [`a${at}`, at]))
}

function wide(count: number): Record<string, string> {
  const value = '\u00e9'.repeat(125)
  return Object.fromEntries(Array.from({ length: count }, (_, at) => [`a${at}`, value]))
}

test('there are 32 attributes at most, and 2048 bytes of them', () => {
  assert.ok(applyAttributeChanges({}, many(32)))
  assert.equal(applyAttributeChanges({}, many(33)), undefined)
  assert.equal(applyAttributeChanges(many(32), { one: 1 }), undefined)
  assert.ok(applyAttributeChanges(many(32), { one: 1, a0: null }))
  assert.ok(applyAttributeChanges({}, wide(7)))
  assert.equal(applyAttributeChanges({}, wide(8)), undefined, 'bytes and not characters')
})

test('an attribute has a plain name and a plain value', () => {
  const good = { tenant: 'north', Seats_2: 3, trial: false, gone: null, constructor: 'x' }
  assert.deepEqual(parseAttributeChanges(good), { kind: 'changes', changes: good })
  const bad = [{ 'a-b': 1 }, { '': 1 }, { _a: 1 }, { a: {} }, { a: [] }, { a: 'x'.repeat(257) }]
  for (const members of bad) assert.equal(parseAttributeChanges(members).kind, 'malformed')
  const hidden = JSON.parse('{"__proto__": 1}') as Record<string, number>
  assert.equal(parseAttributeChanges(hidden).kind, 'malformed')
})
