import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { isJsonObject, parseJsonObject } from '@portcullis/protocol'
import { readSharedFiles } from './shared-vectors.ts'

const limits = { depthMax: 16 }

function faultOf(text: string): string {
  const parsed = parseJsonObject(text, limits)
  return parsed.kind === 'malformed' ? parsed.why : 'none'
}

const cases: readonly (readonly [string, string])[] = [
  ['{}', 'none'],
  [' {"a":[1,{"b":"\\"{}[],:"}]}\n', 'none'],
  ['{"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]}', 'none'],
  ['{"a":"\\\\","b":"\\\\\\""}', 'none'],
  ['{"a":["b","b"],"b":"a"}', 'none'],
  ['{"\u{1f600}":"\\ud83d\\ude00"}', 'none'],
  ['', 'not-json'],
  ['{', 'not-json'],
  ["{'a':1}", 'not-json'],
  ['{"a":1,}', 'not-json'],
  ['{"a":NaN}', 'not-json'],
  ['\ufeff{}', 'not-json'],
  ['{}{}', 'not-json'],
  ['[]', 'not-an-object'],
  ['null', 'not-an-object'],
  ['"{}"', 'not-an-object'],
  ['{"a":1,"a":1}', 'duplicate-member'],
  ['{"a":1,"\\u0061":2}', 'duplicate-member'],
  ['{"a":[{"b":1,"c":{},"b":2}]}', 'duplicate-member'],
  ['{"__proto__":1,"__proto__":2}', 'duplicate-member'],
  ['{"":1,"":2}', 'duplicate-member'],
  ['{"a":[1,2],"b":[3],"a":0}', 'duplicate-member'],
  ['{"a":"\\ud800"}', 'lone-surrogate'],
  ['{"\\udc00":1}', 'lone-surrogate'],
  ['{"a":["x","\\ud83d"]}', 'lone-surrogate'],
]

for (const [text, fault] of cases) {
  test(`${JSON.stringify(text)}: ${fault}`, () => assert.equal(faultOf(text), fault))
}

function nested(levels: number): string {
  return `{"a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`
}

test('the outermost object counts as one level', () => {
  assert.equal(faultOf(nested(16)), 'none')
  assert.equal(faultOf(nested(17)), 'too-deep')
  assert.equal(faultOf(nested(5_000)), 'too-deep')
})

test('a member named __proto__ is a member and changes no prototype', () => {
  const parsed = parseJsonObject('{"__proto__":{"admin":true}}', limits)
  assert.ok(parsed.kind === 'object')
  assert.equal(parsed.value['admin'], undefined)
  assert.deepEqual(Object.keys(parsed.value), ['__proto__'])
})

test('what JSON.stringify writes is read back as it was', () => {
  const object = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue({ maxDepth: 4 }))
  fc.assert(
    fc.property(object, (value) => {
      const text = JSON.stringify(value)
      const parsed = parseJsonObject(text, limits)
      assert.deepEqual(parsed, { kind: 'object', value: JSON.parse(text) })
    }),
    { numRuns: 1_000 },
  )
})

test('a member written twice is found wherever it stands', () => {
  const value = fc.jsonValue({ maxDepth: 3 })
  const members = fc.uniqueArray(fc.tuple(fc.string({ unit: 'grapheme' }), value), {
    minLength: 1,
    selector: ([name]) => name,
  })
  fc.assert(
    fc.property(members, fc.nat(), fc.nat(), value, (entries, which, where, other) => {
      const [name] = entries[which % entries.length] ?? ['']
      const doubled = entries.toSpliced(where % (entries.length + 1), 0, [name, other])
      const text = doubled.map((entry) => entry.map((part) => JSON.stringify(part)).join(':'))
      assert.equal(faultOf(`{"outer":[{${text.join(',')}}]}`), 'duplicate-member')
    }),
    { numRuns: 1_000 },
  )
})

test('whatever the text is, the parser answers and does not throw', () => {
  const piece = fc.constantFrom('{', '}', '[', ']', ',', ':', '"', '\\', 'a', '1', '\\u0061', ' ')
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(piece).map((all) => all.join('')),
  )
  fc.assert(
    fc.property(text, (any) => {
      const isObject = (() => {
        try {
          return isJsonObject(JSON.parse(any))
        } catch {
          return false
        }
      })()
      const parsed = parseJsonObject(any, limits)
      // Stricter than JSON.parse, never laxer.
      if (parsed.kind === 'object') assert.ok(isObject)
    }),
    { numRuns: 1_000 },
  )
})

test('the JSON parsing test suite: what must be refused is refused', (context) => {
  const files = readSharedFiles(context, 'jsontestsuite/test_parsing')
  if (files === undefined) return
  let seen = 0
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  for (const [name, octets] of files) {
    let text: string
    try {
      text = decoder.decode(octets)
    } catch {
      continue // The parser of tokens refuses these before it reads JSON.
    }
    // As a value of one member, so that every value of the suite can be tried.
    const fault = faultOf(`{"value":${text}}`)
    if (name.startsWith('n_')) assert.notEqual(fault, 'none', name)
    else if (name.startsWith('y_') && !name.includes('duplicated'))
      assert.equal(fault, 'none', name)
    else if (name.includes('duplicated')) assert.equal(fault, 'duplicate-member', name)
    seen += 1
  }
  assert.ok(seen >= 250, `only ${seen} files were tried`)
})
