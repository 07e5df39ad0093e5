import type { RevocationPosition } from '@portcullis/protocol/revocations'
import { formatPosition } from '@portcullis/protocol/revocations'
import type { PublishedFrame } from './feed-frames.ts'
import type { LogExcerpt } from './revocations.ts'
import { isDenseFrom } from './revocations.ts'

export type FrameListener = (frame: PublishedFrame) => void

/** Everybody who listens, each with the place up to which it was sent everything. */
export interface FeedListeners {
  readonly add: (at: RevocationPosition, listener: FrameListener, leave: () => void) => () => void
  readonly count: () => number
  /** Undefined when nobody listens. */
  readonly furthestBack: () => number | undefined
  /** Whether nobody lacks anything of this position. */
  readonly areAllAt: (position: RevocationPosition) => boolean
  /** Sends each what it lacks of an excerpt that begins where the furthest back is. */
  readonly send: (excerpt: LogExcerpt) => Promise<void>
}

interface Listening {
  at: RevocationPosition
  readonly listener: FrameListener
  readonly leave: () => void
}

export function createFeedListeners(
  frameOf: (excerpt: LogExcerpt) => Promise<PublishedFrame>,
): FeedListeners {
  const listeners = new Set<Listening>()
  return {
    add: (at, listener, leave) => {
      const one = { at, listener, leave }
      listeners.add(one)
      return () => void listeners.delete(one)
    },
    count: () => listeners.size,
    furthestBack: () => {
      let least: number | undefined
      for (const { at } of listeners) least = Math.min(least ?? at.seq, at.seq)
      return least
    },
    areAllAt: ({ epoch, seq }) => {
      for (const { at } of listeners) if (at.epoch !== epoch || at.seq !== seq) return false
      return true
    },
    send: async (excerpt) => {
      const { epoch, seq } = excerpt.head
      // One frame for all who are at one place, which is nearly always everybody.
      const frames = new Map<string, PublishedFrame | undefined>()
      for (const { at } of listeners) {
        const place = formatPosition(at)
        if (frames.has(place)) continue
        const missed = missedAt(at, excerpt)
        frames.set(place, missed && (await frameOf(missed)))
      }
      // Without those who have left while it was signed; nobody can have come.
      for (const one of listeners) {
        const frame = frames.get(formatPosition(one.at))
        one.at = { epoch, seq }
        if (frame !== undefined) one.listener(frame)
        else one.leave()
      }
    },
  }
}

/** What a follower at this place has not got; undefined when a part of it is no longer kept. */
function missedAt(at: RevocationPosition, { head, records }: LogExcerpt): LogExcerpt | undefined {
  // Another epoch: the checkpoint alone tells it so.
  if (at.epoch !== head.epoch) return { head, records: [] }
  const missed = { head, records: records.filter(({ seq }) => seq > at.seq) }
  return isDenseFrom(missed, at.seq) ? missed : undefined
}
