import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { JsonObject } from '@portcullis/protocol'
import { parseCompactJws, parseVerificationKey } from '@portcullis/protocol/jws'
import type {
  Checkpoint,
  RevocationKind,
  RevocationPosition,
  RevocationRecord,
} from '@portcullis/protocol/revocations'
import {
  checkpointType,
  chainAfter,
  countKinds,
  decodeRecords,
  encodeRecord,
  fingerprintOf,
  firstChain,
  formatFrame,
  formatPosition,
  nextChain,
  parseCheckpoint,
  parseFrame,
  parsePosition,
  parseSnapshotManifest,
  recordBytes,
  snapshotType,
  unverifiedCheckpoint,
} from '@portcullis/protocol/revocations'

interface RecordVector {
  readonly seq: number
  readonly kind: RevocationKind
  readonly key: string
  readonly fingerprint: string
  readonly floor: number
  readonly until: number | null
  readonly bytes: string
  readonly chain: string
}

interface FeedVectors {
  readonly issuer: string
  readonly epoch: string
  readonly firstChain: string
  readonly records: readonly RecordVector[]
  readonly malformedRecords: readonly { readonly why: string; readonly bytes: string }[]
  readonly positions: readonly {
    readonly text: string
    readonly position: RevocationPosition | null
  }[]
  readonly feedKeys: { readonly keys: readonly unknown[] }
  readonly frames: readonly {
    readonly after: RevocationPosition
    readonly id: string
    readonly data: string
    readonly covers: Checkpoint
  }[]
  readonly malformedFrames: readonly string[]
  readonly checkpoint: JsonObject
  readonly malformedCheckpoints: readonly JsonObject[]
  readonly snapshot: { readonly manifest: JsonObject; readonly body: string }
}

const file = new URL('../../../vectors/revocation-feed.json', import.meta.url)
const vectors = JSON.parse(readFileSync(file, 'utf8')) as FeedVectors

const records: readonly RevocationRecord[] = vectors.records.map((vector) => ({
  seq: vector.seq,
  kind: vector.kind,
  fingerprint: BigInt(`0x${vector.fingerprint}`),
  floor: vector.floor,
  until: vector.until ?? undefined,
}))

test('the vectors are there, with every kind', () => {
  assert.deepEqual(
    new Set(records.map(({ kind }) => kind)),
    new Set(['session', 'account', 'client', 'token', 'key', 'all']),
  )
  assert.ok(vectors.malformedRecords.length >= 8)
  assert.ok(vectors.positions.length >= 16)
  assert.ok(vectors.frames.length >= 4)
  assert.ok(vectors.malformedFrames.length >= 13)
  assert.ok(vectors.malformedCheckpoints.length >= 15)
})

test('a fingerprint is the first 64 bits of SHA-256 over issuer, kind and key', () => {
  for (const { kind, key, fingerprint } of vectors.records) {
    const octets = Buffer.from(`${vectors.issuer}\0${kind}\0${key}`)
    const expected = createHash('sha256').update(octets).digest('hex').slice(0, 16)
    assert.equal(fingerprint, expected)
    assert.equal(fingerprintOf(vectors.issuer, kind, key), BigInt(`0x${fingerprint}`))
  }
})

test('a record is 33 octets, and reads back as it was', () => {
  for (const [at, record] of records.entries()) {
    const bytes = encodeRecord(record)
    assert.equal(bytes.length, recordBytes)
    assert.equal(bytes.toString('hex'), vectors.records[at]?.bytes)
    assert.deepEqual(decodeRecords(bytes), [record])
  }
  const all = Buffer.concat(records.map((record) => encodeRecord(record)))
  assert.deepEqual(decodeRecords(all), records)
  assert.deepEqual(decodeRecords(Buffer.alloc(0)), [])
})

test('they are counted by kind without being read, and what is not known is no kind', () => {
  const all = Buffer.concat([...records, ...records].map((record) => encodeRecord(record)))
  const counts = countKinds(Buffer.concat([all, Buffer.alloc(recordBytes, 9)]))
  assert.ok(records.length > 0)
  for (const [kind, count] of counts) {
    assert.equal(count, 2 * records.filter((record) => record.kind === kind).length, kind)
  }
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0)
  assert.equal(total, 2 * records.length)
})

test('records stand at their offsets also inside a larger buffer', () => {
  const all = Buffer.concat([Buffer.alloc(7, 9), ...records.map((record) => encodeRecord(record))])
  assert.deepEqual(decodeRecords(all.subarray(7)), records)
})

for (const { why, bytes } of vectors.malformedRecords) {
  test(`records with ${why} are not read at all`, () => {
    assert.equal(decodeRecords(Buffer.from(bytes, 'hex')), undefined)
  })
}

test('numbers go up to 2^53 - 1, and never is written as all ones', () => {
  const [record] = records
  assert.ok(record)
  const largest = Number.MAX_SAFE_INTEGER
  for (const extreme of [
    { ...record, seq: largest, floor: largest, until: largest },
    { ...record, seq: 0, floor: 0, until: 0, fingerprint: 0n },
    { ...record, until: undefined, fingerprint: 2n ** 64n - 1n },
  ]) {
    assert.deepEqual(decodeRecords(encodeRecord(extreme)), [extreme])
  }
  assert.equal(encodeRecord({ ...record, until: undefined }).toString('hex', 25), 'f'.repeat(16))
})

