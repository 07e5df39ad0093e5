import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { createSealer } from '../src/domain/sealing.ts'
import { parseSecretKey } from '../src/domain/secret-key.ts'

const key = randomBytes(32)
const sealer = createSealer(key, randomBytes)
const plaintext = 'the private half'

test('what was sealed opens with the same key under the same context', () => {
  const sealed = sealer.seal(plaintext, 'kid-1')
  const later = createSealer(key, randomBytes)
  assert.deepEqual(later.open(sealed, 'kid-1'), { kind: 'opened', plaintext })
})

test('sealing twice gives two texts, and neither shows the plaintext', () => {
  const one = sealer.seal(plaintext, 'kid-1')
  const other = sealer.seal(plaintext, 'kid-1')
  assert.notEqual(one, other)
  for (const sealed of [one, other]) {
    const [, , box = ''] = sealed.split('.')
    assert.ok(!Buffer.from(box, 'base64url').includes(plaintext))
  }
})

test('another sealing key is told apart from damage', () => {
  const sealed = sealer.seal(plaintext, 'kid-1')
  const stranger = createSealer(randomBytes(32), randomBytes)
  assert.deepEqual(stranger.open(sealed, 'kid-1'), { kind: 'sealed-with-another-key' })
})

test('every damage is found: a changed bit anywhere, a missing part, another row', () => {
  const sealed = sealer.seal(plaintext, 'kid-1')
  const [format = '', keyId = '', box = ''] = sealed.split('.')
  const octets = Buffer.from(box, 'base64url')
  assert.ok(octets.length > 28)
  for (const at of octets.keys()) {
    const changed = Buffer.from(octets)
    changed.writeUInt8(octets.readUInt8(at) ^ 1, at)
    const text = `${format}.${keyId}.${changed.toString('base64url')}`
    assert.deepEqual(sealer.open(text, 'kid-1'), { kind: 'damaged' }, `octet ${at}`)
  }
  const shortened = octets.subarray(0, 20).toString('base64url')
  for (const text of [
    '',
    box,
    `v2.${keyId}.${box}`,
    `${format}.${keyId}`,
    `${format}.${keyId}.`,
    `${format}.${keyId}.${shortened}`,
  ]) {
    assert.deepEqual(sealer.open(text, 'kid-1'), { kind: 'damaged' }, text)
  }
  assert.deepEqual(sealer.open(sealed, 'kid-2'), { kind: 'damaged' })
})

test('a sealing key is 32 bytes in base64 or base64url, padded or not', () => {
  for (const text of [
    key.toString('base64'),
    key.toString('base64url'),
    key.toString('base64').replace('=', ''),
  ]) {
    assert.deepEqual(parseSecretKey(text), { kind: 'secret-key', key }, text)
  }
})

const refusedKeys: readonly (readonly [string, RegExp])[] = [
  ['', /not base64/],
  ['change me', /not base64/],
  [` ${key.toString('base64')}`, /not base64/],
  [key.toString('hex'), /holds 48 bytes instead of 32/],
  [key.subarray(0, 31).toString('base64'), /holds 31 bytes/],
  [randomBytes(33).toString('base64'), /holds 33 bytes/],
  [randomBytes(16).toString('base64'), /holds 16 bytes/],
  [Buffer.alloc(32).toString('base64'), /pattern/],
  [Buffer.alloc(32, 'secret').toString('base64'), /pattern/],
  [Buffer.alloc(32, '0123456789abcde').toString('base64'), /pattern/],
]

test('short, long, patterned and unreadable sealing keys are refused, and not repeated', () => {
  assert.ok(refusedKeys.length > 0)
  for (const [text, why] of refusedKeys) {
    const parsed = parseSecretKey(text)
    assert.ok(parsed.kind === 'malformed', text)
    assert.match(parsed.why, why)
    assert.ok(text === '' || !parsed.why.includes(text))
  }
})
