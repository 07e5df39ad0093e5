import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findJsonFault } from '../src/json-fault.ts'

function placeOf(lines: readonly string[]): string {
  const fault = findJsonFault(lines.join('\n'))
  return fault === undefined ? 'JSON' : `${fault.line}:${fault.column} ${fault.what}`
}

test('a mistake in JSON is found where it was made, and not where a parser stumbles over it', () => {
  const cases: readonly (readonly [readonly string[], string])[] = [
    [['{', '  "a": 1', '  "b": 2', '}'], '2:9 a comma is missing'],
    [['{"a": [1', ' 2]}'], '1:9 a comma is missing'],
    [['{', '  "a": 1,', '}'], '2:9 a comma too many: } follows'],
    [['[1,', ']'], '1:3 a comma too many: ] follows'],
    [['{"a"', '"b"}'], '1:5 a colon is missing'],
    [['{"a":', '}'], '1:6 a value is missing'],
    [['{"a":,'], '1:6 a value is missing'],
    [['{,}'], '1:2 a name in double quotes is missing'],
    [['{1: 2}'], '1:2 a name in double quotes is missing'],
    [['{"a": {', '"b": [1, 2}', '}'], '2:11 } stands where ] should'],
    [['{', '"a": [', '1'], '2:6 what begins here is not closed: ] is missing'],
    [['{}', '}'], '2:1 } closes nothing'],
    [['{}', '{}'], '2:1 something follows, and the text is whole'],
    [['{', ' // why', '}'], '2:2 a comment begins, and JSON has none'],
    [['{', ' # why', '}'], '2:2 a comment begins, and JSON has none'],
    [["{'a': 1}"], '1:2 a text begins with \', and JSON has only "'],
    [['{a: 1}'], '1:2 a word begins that is not in double quotes'],
    [['{"a": True}'], '1:7 a word begins that is not in double quotes'],
    [['{"a": 007}'], '1:7 a number begins that JSON does not have'],
    [['{"a": .5}'], '1:7 a number begins that JSON does not have'],
    [
      ['{"a": "b', '}'],
      '1:7 a text begins that does not end in its line, or has an escape that JSON does not have',
    ],
    [['\ufeff{}'], '1:1 a byte order mark stands before the text'],
    [[''], '1:1 there is nothing'],
    [['{"a": 1 : 2}'], '1:9 : follows a value'],
  ]
  for (const [lines, expected] of cases) assert.equal(placeOf(lines), expected, lines.join('|'))
})

const sample = `{
  "routes": [{ "match": "/a/*", "to": ["http://127.0.0.1:1"], "limits": { "bodyBytes": 1e3 } }],
  "secret": "s3cr\\u00e9t-\\"quoted\\"",
  "flags": [true, false, null, -0.5, {}, []]
}`

test('whatever is no JSON has a place within the text, what is JSON has none, and nothing of it is repeated', () => {
  const letters = '{}[],:"\\\'x1-. \n\t\u0001é'.split('')
  let mistaken = 0
  let sound = 0
  for (let at = 0; at <= sample.length; at += 1) {
    const texts = [
      sample.slice(0, at),
      sample.slice(0, at) + sample.slice(at + 1),
      ...letters.flatMap((letter) => [
        sample.slice(0, at) + letter + sample.slice(at),
        sample.slice(0, at) + letter + sample.slice(at + 1),
      ]),
    ]
    for (const text of texts) {
      const fault = findJsonFault(text)
      assert.equal(fault === undefined, isJson(text), text)
      if (fault === undefined) {
        sound += 1
        continue
      }
      mistaken += 1
      const line = text.split('\n')[fault.line - 1]
      assert.ok(line !== undefined && fault.column >= 1 && fault.column <= line.length + 1, text)
      assert.ok(!/s3cr|quoted|routes|127/.test(fault.what), fault.what)
    }
  }
  assert.ok(mistaken > 3000 && sound > 1000, `${mistaken} mistaken, ${sound} sound`)
})

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

test('a text of many brackets is judged as any other', () => {
  const deep = '['.repeat(200_000)
  assert.equal(placeOf([deep]), '1:200000 what begins here is not closed: ] is missing')
  assert.equal(placeOf([deep + ']'.repeat(200_000)]), 'JSON')
})
