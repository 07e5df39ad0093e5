import { createHash } from 'node:crypto'
import type { JsonObject } from '@portcullis/protocol'
import { recordBytes, snapshotType } from '@portcullis/protocol/revocations'
import { createRecordsInForce } from './records-in-force.ts'
import type { LogHead, RevocationLog } from './revocations.ts'

/** The manifest, and the records that it covers: pieces that stand one behind the other. */
export interface FeedSnapshot {
  readonly manifest: string
  readonly records: readonly Buffer[]
}

export interface Snapshots {
  /** One that is young and nearly complete: what it lacks is on the stream, from the position of its manifest. */
  readonly take: () => Promise<FeedSnapshot>
  /** Frees one that would not be given to anybody any more. */
  readonly forgetOld: (head: LogHead) => void
}

/** A million records are hashed and compressed in less. */
const reusedMsMax = 1000
/** What one may lack of its records to be given out again: the stream brings that sooner than a new one could. */
const lackingShareMax = 0.01

/** Some milliseconds. */
const piecesAtOnce = 8

export interface SnapshotParts {
  readonly log: Pick<RevocationLog, 'head' | 'inForce'>
  readonly sign: (head: LogHead, typ: string, more: JsonObject) => Promise<string>
  /** Milliseconds from anywhere, by a clock that only goes on. */
  readonly monotonic: () => number
  /** Lets everybody else have a turn. */
  readonly giveWay: () => Promise<void>
}

interface Taken {
  readonly head: LogHead
  /** By the monotonic clock. */
  readonly takenAtMs: number
  readonly count: number
  readonly snapshot: FeedSnapshot
}

export function createSnapshots({ log, sign, monotonic, giveWay }: SnapshotParts): Snapshots {
  const inForce = createRecordsInForce(log)
  let underWay: Promise<FeedSnapshot> | undefined
  let last: Taken | undefined

  const takeAnew = async (): Promise<Taken> => {
    const { head, pieces } = await inForce.bringUpToDate()
    const takenAtMs = monotonic()
    const hash = createHash('sha256')
    let bytes = 0
    for (const [index, piece] of pieces.entries()) {
      hash.update(piece)
      bytes += piece.length
      if (index % piecesAtOnce === piecesAtOnce - 1) await giveWay()
    }
    const manifest = await sign(head, snapshotType, { sha256: hash.digest('base64url') })
    return { head, takenAtMs, count: bytes / recordBytes, snapshot: { manifest, records: pieces } }
  }
  const takeOrReuse = async (): Promise<FeedSnapshot> => {
    // A beat may forget it while the head is read.
    const known = last
    if (known !== undefined && isStillGood(known, await log.head(), monotonic())) {
      return known.snapshot
    }
    const taken = await takeAnew()
    last = taken
    return taken.snapshot
  }
  return {
    take: () => {
      // Many followers start at once after an outage: they share one.
      underWay ??= takeOrReuse().finally(() => {
        underWay = undefined
      })
      return underWay
    },
    forgetOld: (head) => {
      if (last !== undefined && !isStillGood(last, head, monotonic())) last = undefined
    },
  }
}

/** By the log's own time, which every beat brings on, and by a clock that goes on when no beat does. */
function isStillGood(
  { head: taken, takenAtMs, count }: Taken,
  head: LogHead,
  nowMs: number,
): boolean {
  return (
    taken.epoch === head.epoch &&
    head.at - taken.at <= reusedMsMax &&
    nowMs - takenAtMs <= reusedMsMax &&
    head.seq - taken.seq <= count * lackingShareMax &&
    taken.kids.join() === head.kids.join()
  )
}
