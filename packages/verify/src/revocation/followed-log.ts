import { Buffer } from 'node:buffer'
import type { Checkpoint, SnapshotManifest } from '@portcullis/protocol/revocations'
import { decodeRecords, recordBytes } from '@portcullis/protocol/revocations'
import { clockDifferenceMsMax } from '../issuer/answer-age.ts'
import type { Timers } from '../timers.ts'
import type { Freshness } from './freshness.ts'
import type { LiveKids } from './live-kids.ts'
import { isSameList } from './live-kids.ts'
import type { Joined } from './record-slices.ts'
import { chainInSlices, joinAll, joinNews } from './record-slices.ts'
import type { RevocationTable } from './table.ts'
import { createSerialQueue } from './serial-queue.ts'

/**
 * - `applied`: the state is the checkpoint's now
 * - `late`: an older checkpoint of the same epoch; ignored
 * - `repeated`: the very checkpoint that the state is of; anybody can send it again, so it says nothing
 * - `mismatch`: the records and the checkpoint do not fit each other or the state; nothing was applied
 * - `lost-history`: the issuer itself contradicts what it has vouched for
 */
export type FrameOutcome = 'applied' | 'late' | 'repeated' | 'mismatch' | 'lost-history'

/** `undecodable`: what the issuer has signed cannot be applied here, so nothing is vouched for. */
export type SnapshotOutcome = 'applied' | 'late' | 'undecodable'

/**
 * The issuer's revocation log as far as it is known here: a table that only grows, and the place in
 * the log that it stands for. All that comes in has been verified; nothing here does I/O.
 */
export interface FollowedLog {
  /** One after the other. A long one is applied with pauses in which requests are served. */
  readonly applyFrame: (checkpoint: Checkpoint, records: Buffer) => Promise<FrameOutcome>
  /** Joins a snapshot with what is held, with pauses in which requests are served. */
  readonly joinSnapshot: (
    manifest: SnapshotManifest,
    records: Buffer | readonly Buffer[],
  ) => Promise<SnapshotOutcome>
  /**
   * Joins what an earlier life of the process has left, and goes on from its place in the log. The checkpoint
   * vouches for nothing; without `listsKeys` it also withdraws none.
   */
  readonly restore: (checkpoint: Checkpoint, records: Buffer, listsKeys: boolean) => Promise<void>
  /** Where to go on from; undefined until a snapshot is joined, and after lost history. */
  readonly position: () => Checkpoint | undefined
  /** The last checkpoint that was applied, vouched for or not. */
  readonly checkpoint: () => Checkpoint | undefined
}

export interface FollowedLogOptions {
  readonly table: RevocationTable
  readonly freshness: Freshness
  readonly liveKids: Pick<LiveKids, 'list' | 'restore'>
  readonly timers: Pick<Timers, 'yieldTurn'>
  /**
   * Called after each checkpoint that was applied, with what was not known before; and for a snapshot that was not,
   * and has brought something new all the same.
   */
  readonly onApplied: (batch: AppliedBatch) => void
}

export interface AppliedBatch {
  /** Those of a frame, one behind the other; undefined for those of a snapshot, which may be a million. */
  readonly records: Buffer | undefined
  /** The checkpoint does not list them, and before it they lived. */
  readonly withdrawnKids: readonly string[]
}

const noRecords = Buffer.alloc(0)
const newsWithoutPlace: AppliedBatch = { records: undefined, withdrawnKids: [] }

