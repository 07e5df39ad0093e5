import assert from 'node:assert/strict'
import { createHash, randomFillSync } from 'node:crypto'
import { before, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { chainAfter, formatFrame, frameEvent, recordBytes } from '@portcullis/protocol/revocations'
import type { Verifier } from '@portcullis/verify'
import type { ScriptedIssuer } from './scripted-issuer.ts'
import { paths, scriptIssuer } from './scripted-issuer.ts'
import { waitUntil } from './wait-until.ts'

const recordsTotal = 1_000_000
const frameRecords = 10_000
const chunkBytes = 16_384
const lifeMs = 900_000
const turnMsMax = 20
/** A processor that others share has slow moments. */
const attempts = 3
const readyAttempts = 60
const skip = 'threadCpuUsage' in process ? false : 'this Node cannot tell the time of one thread'

// Node loads its own `fetch` when it is first touched, which takes 25 ms, and is no part of any load.
before(() => void new Response())

test(
  'no turn of the event loop is long while a follower loads a million records',
  { skip },
  async (t) => {
    const records = manyRecords(1, recordsTotal)
    const sha256 = createHash('sha256').update(records).digest('base64url')
    await shortestOf(attempts, async () => {
      const scripted = scriptIssuer(t)
      scripted.answer(paths.snapshot, () => {
        const manifest = scripted.feed.sign({ sha256 }, undefined, 'revocation-snapshot+jwt')
        return new Response(chunksInTurns([Buffer.from(`${manifest}\n`), ...chunksOf(records)]))
      })
      const verifier = scripted.verifier()
      t.after(verifier.close)
      const longestMs = await longestTurnMs(() => untilReady(verifier))
      assert.equal(held(verifier), recordsTotal)
      t.diagnostic(`the longest turn took ${longestMs.toFixed(1)} ms`)
      return longestMs
    })
  },
)

/** It gives up after some seconds, which a machine that others use may take. */
async function untilReady(verifier: Verifier): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await verifier.ready()
    } catch (error) {
      if (attempt === readyAttempts) throw error
      await setTimeout(500)
    }
  }
}

test(
  'and none while frames of ten thousand come, of which the service is told',
  { skip },
  async (t) => {
    const scripted = scriptIssuer(t)
    const revoked: unknown[] = []
    const verifier = await scripted.follow({ onRevoked: (one) => void revoked.push(one) })
    const log = createLongFrames(scripted)
    const toldBefore = revoked.length
    await shortestOf(attempts, async () => {
      const expected = held(verifier) + frameRecords
      const event = log.next(frameRecords)
      const longestMs = await longestTurnMs(async () => {
        sendInTurns(scripted, event)
        await waitUntil(() => held(verifier) === expected, 'the frame')
      })
      t.diagnostic(`the longest turn took ${longestMs.toFixed(1)} ms`)
      return longestMs
    })
    assert.ok(revoked.length > toldBefore)
  },
)

/** Ended sessions, and an account with a floor in every fifth place, with random fingerprints. */
function manyRecords(firstSeq: number, count: number): Buffer {
  const bytes = randomFillSync(Buffer.alloc(count * recordBytes))
  const until = BigInt(Date.now() + lifeMs)
  for (let at = 0, seq = firstSeq; at < bytes.length; at += recordBytes, seq += 1) {
    const isAccount = seq % 5 === 0
    bytes.writeBigUInt64BE(BigInt(seq), at)
    bytes.writeUInt8(isAccount ? 2 : 1, at + 8)
    bytes.writeBigUInt64BE(isAccount ? 3n : 0n, at + 17)
    bytes.writeBigUInt64BE(until, at + 25)
  }
  return bytes
}

function chunksOf(bytes: Buffer): readonly Buffer[] {
  const count = Math.ceil(bytes.length / chunkBytes)
  return Array.from({ length: count }, (_value, at) =>
    bytes.subarray(at * chunkBytes, (at + 1) * chunkBytes),
  )
}

/** As they come from a socket: never two in one turn. */
function chunksInTurns(chunks: readonly Buffer[]): ReadableStream<Uint8Array> {
  const left = chunks.values()
  return new ReadableStream({
    pull: async (controller) => {
      await new Promise((resolve) => void setImmediate(resolve))
      const { value } = left.next()
      if (value === undefined) controller.close()
      else controller.enqueue(new Uint8Array(value))
    },
  })
}

function sendInTurns({ send }: ScriptedIssuer, event: string): void {
  for (let at = 0; at < event.length; at += chunkBytes) {
    setImmediate(() => send(event.slice(at, at + chunkBytes)))
  }
}

function createLongFrames({ feed }: ScriptedIssuer): { readonly next: (count: number) => string } {
  const { epoch, seq: firstSeq } = feed.position()
  let seq = firstSeq
  let chain = chainOf(feed.sign())
  return {
    next: (count) => {
      const records = manyRecords(seq + 1, count)
      chain = chainAfter(chain, records)
      seq += count
      const frame = { records, checkpoint: feed.sign({ epoch, seq, chain }) }
      return `event: ${frameEvent}\nid: ${epoch}:${seq}\ndata: ${formatFrame(frame)}\n\n`
    },
  }
}

function chainOf(checkpoint: string): string {
  const payload = Buffer.from(checkpoint.split('.')[1] ?? '', 'base64url').toString()
  return (JSON.parse(payload) as { readonly chain: string }).chain
}

function held(verifier: Verifier): number {
  const health = verifier.revocation()
  assert.ok(health.followed)
  return health.records
}

/** By the time of the processor in this thread, which nobody else's work makes longer. */
async function longestTurnMs(work: () => Promise<void>): Promise<number> {
  let longestMs = 0
  let turns = 0
  let turnBeganMs = threadMs()
  const takeTurn = (): void => {
    turns += 1
    longestMs = Math.max(longestMs, threadMs() - turnBeganMs)
    turnBeganMs = threadMs()
    next = setImmediate(takeTurn)
  }
  let next = setImmediate(takeTurn)
  try {
    await work()
  } finally {
    clearImmediate(next)
  }
  assert.ok(turns > 20, `${turns} turns`)
  return longestMs
}

function threadMs(): number {
  // Linux counts what the thread has used since its last tick only when the whole process is asked for.
  process.cpuUsage()
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

async function shortestOf(times: number, measure: () => Promise<number>): Promise<void> {
  let shortestMs = Infinity
  for (let time = 0; time < times; time += 1) shortestMs = Math.min(shortestMs, await measure())
  assert.ok(shortestMs < turnMsMax, `in the best of ${times} a turn took ${shortestMs} ms`)
}
