import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '@portcullis/protocol'
import type { AlgorithmName } from '@portcullis/protocol/jws'
import { judgeHeader, judgeKeylessHeader } from '@portcullis/protocol/jws'

const expected = { typ: 'at+jwt', algorithms: new Set<AlgorithmName>(['RS256', 'ES256']) }
const good = { alg: 'ES256', typ: 'at+jwt', kid: 'k1' }

function fateOf(header: JsonObject): string {
  const judged = judgeHeader(header, expected)
  return judged.kind === 'refused' ? judged.why : `${judged.algorithm} ${judged.kid}`
}

const cases: readonly (readonly [string, JsonObject, string])[] = [
  ['as it should be', good, 'ES256 k1'],
  ['the long media type in capitals', { ...good, typ: 'APPLICATION/AT+JWT' }, 'ES256 k1'],
  ['keys of its own', { ...good, jwk: {}, jku: 'https://x', x5u: 'x', x5c: [] }, 'ES256 k1'],
  ['another type', { ...good, typ: 'JWT' }, 'wrong-type'],
  ['no type', { alg: 'ES256', kid: 'k1' }, 'wrong-type'],
  ['a type that is a list', { ...good, typ: ['at+jwt'] }, 'wrong-type'],
  [
    'an algorithm that is known and not allowed',
    { ...good, alg: 'PS256' },
    'algorithm-not-allowed',
  ],
  ['none', { ...good, alg: 'none' }, 'algorithm-not-allowed'],
  ['HMAC', { ...good, alg: 'HS256' }, 'algorithm-not-allowed'],
  ['an algorithm in a list', { ...good, alg: ['ES256'] }, 'algorithm-not-allowed'],
  ['a name of the prototype', { ...good, alg: 'toString' }, 'algorithm-not-allowed'],
  ['crit', { ...good, crit: ['exp'] }, 'unsupported-extension'],
  ['an empty crit', { ...good, crit: [] }, 'unsupported-extension'],
  ['b64', { ...good, b64: true }, 'unsupported-extension'],
  ['zip', { ...good, zip: 'DEF' }, 'unsupported-extension'],
  ['no kid', { alg: 'ES256', typ: 'at+jwt' }, 'missing-key-id'],
  ['an empty kid', { ...good, kid: '' }, 'missing-key-id'],
  ['a kid that is a number', { ...good, kid: 1 }, 'missing-key-id'],
  ['a kid of 257 characters', { ...good, kid: 'k'.repeat(257) }, 'missing-key-id'],
]

for (const [name, header, fate] of cases) {
  test(`a header with ${name}: ${fate}`, () => assert.equal(fateOf(header), fate))
}

test('without a kid in question everything else is judged alike, and the map has the answer', () => {
  const algorithms = new Map([['ES256', 256]])
  const judge = (header: JsonObject): unknown =>
    judgeKeylessHeader(header, { typ: 'at+jwt', algorithms })
  const { kid: _kid, ...keyless } = good
  for (const header of [keyless, good, { ...good, kid: 5 }]) {
    assert.deepEqual(judge(header), { kind: 'header', algorithm: 256 })
  }
  const wrong = cases.filter(([, , fate]) => fate !== 'missing-key-id' && !fate.endsWith(' k1'))
  assert.ok(wrong.length >= 10, 'there is nothing to judge')
  for (const [name, header, why] of wrong) {
    assert.deepEqual(judge(header), { kind: 'refused', why }, name)
  }
})
