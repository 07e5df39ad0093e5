import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  createPepper,
  deriveRefreshToken,
  isGenuine,
  parseRefreshToken,
} from '../src/domain/refresh-tokens.ts'

const pepper = createPepper(Buffer.alloc(32, 'pepper'))
const other = createPepper(Buffer.alloc(32, 'another'))
const source = {
  sessionId: Buffer.alloc(16, 'session').toString('base64url'),
  seed: Buffer.alloc(32, 'seed').toString('base64url'),
}

test('a derived token is read back, is genuine, and is the same text every time', () => {
  const token = deriveRefreshToken(pepper, source, 7)
  assert.equal(token, deriveRefreshToken(pepper, source, 7))
  const presented = parseRefreshToken(token)
  assert.ok(presented !== undefined)
  assert.deepEqual([presented.sessionId, presented.counter], [source.sessionId, 7])
  assert.ok(isGenuine(presented, [pepper], source))
  assert.ok(isGenuine(presented, [other, pepper], source), 'a pepper that is being rolled')
  assert.ok(!isGenuine(presented, [other], source))
})

test('a token of another counter, session or seed is not genuine', () => {
  const presented = parseRefreshToken(deriveRefreshToken(pepper, source, 7))
  assert.ok(presented !== undefined)
  const changes = [
    [{ ...presented, counter: 8 }, source],
    [presented, { ...source, seed: Buffer.alloc(32, 'x').toString('base64url') }],
    [presented, { ...source, sessionId: Buffer.alloc(16, 'x').toString('base64url') }],
  ] as const
  for (const [changed, from] of changes) assert.ok(!isGenuine(changed, [pepper], from))
})

test('whatever has not exactly the form of a token is none', () => {
  const token = deriveRefreshToken(pepper, source, 7)
  const malformed = [
    '',
    'prt_',
    token.slice(0, -1),
    `${token}A`,
    ` ${token}`,
    `${token}\n`,
    token.toUpperCase(),
    token.replace('.7.', '.07.'),
    token.replace('.7.', '.-7.'),
    token.replace('.7.', '.7.0.'),
    token.replace('.7.', '.9999999999999999.'),
    token.replace('prt_', 'PRT_'),
    'eyJhbGciOiJub25lIn0.e30.',
  ]
  for (const text of malformed) assert.equal(parseRefreshToken(text), undefined, text)
})
