import { createHash } from 'node:crypto'
import type { JsonObject } from '@portcullis/protocol'
import type { Frame, RevocationPosition, RevocationRecord } from '@portcullis/protocol/revocations'
import { checkpointType, encodeRecord, snapshotType } from '@portcullis/protocol/revocations'
import type { LogExcerpt, LogHead, RevocationLog } from './revocations.ts'
import { createTurns } from './turns.ts'

/** Signs a checkpoint or a manifest with the feed key, as a JWS of this `typ`. */
export type SignCheckpoint = (payload: JsonObject, typ: string) => string

export interface FeedParts {
  readonly issuer: string
  readonly log: Pick<RevocationLog, 'checkpoint' | 'head' | 'since' | 'inForce'>
  readonly signCheckpoint: SignCheckpoint
}

/** A frame and the position that a follower has behind it. */
export interface PublishedFrame extends Frame {
  readonly position: RevocationPosition
}

export type FrameListener = (frame: PublishedFrame) => void

export type Subscription =
  | { readonly kind: 'subscribed'; readonly cancel: () => void }
  /** The position is of another epoch, beyond the head, or too far back: take a snapshot. */
  | { readonly kind: 'gone' }

/** The revocation log on its way to those who follow it (docs/feed-format.md). */
export interface Feed {
  /** Sends what was revoked since the last frame. Cheap; call it whenever something was. */
  readonly publish: () => Promise<void>
  /** Writes a checkpoint and sends it: the proof to all followers that they have missed nothing. */
  readonly beat: () => Promise<void>
  /** Sends the first frame before it resolves, and then every one. A listener must not throw. */
  readonly subscribe: (after: RevocationPosition, listener: FrameListener) => Promise<Subscription>
  /** The manifest, and the records that it covers. */
  readonly snapshot: () => Promise<{ readonly manifest: string; readonly records: Buffer }>
}

/** A follower further back than this is quicker with a snapshot than with one frame of 330 kB. */
const behindMax = 10_000

export function createFeed({ issuer, log, signCheckpoint }: FeedParts): Feed {
  const claimsOf = ({ epoch, seq, chain, at, kids }: LogHead): JsonObject => ({
    iss: issuer,
    epoch,
    seq,
    chain,
    at,
    kids,
  })
  const frameOf = ({ head, records }: LogExcerpt): PublishedFrame => ({
    position: { epoch: head.epoch, seq: head.seq },
    records: encodeAll(records),
    checkpoint: signCheckpoint(claimsOf(head), checkpointType),
  })
  const followers = createFollowers(frameOf)
  // So that no follower gets two frames in the wrong order.
  const inTurn = createTurns()
  let snapshotUnderWay: ReturnType<Feed['snapshot']> | undefined

  const sendNews = async (): Promise<void> => {
    const furthestBack = followers.furthestBack()
    if (furthestBack !== undefined) followers.send(await log.since(furthestBack))
  }
  const takeSnapshot: Feed['snapshot'] = async () => {
    const { head, records } = await log.inForce()
    const bytes = encodeAll(records)
    const sha256 = createHash('sha256').update(bytes).digest('base64url')
    return { manifest: signCheckpoint({ ...claimsOf(head), sha256 }, snapshotType), records: bytes }
  }

  return {
    publish: () => inTurn(sendNews),
    beat: () =>
      inTurn(async () => {
        await log.checkpoint()
        await sendNews()
      }),
    subscribe: (after, listener) =>
      inTurn(async () => {
        // Compared before anything is read: a position that is refused must cost nothing.
        const head = await log.head()
        const behind = head.seq - after.seq
        if (after.epoch !== head.epoch || behind < 0 || behind > behindMax) return { kind: 'gone' }
        const excerpt = await log.since(after.seq)
        const firstFrame = frameOf(excerpt)
        const cancel = followers.add(excerpt.head.seq, listener)
        listener(firstFrame)
        return { kind: 'subscribed', cancel }
      }),
    snapshot: () => {
      // Many followers start at once after an outage: they share one.
      snapshotUnderWay ??= takeSnapshot().finally(() => {
        snapshotUnderWay = undefined
      })
      return snapshotUnderWay
    },
  }
}

/** Everybody who listens, each with the place up to which it was sent everything. */
interface Followers {
  readonly add: (seq: number, listener: FrameListener) => () => void
  /** Undefined when nobody listens. */
  readonly furthestBack: () => number | undefined
  /** Sends each what it lacks of an excerpt that begins where the furthest back is. */
  readonly send: (excerpt: LogExcerpt) => void
}

function createFollowers(frameOf: (excerpt: LogExcerpt) => PublishedFrame): Followers {
  const followers = new Set<{ seq: number; readonly listener: FrameListener }>()
  return {
    add: (seq, listener) => {
      const follower = { seq, listener }
      followers.add(follower)
      return () => void followers.delete(follower)
    },
    furthestBack: () => {
      let least: number | undefined
      for (const { seq } of followers) least = Math.min(least ?? seq, seq)
      return least
    },
    send: ({ head, records }) => {
      // One frame for all who are at one place, which is nearly always everybody.
      const frames = new Map<number, PublishedFrame>()
      for (const follower of followers) {
        const { seq } = follower
        const frame =
          frames.get(seq) ?? frameOf({ head, records: records.filter((one) => one.seq > seq) })
        frames.set(seq, frame)
        follower.seq = head.seq
        follower.listener(frame)
      }
    },
  }
}

function encodeAll(records: readonly RevocationRecord[]): Buffer {
  return Buffer.concat(records.map(encodeRecord))
}