test('the chain covers the epoch, every record and their order', () => {
  assert.equal(firstChain(vectors.epoch), vectors.firstChain)
  let chain = vectors.firstChain
  for (const [at, record] of records.entries()) {
    chain = nextChain(chain, record)
    assert.equal(chain, vectors.records[at]?.chain)
  }
  const octets = Buffer.concat(records.map((record) => encodeRecord(record)))
  assert.equal(chainAfter(vectors.firstChain, octets), chain, 'all of them at once')
  assert.equal(chainAfter(chain, octets.subarray(0, 0)), chain)
  const ends = [records, records.slice(1), records.toReversed()].map((some) =>
    some.reduce(nextChain, vectors.firstChain),
  )
  assert.equal(new Set(ends).size, 3)
  assert.notEqual(firstChain(vectors.epoch.replace('q', 'r')), vectors.firstChain)
})

for (const { text, position } of vectors.positions) {
  test(`${JSON.stringify(text)} is ${position === null ? 'no' : 'a'} position`, () => {
    assert.deepEqual(parsePosition(text) ?? null, position)
    if (position !== null) assert.equal(formatPosition(position), text)
  })
}

test('frames go on from each other, each under a checkpoint that verifies and covers it', () => {
  const parsedKey = parseVerificationKey(vectors.feedKeys.keys[0])
  assert.ok(parsedKey.kind === 'key')
  const { key } = parsedKey
  assert.equal(key.algorithm.name, 'ES256')
  let chain = vectors.firstChain
  for (const { after, id, data, covers } of vectors.frames) {
    const frame = parseFrame(data)
    assert.ok(frame)
    assert.equal(formatFrame(frame), data)
    const jws = parseCompactJws(frame.checkpoint)
    assert.ok(jws.kind === 'jws')
    assert.deepEqual(jws.header, { alg: 'ES256', typ: checkpointType, kid: key.kid })
    assert.ok(key.algorithm.verify(key.publicKey, jws.signingInput, jws.signature))
    const checkpoint = parseCheckpoint(jws.payload)
    assert.ok(checkpoint)
    assert.deepEqual(checkpoint, covers)
    assert.equal(formatPosition(checkpoint), id)

    const news = decodeRecords(frame.records) ?? []
    assert.deepEqual(news, records.slice(after.seq, checkpoint.seq))
    for (const record of news) chain = nextChain(chain, record)
    assert.equal(checkpoint.chain, chain)
  }
})

for (const data of vectors.malformedFrames) {
  test(`${JSON.stringify(data)} is no frame`, () => {
    assert.equal(parseFrame(data), undefined)
  })
}

for (const changes of vectors.malformedCheckpoints) {
  test(`a checkpoint with ${JSON.stringify(changes).slice(0, 60)} is not read`, () => {
    assert.ok(parseCheckpoint(vectors.checkpoint))
    assert.equal(parseCheckpoint({ ...vectors.checkpoint, ...changes }), undefined)
    for (const member of Object.keys(changes)) {
      const { [member]: _left, ...rest } = vectors.checkpoint
      assert.equal(parseCheckpoint(rest), undefined)
    }
  })
}

test('what a checkpoint says of itself is read without its key, and of anything else nothing is', () => {
  const [{ data, covers } = assert.fail('no frame')] = vectors.frames
  const { checkpoint } = parseFrame(data) ?? assert.fail('no frame')
  assert.deepEqual(unverifiedCheckpoint(checkpoint), covers)
  const [header = '', payload = ''] = checkpoint.split('.')
  assert.deepEqual(unverifiedCheckpoint(`${header}.${payload}.AAAA`), covers)
  for (const other of ['', 'x', `${header}.${payload}`, `${header}.${header}.AAAA`]) {
    assert.equal(unverifiedCheckpoint(other), undefined, other)
  }
})

test('a checkpoint has only its own members', () => {
  const read = parseCheckpoint({ ...vectors.checkpoint, extra: 1 })
  assert.deepEqual(read, vectors.checkpoint)
})

test('a snapshot is its manifest, a line feed, and the records in force', () => {
  const body = Buffer.from(vectors.snapshot.body, 'base64url')
  const lineFeed = body.indexOf(10)
  const jws = parseCompactJws(body.toString('latin1', 0, lineFeed))
  assert.ok(jws.kind === 'jws')
  assert.equal(jws.header['typ'], snapshotType)
  const manifest = parseSnapshotManifest(jws.payload)
  assert.ok(manifest)
  assert.deepEqual(manifest, vectors.snapshot.manifest)
  const octets = body.subarray(lineFeed + 1)
  assert.equal(createHash('sha256').update(octets).digest('base64url'), manifest.sha256)
  // The token's record is past its until; the chain covers it all the same.
  assert.deepEqual(
    decodeRecords(octets),
    records.filter(({ until = Infinity }) => until >= manifest.at),
  )
  assert.equal(manifest.chain, records.reduce(nextChain, vectors.firstChain))
})

test('a manifest without the hash of its records is none', () => {
  const { sha256: _left, ...rest } = vectors.snapshot.manifest
  assert.equal(parseSnapshotManifest(rest), undefined)
  for (const sha256 of ['', 'x', 1, 'A'.repeat(44)]) {
    assert.equal(parseSnapshotManifest({ ...rest, sha256 }), undefined)
  }
  assert.ok(parseCheckpoint(rest), 'which leaves a checkpoint of another typ')
})
