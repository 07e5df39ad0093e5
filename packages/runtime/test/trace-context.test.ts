import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatTraceparent, parseTraceparent, parseTracestate } from '../src/index.ts'

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const spanId = '00f067aa0ba902b7'

test('a sound traceparent is read, and written again', () => {
  for (const [flags, isSampled] of [
    ['00', false],
    ['01', true],
    ['03', true],
    ['fe', false],
  ] as const) {
    const parent = parseTraceparent(`00-${traceId}-${spanId}-${flags}`)
    assert.deepEqual(parent, { traceId, spanId, isSampled }, flags)
  }
  const text = `00-${traceId}-${spanId}-01`
  assert.equal(formatTraceparent({ traceId, spanId, isSampled: true }), text)
  // Of a later version what this one knows is read.
  assert.equal(parseTraceparent(`cc-${traceId}-${spanId}-01-what-the-future-has`)?.spanId, spanId)
  assert.equal(parseTraceparent(`cc-${traceId}-${spanId}-01`)?.traceId, traceId)
})

test('what is no traceparent is none', () => {
  const malformed = [
    '',
    `00-${traceId}-${spanId}`,
    `00-${traceId}-${spanId}-01-more`,
    `00-${traceId}-${spanId}-01-`,
    `cc-${traceId}-${spanId}-01.more`,
    `ff-${traceId}-${spanId}-01`,
    `00-${traceId.toUpperCase()}-${spanId}-01`,
    `00-${'0'.repeat(32)}-${spanId}-01`,
    `00-${traceId}-${'0'.repeat(16)}-01`,
    `00-${traceId}0-${spanId}-01`,
    `00-${traceId.slice(1)}-${spanId}-01`,
    `00-${traceId}-${spanId}-1`,
    `0-${traceId}-${spanId}-01`,
    ` 00-${traceId}-${spanId}-01`,
    `00-${traceId}-${spanId}-01\n`,
    `00-${traceId}-${spanId}-01, 00-${traceId}-${spanId}-01`,
  ]
  for (const text of malformed) assert.equal(parseTraceparent(text), undefined, text)
})

test('tracestate is taken as a whole, within its limits, or not at all', () => {
  const sound: readonly (readonly [string[], string])[] = [
    [['a=1'], 'a=1'],
    [['a=1,b=2', 'c=3'], 'a=1,b=2,c=3'],
    [[' a=1 ,\t, b@c=x y'], 'a=1,b@c=x y'],
    [['1@a=!~'], '1@a=!~'],
    [[`a=${'x'.repeat(256)}`], `a=${'x'.repeat(256)}`],
  ]
  for (const [values, state] of sound) assert.equal(parseTracestate(values), state)
  const members = Array.from({ length: 33 }, (_, at) => `k${at}=v`)
  assert.equal(parseTracestate([members.slice(1).join(',')])?.split(',').length, 32)
  const malformed = [
    [],
    [''],
    ['a'],
    ['=1'],
    ['a='],
    ['A=1'],
    ['1a=1'],
    ['a@=1'],
    ['a@1=1'],
    ['a=1=2'],
    ['a=ü'],
    ['a=1', 'a=2'],
    [`a=${'x'.repeat(257)}`],
    [`${'a'.repeat(257)}=1`],
    members,
    [`a=${'x'.repeat(250)}`, `b=${'x'.repeat(250)}`, `c=${'x'.repeat(10)}`],
  ]
  for (const values of malformed) assert.equal(parseTracestate(values), undefined, values.join())
})
