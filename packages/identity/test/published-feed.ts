import { randomBytes } from 'node:crypto'
import type { TestContext } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { Feed, FeedParts } from '../src/domain/feed.ts'
import { createFeed } from '../src/domain/feed.ts'
import type { PublishedFrame } from '../src/domain/feed-frames.ts'
import type { RevocationKind } from '@portcullis/protocol/revocations'
import type { RevocationPosition } from '@portcullis/protocol/revocations'
import type { Revocation } from '../src/domain/revocations.ts'
import type { ChosenClock } from './chosen-clock.ts'
import { createChosenClock } from './chosen-clock.ts'
import type { Engine } from './engines.ts'
import type { OpenedStore } from './opened-store.ts'
import { openStoreAt, storeIssuer } from './opened-store.ts'

/** A feed over a real store, whose signatures cost nothing and are counted. */
export interface PublishedFeed extends OpenedStore {
  readonly feed: Feed
  readonly clock: ChosenClock
  /** The one that nobody can set. */
  readonly monotonic: ChosenClock
  /** What was signed so far: the `typ` of each. */
  readonly signed: string[]
  /** How many checkpoints were written so far. */
  readonly written: () => number
  /** How often the feed has read the end of the log, and how many records with it. */
  readonly reads: { heads: number; records: number }
  /** Another one over the same store, as a node has it that starts now. */
  readonly startAnother: () => Feed
}

export async function openFeed(t: TestContext, engine: Engine): Promise<PublishedFeed> {
  const clock = createChosenClock()
  const monotonic = createChosenClock()
  const store = await openStoreAt(await engine.createStore(t), clock.now)
  t.after(store.database.close)
  const signed: string[] = []
  let written = 0
  const reads = { heads: 0, records: 0 }
  const parts: FeedParts = {
    issuer: storeIssuer,
    log: {
      ...store.log,
      head: () => {
        reads.heads += 1
        return store.log.head()
      },
      since: async (seq) => {
        const excerpt = await store.log.since(seq)
        reads.records += excerpt.records.length
        return excerpt
      },
      checkpoint: () => {
        written += 1
        return store.log.checkpoint()
      },
    },
    signCheckpoint: async (payload, typ) => {
      signed.push(typ)
      return JSON.stringify(payload)
    },
    monotonic: monotonic.now,
    giveWay: setImmediate,
  }
  return {
    ...store,
    feed: createFeed(parts),
    startAnother: () => createFeed(parts),
    clock,
    monotonic,
    signed,
    reads,
    written: () => written,
  }
}

export interface Listening {
  readonly frames: PublishedFrame[]
  readonly hasLeft: () => boolean
  readonly cancel: () => void
}

/** Undefined when the feed does not go on from there. */
export async function listen(
  { feed }: Pick<PublishedFeed, 'feed'>,
  after: RevocationPosition,
): Promise<Listening | undefined> {
  const frames: PublishedFrame[] = []
  let hasLeft = false
  const outcome = await feed.subscribe(
    after,
    (frame) => frames.push(frame),
    () => (hasLeft = true),
  )
  if (outcome.kind !== 'subscribed') return undefined
  return { frames, hasLeft: () => hasLeft, cancel: outcome.cancel }
}

/** Takes back so many sessions, or what else, in one transaction. */
export async function revokeMany(
  { log }: Pick<OpenedStore, 'log'>,
  count: number,
  kind: RevocationKind = 'session',
): Promise<RevocationPosition> {
  const [first, ...others] = Array.from({ length: count }, (): Revocation => {
    return { kind, key: randomBytes(16).toString('base64url'), floor: 0 }
  })
  if (first === undefined) throw new TypeError('nothing is to be taken back')
  return log.transaction((_query, revoke) => revoke(first, ...others))
}
