import { Buffer } from 'node:buffer'
import { setImmediate } from 'node:timers/promises'
import type {
  Checkpoint,
  RevocationPosition,
  SnapshotManifest,
} from '@portcullis/protocol/revocations'
import { chainAfter, recordBytes, visitRecords } from '@portcullis/protocol/revocations'
import { clockDifferenceMsMax } from '../issuer/issuer-clock.ts'
import type { Freshness } from './freshness.ts'
import type { RevocationTable } from './table.ts'

/**
 * - `applied`: the state is the checkpoint's now
 * - `late`: an older checkpoint of the same epoch; ignored
 * - `mismatch`: the records and the checkpoint do not fit each other or the state; nothing was applied
 * - `lost-history`: the issuer itself contradicts what it has vouched for
 */
export type FrameOutcome = 'applied' | 'late' | 'mismatch' | 'lost-history'

/** `undecodable`: what the issuer has signed cannot be applied here, so nothing is vouched for. */
export type SnapshotOutcome = 'applied' | 'late' | 'undecodable'

/**
 * The issuer's revocation log as far as it is known here: a table that only grows, and the place in
 * the log that it stands for. All that comes in has been verified; nothing here does I/O.
 */
export interface FollowedLog {
  readonly applyFrame: (checkpoint: Checkpoint, records: Buffer) => FrameOutcome
  /** Joins a snapshot with what is held, with pauses in which requests are served. */
  readonly joinSnapshot: (manifest: SnapshotManifest, records: Buffer) => Promise<SnapshotOutcome>
  /** Where to go on from; undefined until a snapshot is joined, and after lost history. */
  readonly position: () => RevocationPosition | undefined
  /** The last checkpoint that was applied, vouched for or not. */
  readonly checkpoint: () => Checkpoint | undefined
}

export interface FollowedLogOptions {
  readonly table: RevocationTable
  readonly freshness: Freshness
  /** Called after each checkpoint that was applied, with what was not known before. */
  readonly onApplied: (batch: AppliedBatch) => void
}

export interface AppliedBatch {
  /** Those of a frame, one behind the other; undefined for those of a snapshot, which may be a million. */
  readonly records: Buffer | undefined
  /** The checkpoint lists them no more, and the one before did. */
  readonly withdrawnKids: readonly string[]
}

const noRecords = Buffer.alloc(0)

/** About a millisecond of work. */
const sliceRecords = 1_000

export function createFollowedLog(options: FollowedLogOptions): FollowedLog {
  const { table, freshness, onApplied } = options
  let held: Checkpoint | undefined
  let isPositioned = false

  function lose(): void {
    isPositioned = false
    freshness.withdraw()
  }

  function take(checkpoint: Checkpoint, records: AppliedBatch['records']): void {
    const withdrawnKids = held?.kids.filter((kid) => !checkpoint.kids.includes(kid)) ?? []
    held = checkpoint
    isPositioned = true
    // By the issuer's clock where that is believed: one that is wrong for a moment, theirs or ours, must
    // not make a revocation forgotten for good.
    if (freshness.vouch(checkpoint.at)) table.sweep(checkpoint.at - clockDifferenceMsMax)
    onApplied({ records, withdrawnKids })
  }

  return {
    applyFrame: (checkpoint, bytes) => {
      if (held === undefined || !isPositioned) return 'mismatch'
      if (checkpoint.epoch !== held.epoch) return 'mismatch'
      const order = compare(checkpoint, held)
      if (order === 'late') return 'late'
      if (order === 'contradicts') {
        lose()
        return 'lost-history'
      }
      const news = recordsAfter(held, bytes)
      if (news === undefined || !leadsTo(checkpoint, held, news)) return 'mismatch'
      take(checkpoint, joinRecords(table, news))
      return 'applied'
    },
    joinSnapshot: async (manifest, bytes) => {
      const hasNews = await joinSlices(table, bytes)
      if (hasNews === undefined) {
        lose()
        return 'undecodable'
      }
      // Judged against what is held by now: frames may have come in between.
      if (held?.epoch === manifest.epoch && compare(manifest, held) === 'late') return 'late'
      // Another epoch is a later one, or somebody plays back an old snapshot.
      const isOtherEpoch = held !== undefined && held.epoch !== manifest.epoch
      if (isOtherEpoch && manifest.at < (freshness.vouchedAtMs() ?? 0)) return 'late'
      take(manifest, hasNews ? undefined : noRecords)
      return 'applied'
    },
    position: () => (isPositioned ? held : undefined),
    checkpoint: () => held,
  }
}

/** Two checkpoints of one epoch. The issuer's time goes up with its records, or it has lost some. */
function compare(next: Checkpoint, held: Checkpoint): 'follows' | 'late' | 'contradicts' {
  if (next.at < held.at) return 'late'
  if (next.seq < held.seq) return next.at === held.at ? 'late' : 'contradicts'
  return next.seq === held.seq && next.chain !== held.chain ? 'contradicts' : 'follows'
}

/**
 * The records of a frame behind those that a snapshot has brought already; undefined for no records. Those
 * stand in front, or the chain will not fit.
 */
function recordsAfter(held: Checkpoint, bytes: Buffer): Buffer | undefined {
  let known = 0
  const areRead = visitRecords(bytes, (_kind, _words, _floor, _until, seq) => {
    if (seq <= held.seq) known += recordBytes
  })
  return areRead ? bytes.subarray(known) : undefined
}

/** The chain covers every octet of the records, so it also shows that none is missing or moved. */
function leadsTo(checkpoint: Checkpoint, held: Checkpoint, news: Buffer): boolean {
  if (held.seq + news.length / recordBytes !== checkpoint.seq) return false
  return chainAfter(held.chain, news) === checkpoint.chain
}

/** Those that tell something new. */
function joinRecords(table: RevocationTable, bytes: Buffer): Buffer {
  const told: Buffer[] = []
  let at = 0
  visitRecords(bytes, (kind, words, floor, until) => {
    const isNew = table.join(kind, words, floor, until)
    if (isNew) told.push(bytes.subarray(at, at + recordBytes))
    at += recordBytes
  })
  return Buffer.concat(told)
}

/** True when there was something new, undefined when there was something that cannot be read. */
async function joinSlices(table: RevocationTable, bytes: Buffer): Promise<boolean | undefined> {
  const step = sliceRecords * recordBytes
  let hasNews = false
  for (let at = 0; at < bytes.length; at += step) {
    const areRead = visitRecords(bytes.subarray(at, at + step), (kind, words, floor, until) => {
      if (table.join(kind, words, floor, until)) hasNews = true
    })
    if (!areRead) return undefined
    await setImmediate()
  }
  return hasNews
}
