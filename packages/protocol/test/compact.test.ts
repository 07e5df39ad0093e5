import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { parseCompactJws } from '@portcullis/protocol/jws'

function encode(text: string | Buffer): string {
  return Buffer.from(text).toString('base64url')
}

function faultOf(token: unknown): string {
  const parsed = parseCompactJws(token)
  return parsed.kind === 'malformed' ? parsed.why : 'none'
}

const good = `${encode('{"alg":"ES256"}')}.${encode('{"sub":"a"}')}.${encode('signature')}`

test('a compact JWS is read into its parts, and the signed text stays as it was sent', () => {
  const parsed = parseCompactJws(good)
  assert.ok(parsed.kind === 'jws')
  assert.deepEqual(parsed.header, { alg: 'ES256' })
  assert.deepEqual(parsed.payload, { sub: 'a' })
  assert.equal(parsed.signature.toString(), 'signature')
  assert.equal(parsed.signingInput, good.slice(0, good.lastIndexOf('.')))
})

const [header = '', payload = '', signature = ''] = good.split('.')
const cases: readonly (readonly [string, unknown, string])[] = [
  ['undefined', undefined, 'not-a-string'],
  ['a list', [good], 'not-a-string'],
  ['octets', Buffer.from(good), 'not-a-string'],
  ['a String object', Object(good), 'not-a-string'],
  ['8,193 characters', 'a'.repeat(8_193), 'too-long'],
  ['nothing', '', 'not-three-parts'],
  ['no dot', header, 'not-three-parts'],
  ['one dot', `${header}.${payload}`, 'not-three-parts'],
  ['three dots', `${good}.${signature}`, 'not-three-parts'],
  ['only dots', '..', 'not-three-parts'],
  ['8,192 dots', '.'.repeat(8_192), 'not-three-parts'],
  ['an empty header', `.${payload}.${signature}`, 'not-three-parts'],
  ['an empty payload', `${header}..${signature}`, 'not-three-parts'],
  ['an empty signature', `${header}.${payload}.`, 'not-three-parts'],
  ['padding', `${good}=`, 'not-canonical-base64url'],
  ['a space', `${header}. ${payload}.${signature}`, 'not-canonical-base64url'],
  ['a line break at the end', `${good}\n`, 'not-canonical-base64url'],
  ['the other alphabet', `${header}.${payload}.ab+/`, 'not-canonical-base64url'],
  ['stray bits', `${header}.${payload}.AB`, 'not-canonical-base64url'],
  ['an impossible length', `${header}.${payload}.AAAAA`, 'not-canonical-base64url'],
  ['letters beyond ASCII', `${header}.${payload}.\u00e9\u00e9`, 'not-canonical-base64url'],
  ['wide letters', `${header}.${payload}.\uff21\uff21\uff21\uff21`, 'not-canonical-base64url'],
  [
    'invalid UTF-8',
    `${encode(Buffer.from([0x22, 0xff, 0x22]))}.${payload}.${signature}`,
    'not-utf8',
  ],
  ['overlong UTF-8', `${encode(Buffer.from([0xc0, 0xaf]))}.${payload}.${signature}`, 'not-utf8'],
  ['a header that is a list', `${encode('[]')}.${payload}.${signature}`, 'header-not-an-object'],
  ['a payload that is a text', `${header}.${encode('"x"')}.${signature}`, 'payload-not-an-object'],
  ['a byte order mark', `${header}.${encode('\ufeff{}')}.${signature}`, 'payload-not-json'],
]

for (const [name, token, fault] of cases) {
  test(`a token with ${name}: ${fault}`, () => assert.equal(faultOf(token), fault))
}

test('two texts that are both read differ in their octets', () => {
  const octets = fc.uint8Array({ minLength: 1, maxLength: 40 })
  const character = fc.constantFrom(...'AQgwBRhxZ9-_+/= '.split(''))
  fc.assert(
    fc.property(octets, character, (bytes, added) => {
      const canonical = encode(Buffer.from(bytes))
      for (const other of [canonical + added, canonical.slice(0, -1) + added, added + canonical]) {
        const parsed = parseCompactJws(`${header}.${payload}.${other}`)
        if (parsed.kind === 'jws') assert.equal(encode(parsed.signature), other)
      }
    }),
    { numRuns: 1_000 },
  )
})

test('whatever comes, the parser answers and does not throw', () => {
  const part = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.json().map(encode),
    fc.uint8Array().map((bytes) => encode(Buffer.from(bytes))),
  )
  const token = fc.oneof(
    fc.anything(),
    fc.array(part, { maxLength: 5 }).map((all) => all.join('.')),
  )
  fc.assert(
    fc.property(token, (any) => {
      assert.ok(['jws', 'malformed'].includes(parseCompactJws(any).kind))
    }),
    { numRuns: 1_000 },
  )
})
