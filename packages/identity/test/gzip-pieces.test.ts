import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import type { GzipPieces } from '../src/http/gzip-pieces.ts'
import { createPieceGzip } from '../src/http/gzip-pieces.ts'

async function all(pieces: GzipPieces): Promise<readonly Buffer[]> {
  const octets: Buffer[] = []
  for await (const piece of pieces()) octets.push(piece)
  return octets
}

/** Half of each can be told from what is before it. */
const records = Array.from({ length: 20 }, () =>
  Buffer.from(randomBytes(8_000).toString('hex').slice(0, 16_000)),
)

test('pieces become one gzip member, which is whole at its end', async () => {
  const gzip = createPieceGzip()
  for (const pieces of [[], [Buffer.from('a line\n')], records]) {
    const packed = Buffer.concat(await all(gzip(pieces)))
    assert.ok(gunzipSync(packed).equals(Buffer.concat(pieces)))
    // Another octet behind it is no part of it, and one that is missing or changed is found.
    assert.throws(() => gunzipSync(packed.subarray(0, -1)))
    const changed = Buffer.from(packed)
    changed.writeUInt8(changed.readUInt8(changed.length - 5) ^ 1, changed.length - 5)
    assert.throws(() => gunzipSync(changed))
  }
  const bytes = Buffer.concat(await all(gzip(records))).length
  assert.ok(bytes < 0.6 * 20 * 16_000, `${bytes}`)
})

test('what is the same in two documents is compressed once, also for readers that never come to its end', async () => {
  const gzip = createPieceGzip()
  const documents = ['one\n', 'another\n'].map((line) => [Buffer.from(line), ...records])
  const [one, another] = documents.map((pieces) => gzip(pieces))
  if (one === undefined || another === undefined) assert.fail()
  const slow = another()[Symbol.asyncIterator]()
  await slow.next()
  await slow.next()
  const [first, second, again] = await Promise.all([all(one), all(another), all(one)])
  assert.equal(first.length, records.length + 3)
  const shared = first.filter((piece) => second.includes(piece))
  assert.equal(shared.length, records.length + 1, 'the head and all the records')
  for (const [index, piece] of again.slice(0, -1).entries()) assert.equal(piece, first[index])
  for (const [index, packed] of [first, second, again].entries()) {
    const expected = Buffer.concat(documents[index % 2] ?? [])
    assert.ok(gunzipSync(Buffer.concat(packed)).equals(expected), `${index}`)
  }
  const rest: Buffer[] = []
  for (;;) {
    const { done, value } = await slow.next()
    if (done === true) break
    rest.push(value)
  }
  assert.ok(Buffer.concat(rest).equals(Buffer.concat(second.slice(2))))
})