export function createFollowedLog(options: FollowedLogOptions): FollowedLog {
  const { table, freshness, liveKids, timers, onApplied } = options
  let held: Checkpoint | undefined
  const leftEpochs = new Set<string>()
  let isPositioned = false
  let isRestored = false
  // What changes the place in the log is done alone: in the pauses of a frame it must stay.
  const inTurn = createSerialQueue()

  function lose(): void {
    isPositioned = false
    freshness.withdraw()
  }

  function take(checkpoint: Checkpoint, records: AppliedBatch['records']): void {
    const withdrawnKids = liveKids.list(checkpoint)
    if (held !== undefined && held.epoch !== checkpoint.epoch) leftEpochs.add(held.epoch)
    held = checkpoint
    isPositioned = true
    isRestored = false
    // By the issuer's clock where that is believed: one that is wrong for a moment, theirs or ours, must
    // not make a revocation forgotten for good.
    if (freshness.vouch(checkpoint.at)) table.sweep(checkpoint.at - clockDifferenceMsMax)
    onApplied({ records, withdrawnKids })
  }

  async function applyFrame(checkpoint: Checkpoint, bytes: Buffer): Promise<FrameOutcome> {
    if (held === undefined || !isPositioned) return 'mismatch'
    const order = orderOf(checkpoint, held, isRestored)
    if (order === 'lost-history') lose()
    if (order !== 'follows') return order
    const news = await newsIn(bytes, held, checkpoint, timers)
    if (news === undefined) return 'mismatch'
    take(checkpoint, await joinNews(table, news, timers))
    return 'applied'
  }

  function goOnFrom(manifest: SnapshotManifest, { areRead, hasNews }: Joined): SnapshotOutcome {
    if (!areRead) {
      lose()
      return 'undecodable'
    }
    // Judged against what is held by now: frames may have come in between.
    const isBehind = held !== undefined && isLate(manifest, held, freshness, leftEpochs)
    if (!isBehind) take(manifest, hasNews ? undefined : noRecords)
    return isBehind ? 'late' : 'applied'
  }

  return {
    applyFrame: (checkpoint, bytes) => inTurn(() => applyFrame(checkpoint, bytes)),
    joinSnapshot: async (manifest, bytes) => {
      const joined = await joinAll(table, [bytes].flat(), timers)
      return inTurn(async () => {
        const outcome = goOnFrom(manifest, joined)
        // It counts whatever becomes of its place in the log, and a frame that has it too brings no news.
        if (outcome !== 'applied' && joined.hasNews) onApplied(newsWithoutPlace)
        return outcome
      })
    },
    restore: async (checkpoint, bytes, listsKeys) => {
      // One that cannot be read is none that this version has written.
      if (!(await joinAll(table, [bytes], timers)).areRead) return
      held = checkpoint
      isPositioned = isRestored = true
      liveKids.restore(checkpoint, listsKeys)
    },
    position: () => (isPositioned ? held : undefined),
    checkpoint: () => held,
  }
}

function orderOf(
  next: Checkpoint,
  held: Checkpoint,
  isRestored: boolean,
): 'follows' | Exclude<FrameOutcome, 'applied'> {
  if (next.epoch !== held.epoch) return 'mismatch'
  const order = compare(next, held)
  if (order === 'contradicts') return 'lost-history'
  // What an earlier life has left is vouched for by the same word again, and not before.
  if (order === 'repeats') return isRestored ? 'follows' : 'repeated'
  return order
}

/** The records of a frame that are not held; undefined where they do not lead to its checkpoint. */
async function newsIn(
  bytes: Buffer,
  held: Checkpoint,
  checkpoint: Checkpoint,
  timers: FollowedLogOptions['timers'],
): Promise<Buffer | undefined> {
  const news = recordsAfter(held, bytes)
  if (held.seq + news.length / recordBytes !== checkpoint.seq) return undefined
  // It covers every octet of the records, so it also shows that none is missing or moved.
  const chain = await chainInSlices(held.chain, news, timers)
  return chain === checkpoint.chain ? news : undefined
}

/** Two checkpoints of one epoch. The issuer's time goes up with its records, or it has lost some. */
function compare(
  next: Checkpoint,
  held: Checkpoint,
): 'follows' | 'repeats' | 'late' | 'contradicts' {
  if (next.at < held.at) return 'late'
  if (next.seq < held.seq) return next.at === held.at ? 'late' : 'contradicts'
  if (next.seq > held.seq) return 'follows'
  if (next.chain !== held.chain) return 'contradicts'
  return next.at === held.at && isSameList(next.kids, held.kids) ? 'repeats' : 'follows'
}

function isLate(
  manifest: Checkpoint,
  held: Checkpoint,
  { believes, vouchedAtMs }: Freshness,
  left: ReadonlySet<string>,
): boolean {
  if (held.epoch === manifest.epoch) return compare(manifest, held) === 'late'
  // Another epoch is a later one, or somebody plays back an old snapshot. What an earlier life has left counts here
  // too, but not a store's clock that was far ahead: it would keep out what comes after it.
  const knownMs = believes(held.at) ? held.at : (vouchedAtMs() ?? 0)
  if (!left.has(manifest.epoch)) return manifest.at < knownMs
  // The store's clock may have been ahead by as much as is believed. Only an epoch that is still spoken for gets
  // further, where it was left for one that was played back.
  return !believes(manifest.at) || manifest.at <= knownMs + clockDifferenceMsMax
}

/** The records of a frame behind those that a snapshot has brought already, which stand in front. */
function recordsAfter(held: Checkpoint, bytes: Buffer): Buffer {
  const [first] = decodeRecords(bytes.subarray(0, recordBytes)) ?? []
  const known = first === undefined ? 0 : held.seq + 1 - first.seq
  return bytes.subarray(Math.max(0, known) * recordBytes)
}
