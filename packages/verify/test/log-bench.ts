import assert from 'node:assert/strict'
import type { RevocationRecord } from '@portcullis/protocol/revocations'
import {
  encodeRecord,
  fingerprintOf,
  firstChain,
  nextChain,
} from '@portcullis/protocol/revocations'
import type { Checkpoint } from '@portcullis/protocol/revocations'
import type { AppliedBatch, FollowedLog } from '../src/revocation/followed-log.ts'
import { createFollowedLog } from '../src/revocation/followed-log.ts'
import { createFreshness } from '../src/revocation/freshness.ts'
import { createLiveKids } from '../src/revocation/live-kids.ts'
import type { RevocationTable } from '../src/revocation/table.ts'
import { createRevocationTable, revocableToken } from '../src/revocation/table.ts'
import { processTimers } from '../src/timers.ts'

const issuer = 'https://id.example'
export const epoch = 'A'.repeat(22)
export const otherEpoch = 'B'.repeat(22)
export const startMs = 1_000_000

export function session(seq: number, sid = `s${seq}`): RevocationRecord {
  const fingerprint = fingerprintOf(issuer, 'session', sid)
  return { seq, kind: 'session', fingerprint, floor: 0, until: 9_000_000 }
}

/** The checkpoint over these records, as if the epoch had no others. */
export function over(records: readonly RevocationRecord[], at: number, of = epoch): Checkpoint {
  let chain = firstChain(of)
  for (const record of records) chain = nextChain(chain, record)
  return { iss: issuer, epoch: of, seq: records.length, chain, at, kids: [] }
}

export function encode(...records: readonly RevocationRecord[]): Buffer {
  return Buffer.concat(records.map((record) => encodeRecord(record)))
}

export interface Bench {
  readonly log: FollowedLog
  readonly table: RevocationTable
  readonly has: (sid: string) => boolean
  readonly isVouched: () => boolean
  readonly batches: AppliedBatch[]
}

/** A log that has joined a snapshot with the sessions 1 to 3. */
export async function startBench(wallMs: number = startMs): Promise<Bench> {
  const bench = createBench(wallMs)
  const outcome = await bench.log.joinSnapshot(manifest(first, startMs), encode(...first))
  assert.equal(outcome, 'applied')
  return bench
}

/** One that goes on from where an earlier life of the process has ended, and knows its first four sessions. */
export async function startRestored(checkpoint: Checkpoint): Promise<Bench> {
  const bench = createBench(startMs)
  await bench.log.restore(checkpoint, encode(...four), true)
  return bench
}

function createBench(wallMs: number): Bench {
  const table = createRevocationTable(issuer)
  const freshness = createFreshness({
    wall: () => wallMs,
    monotonic: () => 0,
    maxStalenessMs: 30_000,
    isBehind: () => false,
  })
  const batches: AppliedBatch[] = []
  const log = createFollowedLog({
    table,
    freshness,
    liveKids: createLiveKids(() => wallMs),
    timers: processTimers,
    onApplied: (batch) => batches.push(batch),
  })
  assert.equal(log.position(), undefined)
  const claims = { iss: issuer, sub: 'a', aud: 'o', exp: 1, iat: 1, jti: 'j', client_id: 'c' }
  return {
    log,
    table,
    has: (sid) => table.revokes(revocableToken({ ...claims, sid })),
    isVouched: () => freshness.ageMs() < 30_000,
    batches,
  }
}

export const first = [session(1), session(2), session(3)]
export const four = [...first, session(4)]

export function manifest(
  records: readonly RevocationRecord[],
  at: number,
  of = epoch,
): Checkpoint & { readonly sha256: string } {
  return { ...over(records, at, of), sha256: '' }
}
