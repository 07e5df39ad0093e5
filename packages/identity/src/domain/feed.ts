import type { JsonObject } from '@portcullis/protocol'
import type { RevocationPosition } from '@portcullis/protocol/revocations'
import type { FrameListener } from './feed-listeners.ts'
import { createFeedListeners } from './feed-listeners.ts'
import { createFrames } from './feed-frames.ts'
import type { LogHead, RevocationLog } from './revocations.ts'
import type { FeedSnapshot } from './feed-snapshots.ts'
import { createSnapshots } from './feed-snapshots.ts'
import { createRecentRecords } from './recent-records.ts'
import { createSharedTurns } from './shared-turns.ts'
import { createSerialQueue } from './serial-queue.ts'

/** Signs a checkpoint or a manifest with the feed key, as a JWS of this `typ`. */
export type SignCheckpoint = (payload: JsonObject, typ: string) => Promise<string>

export interface FeedParts {
  readonly issuer: string
  readonly log: Pick<RevocationLog, 'checkpoint' | 'head' | 'since' | 'inForce'>
  readonly signCheckpoint: SignCheckpoint
  /** Milliseconds from anywhere, by a clock that only goes on. */
  readonly monotonic: () => number
  /** Lets everybody else have a turn, in the middle of what takes long; default: nobody waits. */
  readonly giveWay?: () => Promise<void>
}

export type Subscription =
  | { readonly kind: 'subscribed'; readonly cancel: () => void }
  /** The position is of another epoch, beyond the head, or too far back: take a snapshot. */
  | { readonly kind: 'gone' }
  /** It had left before it had its turn. */
  | { readonly kind: 'left' }

/** The revocation log on its way to those who follow it (docs/feed-format.md). */
export interface Feed {
  /**
   * Sends what was revoked since the last frame, and nothing when there is nothing new. Cheap; call it whenever
   * something may have been. Calls that wait share one.
   */
  readonly publish: () => Promise<void>
  /** Writes a checkpoint and sends it: the proof to all followers that they have missed nothing. */
  readonly beat: () => Promise<void>
  /**
   * Sends the first frame before it resolves, and then every one. A listener must not throw. `leave` is called when
   * what comes next is no longer kept, which the follower is told by a refusal when it comes again. Nothing is done for
   * one that `isLeft` when it is its turn.
   */
  readonly subscribe: (
    after: RevocationPosition,
    listener: FrameListener,
    leave: () => void,
    isLeft?: () => boolean,
  ) => Promise<Subscription>
  /** The manifest, and the records that it covers. */
  readonly snapshot: () => Promise<FeedSnapshot>
  /** How many have a stream of this node. */
  readonly streams: () => number
  /** What the last checkpoint of this node said; undefined before the first. */
  readonly lastCheckpoint: () => Pick<LogHead, 'seq' | 'at'> | undefined
}

/** A follower further back than this is quicker with a snapshot than with one frame of 330 kB. */
const behindMax = 10_000
/** Two milliseconds of work, when each comes from another place. */
const subscribedAtOnceMax = 16

interface Subscriber {
  readonly after: RevocationPosition
  readonly listener: FrameListener
  readonly leave: () => void
  readonly isLeft: () => boolean
}

export function createFeed({
  issuer,
  log,
  signCheckpoint,
  monotonic,
  giveWay = async () => undefined,
}: FeedParts): Feed {
  const signHead = (head: LogHead, typ: string, more: JsonObject = {}): Promise<string> => {
    const { epoch, seq, chain, at, kids } = head
    return signCheckpoint({ iss: issuer, epoch, seq, chain, at, kids, ...more }, typ)
  }
  const frames = createFrames(signHead)
  const listeners = createFeedListeners(frames.of)
  const snapshots = createSnapshots({ log, sign: signHead, monotonic, giveWay })
  // So that no follower gets two frames in the wrong order.
  const inTurn = createSerialQueue()
  let waiting: Promise<void> | undefined
  let last: LogHead | undefined

  const sendNews = async (): Promise<void> => {
    const furthestBack = listeners.furthestBack()
    if (furthestBack === undefined) return
    const excerpt = await log.since(furthestBack)
    if (!listeners.areAllAt(excerpt.head)) await listeners.send(excerpt)
  }

  const subscribeInTurn = createSharedTurns({
    inTurn,
    max: subscribedAtOnceMax,
    answerWithout: ({ isLeft }: Subscriber): Subscription | undefined =>
      isLeft() ? { kind: 'left' } : undefined,
    read: createRecentRecords(log, behindMax),
    take: async ({ after, listener, leave }, { head, behind }): Promise<Subscription> => {
      const missed = after.epoch === head.epoch ? behind(after.seq) : undefined
      if (missed === undefined) return { kind: 'gone' }
      const first = await frames.first(head, after, missed)
      const cancel = listeners.add(first.position, listener, leave)
      listener(first)
      return { kind: 'subscribed', cancel }
    },
    giveWay,
  })

  return {
    publish: () =>
      (waiting ??= inTurn(() => {
        // Whoever comes from here on may have something that is not read any more.
        waiting = undefined
        return sendNews()
      })),
    beat: () =>
      inTurn(async () => {
        const head = await log.checkpoint()
        last = head
        snapshots.forgetOld(head)
        const furthestBack = listeners.furthestBack()
        if (furthestBack !== undefined) await listeners.send(await log.since(furthestBack))
      }),
    subscribe: (after, listener, leave, isLeft = () => false) =>
      subscribeInTurn({ after, listener, leave, isLeft }),
    snapshot: snapshots.take,
    streams: listeners.count,
    lastCheckpoint: () => last,
  }
}
