import assert from 'node:assert/strict'
import { createHash, randomFillSync } from 'node:crypto'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { firstChain, recordBytes } from '@portcullis/protocol/revocations'
import { createFollowedLog } from '../src/revocation/followed-log.ts'
import { createFreshness } from '../src/revocation/freshness.ts'
import { createLiveKids } from '../src/revocation/live-kids.ts'
import { shardCount, shardsSwept } from '../src/revocation/fingerprint-table.ts'
import { createRevocationTable } from '../src/revocation/table.ts'
import { processTimers } from '../src/timers.ts'
import { scriptIssuer, paths } from './scripted-issuer.ts'

// What was let go is to be gone before anything is measured.
setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const issuer = 'https://id.example'
const epoch = 'A'.repeat(22)
const recordsTotal = 1_000_000
const recordsInTurnMax = 500
/** What is kept on disk is encoded so many at a time. */
const partRecords = 1_000
const untilMs = 9_000_000

/** Ended sessions, and an account with a floor in every fifth place, with random fingerprints. */
function manyRecords(count: number): Buffer {
  const bytes = randomFillSync(Buffer.alloc(count * recordBytes))
  for (let at = 0, seq = 1; at < bytes.length; at += recordBytes, seq += 1) {
    const isAccount = seq % 5 === 0
    bytes.writeBigUInt64BE(BigInt(seq), at)
    bytes.writeUInt8(isAccount ? 2 : 1, at + 8)
    bytes.writeBigUInt64BE(isAccount ? 3n : 0n, at + 17)
    bytes.writeBigUInt64BE(BigInt(untilMs), at + 25)
  }
  return bytes
}

/** The engine frees buffers beside the thread that has let go of them. */
async function bufferBytes(): Promise<number> {
  let least = Infinity
  for (let look = 0; look < 10; look += 1) {
    collectGarbage()
    await setTimeout(50)
    least = Math.min(least, process.memoryUsage().arrayBuffers)
  }
  return least
}

test('a million records are joined some hundred in a turn, take some 20 MB, and go again after their time', async (t) => {
  let nowMs = 1_000_000
  let turns = 0
  const wall = (): number => nowMs
  const freshness = createFreshness({
    wall,
    monotonic: () => 0,
    maxStalenessMs: 30_000,
    isBehind: () => false,
  })
  const table = createRevocationTable(issuer)
  const yieldTurn: typeof processTimers.yieldTurn = (callback) => {
    turns += 1
    return processTimers.yieldTurn(callback)
  }
  const liveKids = createLiveKids(wall)
  const timers = { yieldTurn }
  const log = createFollowedLog({ table, freshness, liveKids, timers, onApplied: () => {} })
  const records = manyRecords(recordsTotal)
  const before = await bufferBytes()
  const chain = firstChain(epoch)
  const manifest = { iss: issuer, epoch, seq: recordsTotal, chain, at: nowMs, kids: [], sha256: '' }
  assert.equal(await log.joinSnapshot(manifest, records), 'applied')
  assert.equal(table.size(), recordsTotal)
  assert.ok(turns >= recordsTotal / recordsInTurnMax, `${turns} turns`)
  const heldBytes = (await bufferBytes()) - before
  t.diagnostic(`${(heldBytes / recordsTotal).toFixed(1)} bytes a record`)
  assert.ok(heldBytes < 22 * recordsTotal, `${heldBytes} bytes`)

  let kept = 0
  let ascents = 0
  for (const part of table.records()) {
    assert.ok(part.length <= partRecords * recordBytes)
    kept += part.length
    for (let at = recordBytes; at < part.length; at += recordBytes) {
      const isAscent = part.readUInt32BE(at + 13) > part.readUInt32BE(at + 13 - recordBytes)
      if (isAscent) ascents += 1
    }
  }
  assert.equal(kept, recordsTotal * recordBytes)
  const share = ascents / recordsTotal
  assert.ok(share > 0.4 && share < 0.6, `not in the order of the slots: ${share}`)

  nowMs = untilMs + 120_000
  for (let checkpoints = 0; checkpoints < shardCount / shardsSwept; checkpoints += 1) {
    const at = nowMs + checkpoints
    assert.equal(await log.applyFrame({ ...manifest, at }, Buffer.alloc(0)), 'applied')
  }
  assert.equal(table.size(), 0)
})

for (const chunkBytes of [1, 32, 33, 8_191, 33_000, 100_000]) {
  test(`a snapshot that comes in chunks of ${chunkBytes} bytes is the same snapshot`, async (t) => {
    const scripted = scriptIssuer(t)
    const records = manyRecords(chunkBytes < 100 ? 20 : 3_001)
    for (let at = 25; at < records.length; at += recordBytes) {
      records.writeBigUInt64BE(BigInt(Date.now() + 900_000), at)
    }
    const sha256 = createHash('sha256').update(records).digest('base64url')
    scripted.answer(paths.snapshot, () => {
      const manifest = scripted.feed.sign({ sha256 }, undefined, 'revocation-snapshot+jwt')
      const body = Buffer.concat([Buffer.from(`${manifest}\n`), records])
      return new Response(inChunks(body, chunkBytes))
    })
    const verifier = scripted.verifier()
    await verifier.ready()
    const health = verifier.revocation()
    assert.ok(health.followed)
    assert.equal(health.records, records.length / recordBytes)
    assert.equal(health.counts.snapshotsRefused, 0)
  })
}

function inChunks(body: Buffer, chunkBytes: number): ReadableStream<Uint8Array> {
  let at = 0
  return new ReadableStream({
    pull: (controller) => {
      if (at >= body.length) return controller.close()
      controller.enqueue(new Uint8Array(body.subarray(at, at + chunkBytes)))
      at += chunkBytes
    },
  })
}
