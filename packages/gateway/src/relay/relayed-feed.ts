import { Buffer } from 'node:buffer'
import type { Checkpoint, Frame, RevocationPosition } from '@portcullis/protocol/revocations'
import {
  decodeRecords,
  formatFrame,
  formatPosition,
  frameEvent,
  recordBytes,
  unverifiedCheckpoint,
} from '@portcullis/protocol/revocations'

/** Who reads here; gets every event as its octets, and must not throw. */
export interface FeedListener {
  readonly send: (event: Buffer) => void
  /** What comes next does not follow from what it was sent. */
  readonly leave: () => void
}

export type RelaySubscription =
  | { readonly kind: 'subscribed'; readonly cancel: () => void }
  /** Its position is of another epoch, or not kept here. */
  | { readonly kind: 'gone' }
  /** Nothing comes from upstream. */
  | { readonly kind: 'silent' }

/**
 * The stream as it comes from upstream, on its way to those who read it here, and the end of the log with which it
 * goes on from a position. Nothing in it is verified: followers do that, whoever brings it.
 */
export interface RelayedFeed {
  /** A stream from upstream begins behind this position. */
  readonly begin: (after: RevocationPosition) => void
  /** The next event of it, as it came, and the frame that is in it. */
  readonly take: (event: Buffer, frame: Frame) => void
  readonly subscribe: (
    after: RevocationPosition,
    listener: FeedListener,
  ) => Promise<RelaySubscription>
  /** How long ago something came that goes on from what was there; Infinity before the first. */
  readonly silentMs: () => number
  /** Ends every stream. */
  readonly endAll: () => void
}

/** Whoever is further back reads at the issuer; so a first event has 88 kB at the most. */
const keptRecordsMax = 2_000
/** The issuer promises a checkpoint a second; followers wait no longer for it either. */
export const silentMsMax = 3_000
/** Whoever comes from the issuer may be ahead by what is under way to here. */
const aheadMsMax = 1_000

interface Head extends RevocationPosition {
  /** Undefined until the first frame. */
  readonly checkpoint: string | undefined
}

/** `monotonic`: milliseconds from anywhere, by a clock that only goes on. */
export function createRelayedFeed(monotonic: () => number): RelayedFeed {
  const listeners = new Set<FeedListener>()
  const waiting = new Set<() => void>()
  let head: Head | undefined
  let kept = Buffer.alloc(0)
  let takenAtMs = -Infinity

  const silentMs = (): number => monotonic() - takenAtMs

  function endAll(): void {
    for (const { leave } of listeners) leave()
    listeners.clear()
  }

  const isAhead = ({ epoch, seq }: RevocationPosition): boolean =>
    head?.epoch === epoch && head.seq < seq

  async function untilReached(after: RevocationPosition): Promise<void> {
    const until = monotonic() + aheadMsMax
    while (isAhead(after) && monotonic() < until) {
      const { promise, resolve } = Promise.withResolvers<void>()
      waiting.add(resolve)
      const timer = setTimeout(resolve, until - monotonic())
      await promise
      clearTimeout(timer)
      waiting.delete(resolve)
    }
  }

  return {
    begin: ({ epoch, seq }) => {
      if (head?.epoch === epoch && head.seq === seq) return
      head = { epoch, seq, checkpoint: undefined }
      kept = Buffer.alloc(0)
      endAll()
    },
    take: (event, frame) => {
      const checkpoint = checkpointIn(frame)
      if (checkpoint === undefined || head === undefined) return
      const { epoch, seq } = checkpoint
      if (epoch !== head.epoch || seq - frame.records.length / recordBytes !== head.seq) return
      if (frame.records.length > 0) {
        kept = Buffer.concat([kept, frame.records]).subarray(-keptRecordsMax * recordBytes)
      }
      head = { epoch, seq, checkpoint: frame.checkpoint }
      takenAtMs = monotonic()
      for (const { send } of listeners) send(event)
      for (const wake of waiting) wake()
    },
    subscribe: async (after, listener) => {
      await untilReached(after)
      if (head?.checkpoint === undefined || silentMs() > silentMsMax) return { kind: 'silent' }
      const missed = after.epoch === head.epoch ? head.seq - after.seq : -1
      if (missed < 0 || missed * recordBytes > kept.length) return { kind: 'gone' }
      // A checkpoint alone may be older than the one it has, from a snapshot or from the issuer; the next is not.
      if (missed > 0) {
        const records = kept.subarray(kept.length - missed * recordBytes)
        listener.send(eventOf(head, { records, checkpoint: head.checkpoint }))
      }
      listeners.add(listener)
      return { kind: 'subscribed', cancel: () => void listeners.delete(listener) }
    },
    silentMs,
    endAll,
  }
}

/** Undefined where the two do not belong together. */
function checkpointIn({ records, checkpoint }: Frame): Checkpoint | undefined {
  const claims = unverifiedCheckpoint(checkpoint)
  const decoded = decodeRecords(records)
  if (claims === undefined || decoded === undefined) return undefined
  const areDense = decoded.every(({ seq }, at) => seq === claims.seq - decoded.length + 1 + at)
  return areDense ? claims : undefined
}

function eventOf(position: RevocationPosition, frame: Frame): Buffer {
  const id = formatPosition(position)
  return Buffer.from(`event: ${frameEvent}\nid: ${id}\ndata: ${formatFrame(frame)}\n\n`)
}
