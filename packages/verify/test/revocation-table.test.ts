import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AccessTokenClaims } from '@portcullis/protocol'
import type { RevocationKind } from '@portcullis/protocol/revocations'
import { fingerprintWords } from '@portcullis/protocol/revocations'
import { shardCount, shardsSwept } from '../src/revocation/fingerprint-table.ts'
import type { RevocationTable } from '../src/revocation/table.ts'
import { createRevocationTable, revocableToken } from '../src/revocation/table.ts'

const issuer = 'https://id.example'
const alice: AccessTokenClaims = {
  iss: issuer,
  sub: 'alice',
  aud: 'orders',
  exp: 2_000,
  iat: 1_100,
  jti: 'j1',
  client_id: 'web',
  sid: 's1',
  gen: 4,
  cgen: 7,
}

type JoinedRecord = Parameters<RevocationTable['join']>

function record(
  kind: RevocationKind,
  key: string,
  floor = 0,
  until: number | undefined = 5_000,
): JoinedRecord {
  return [kind, fingerprintWords(issuer, kind, key), floor, until]
}

function isRevoked(by: readonly JoinedRecord[], claims: AccessTokenClaims = alice): boolean {
  const table = createRevocationTable(issuer)
  for (const entry of by) table.join(...entry)
  return table.revokes(revocableToken(claims))
}

test('what an event has told counts for tokens of that second and before, and goes in its time', () => {
  const table = createRevocationTable(issuer)
  const account = fingerprintWords(issuer, 'account', 'alice')
  assert.equal(table.joinMinted(account, alice.iat, 5_000), true)
  assert.equal(table.joinMinted(account, alice.iat - 1, 5_000), false, 'an earlier one is no news')
  const revokes = (claims: Partial<AccessTokenClaims>): boolean =>
    table.revokes(revocableToken({ ...alice, ...claims }))
  assert.equal(revokes({}), true)
  assert.equal(revokes({ iat: alice.iat + 1 }), false)
  assert.equal(revokes({ sub: 'bob' }), false)
  assert.equal([...table.records()].length, 0, 'it is of no log')
  assert.equal(table.size(), 1)
  for (let swept = 0; swept < shardCount; swept += shardsSwept) table.sweep(120_000)
  assert.equal(table.size(), 0)
})

const fates: readonly (readonly [string, JoinedRecord, boolean])[] = [
  ['its session', record('session', 's1'), true],
  ['another session', record('session', 's2'), false],
  ['a session with the name of its account', record('session', 'alice'), false],
  ['its own id', record('token', 'j1'), true],
  ['another token', record('token', 'j2'), false],
  ['its account above its generation', record('account', 'alice', 5), true],
  ['its account at its generation', record('account', 'alice', 4), false],
  ['another account', record('account', 'bob', 9), false],
  ['its client above its generation', record('client', 'web', 8), true],
  ['its client at its generation', record('client', 'web', 7), false],
  ['another client', record('client', 'app', 9), false],
  ['all above its account generation', record('all', '', 5), true],
  ['all above both', record('all', '', 9), true],
  ['all at its lower generation', record('all', '', 4), false],
  ['a key, which claims do not show', record('key', 's1', 0, undefined), false],
]
for (const [what, entry, expected] of fates) {
  test(`a record about ${what} ${expected ? 'revokes' : 'leaves'} the token`, () => {
    assert.equal(isRevoked([entry]), expected)
  })
}

test('CVE-2026-8922: a floor that a token is above hides none that it is below', () => {
  const above = [record('client', 'web', 7), record('account', 'alice', 4), record('all', '', 4)]
  assert.equal(isRevoked(above), false)
  for (const below of [
    record('client', 'web', 8),
    record('account', 'alice', 5),
    record('session', 's1'),
    record('token', 'j1'),
  ]) {
    assert.equal(isRevoked([...above, below]), true)
    assert.equal(isRevoked([below, ...above]), true)
  }
})

test('a client that only acts in the token revokes it too, at any depth', () => {
  const act = { sub: 'gateway', client_id: 'edge', act: { sub: 'job' } }
  for (const name of ['gateway', 'edge', 'job']) {
    assert.equal(isRevoked([record('client', name, 8)], { ...alice, act }), true, name)
    assert.equal(isRevoked([record('client', name, 7)], { ...alice, act }), false, name)
  }
})

test('a client that acts is judged by its own generation where the token names it', () => {
  const act = { sub: 'gateway', cgen: 2, act: { sub: 'job', cgen: 20 } }
  for (const [name, floor, expected] of [
    // The token itself has generation 7.
    ['gateway', 3, true],
    ['gateway', 2, false],
    ['job', 21, true],
    ['job', 20, false],
    ['web', 8, true],
    ['web', 7, false],
  ] as const) {
    assert.equal(isRevoked([record('client', name, floor)], { ...alice, act }), expected, name)
  }
})

test('a machine has no generation of an account, and only its client revokes it', () => {
  const { sid: _sid, gen: _gen, ...claims } = alice
  const machine = { ...claims, sub: 'web' }
  assert.equal(isRevoked([record('account', 'web', 9)], machine), false)
  assert.equal(isRevoked([record('client', 'web', 9)], machine), true)
  assert.equal(isRevoked([record('all', '', 8)], machine), true)
  assert.equal(isRevoked([record('all', '', 7)], machine), false)
})

test('a floor is compared with generations and with no clock, so tokens of one second differ', () => {
  const before = { ...alice, gen: 4 }
  const after = { ...alice, gen: 5 }
  assert.equal(before.iat, after.iat)
  const entry = record('account', 'alice', 5)
  assert.deepEqual([isRevoked([entry], before), isRevoked([entry], after)], [true, false])
})

test('floors take the larger value, in whatever order and however often they come', () => {
  const low = record('account', 'alice', 3)
  const high = record('account', 'alice', 5)
  for (const order of [
    [low, high],
    [high, low],
    [high, low, high, low],
  ]) {
    assert.equal(isRevoked(order), true)
  }
  const table = createRevocationTable(issuer)
  assert.deepEqual(
    [low, high, low, high].map((entry) => table.join(...entry)),
    [true, true, false, false],
  )
  assert.equal(table.size(), 1)
})

test('a key is revoked by its kid', () => {
  const table = createRevocationTable(issuer)
  table.join(...record('key', 'k1', 0, undefined))
  assert.deepEqual([table.revokesKey('k1'), table.revokesKey('k2')], [true, false])
})

test('entries are dropped when every token they are about is dead, and those for ever stay', () => {
  const table = createRevocationTable(issuer)
  const minuteMs = 60_000
  for (let at = 1; at <= 1_000; at += 1)
    table.join(...record('session', `s${at}`, 0, at * minuteMs))
  table.join('key', fingerprintWords(issuer, 'key', 'k'), 0, undefined)
  for (let swept = 0; swept < shardCount; swept += shardsSwept) table.sweep(500 * minuteMs)
  assert.equal(table.size(), 502)
  assert.equal(table.revokes(revocableToken({ ...alice, sid: 's499' })), false)
  assert.equal(table.revokes(revocableToken({ ...alice, sid: 's500' })), true)
  assert.equal(table.revokesKey('k'), true)
})

test('another issuer has other fingerprints', () => {
  const table = createRevocationTable('https://other.example')
  table.join(...record('session', 's1'))
  assert.equal(table.revokes(revocableToken(alice)), false)
})
