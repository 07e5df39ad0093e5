import type { Checkpoint } from '@portcullis/protocol/revocations'
import {
  formatFrame,
  formatPosition,
  parseFrame,
  unverifiedCheckpoint,
} from '@portcullis/protocol/revocations'
import type { Feed, Subscription } from './feed.ts'
import type { PublishedFrame } from './feed-frames.ts'
import type { OpenCheckpoint } from './own-checkpoints.ts'
import type { RevocationLog } from './revocations.ts'

/** A store of frames that all nodes write to, and any number of followers read from. */
export interface FeedBroker {
  /** The last message that is stored; undefined where there is none. */
  readonly last: () => Promise<StoredMessage | undefined>
  /**
   * Stores one behind that place (0: in front of all) and nowhere else, and answers its own; undefined when another has
   * come there before. What is stored twice under one id within two minutes is stored once.
   */
  readonly store: (message: NewMessage, behind: number) => Promise<number | undefined>
}

export interface StoredMessage {
  readonly place: number
  readonly data: string
}

export interface NewMessage {
  readonly id: string
  readonly data: string
}

export interface PublicationParts {
  readonly feed: Pick<Feed, 'subscribe'>
  readonly log: Pick<RevocationLog, 'head'>
  readonly broker: FeedBroker
  readonly openCheckpoint: OpenCheckpoint
  /** Told when followers have got what there is, by this node or another. */
  readonly onPublished: () => void
}

/** Nodes beat in turns of their own: one checkpoint a second is enough, whoever has written it. */
const recentMs = 600
/** A broker takes a megabyte unless it is told otherwise. */
const dataCharactersMax = 900_000
/** So many wait while one is stored; whoever is further behind begins anew, with one frame for all. */
const waitingMax = 64

/**
 * Stores the frames of the feed at the broker, each behind the one that it goes on from, until another node has stored
 * one, or this node has fallen behind, or the signal aborts: then it is called again, and goes on from what is stored.
 * So however many nodes do this, what is stored is one log. Rejects when the broker or the store fails.
 */
export async function publishFeed(parts: PublicationParts, signal: AbortSignal): Promise<void> {
  const frames = createFrameQueue(signal)
  try {
    await publishFrames(parts, frames)
  } finally {
    // It listens to a signal that outlives it, and what waits would be kept with it.
    frames.end()
  }
}

async function publishFrames(parts: PublicationParts, frames: FrameQueue): Promise<void> {
  const { broker, openCheckpoint, onPublished } = parts
  const stored = await broker.last()
  const held = stored && checkpointIn(stored, openCheckpoint)
  let last = { place: stored?.place ?? 0, at: held?.at ?? -Infinity }
  const subscription = await subscribeBehind(parts, held, frames)
  if (subscription.kind !== 'subscribed') return
  try {
    for (let frame = await frames.next(); frame !== undefined; frame = await frames.next()) {
      const at = unverifiedCheckpoint(frame.checkpoint)?.at ?? -Infinity
      const hasNews = frame.records.length > 0
      if (!hasNews && at - last.at < recentMs) {
        onPublished()
        continue
      }
      const place = await broker.store(messageOf(frame, at), last.place)
      if (place === undefined) return
      last = { place, at }
      onPublished()
    }
  } finally {
    subscription.cancel()
  }
}

/** Behind what is stored; where the log does not go on from there followers take a snapshot, and so does this. */
async function subscribeBehind(
  { feed, log }: PublicationParts,
  stored: Checkpoint | undefined,
  { add, end }: FrameQueue,
): Promise<Subscription> {
  const head = await log.head()
  const isOfEpoch = stored?.epoch === head.epoch
  // This reading is older than what another node has stored.
  const isOld = isOfEpoch ? stored.seq > head.seq : (stored?.at ?? -Infinity) > head.at
  if (isOld) return { kind: 'gone' }
  const subscription = await feed.subscribe(isOfEpoch ? stored : head, add, end)
  return subscription.kind === 'gone' ? feed.subscribe(head, add, end) : subscription
}

function messageOf({ position, records, checkpoint }: QueuedFrame, at: number): NewMessage {
  const data = formatFrame({ records, checkpoint })
  const place = formatPosition(position)
  if (records.length > 0 && data.length <= dataCharactersMax) return { id: place, data }
  // Without its records, where they are too many: followers see that some are missing, and take a snapshot.
  const alone = formatFrame({ records: records.subarray(0, 0), checkpoint })
  return { id: `${place}:${at}`, data: alone }
}

/** What somebody else has written there is none of ours, and says nothing of where to go on. */
function checkpointIn({ data }: StoredMessage, open: OpenCheckpoint): Checkpoint | undefined {
  const frame = parseFrame(data)
  return frame && open(frame.checkpoint)
}

/** Takes those of one epoch that wait, as one frame: a broker that answers slowly is asked less often. */
function asOne(waiting: QueuedFrame[]): QueuedFrame | undefined {
  const [first] = waiting
  const other = waiting.findIndex(({ position }) => position.epoch !== first?.position.epoch)
  const frames = waiting.splice(0, other === -1 ? waiting.length : other)
  const last = frames.at(-1)
  if (last === undefined) return undefined
  const { position, checkpoint } = last
  return { position, checkpoint, records: Buffer.concat(frames.map(({ records }) => records)) }
}

/** Without the text, which is of one frame and not of several that became one. */
type QueuedFrame = Omit<PublishedFrame, 'text'>

interface FrameQueue {
  readonly add: (frame: QueuedFrame) => void
  readonly end: () => void
  /** Undefined when it has ended. */
  readonly next: () => Promise<QueuedFrame | undefined>
}

function createFrameQueue(stopping: AbortSignal): FrameQueue {
  const waiting: QueuedFrame[] = []
  const ending = new AbortController()
  const ended = AbortSignal.any([stopping, ending.signal])
  let wake = Promise.withResolvers<void>()
  ended.addEventListener('abort', () => wake.resolve(), { once: true })
  return {
    add: (frame) => {
      waiting.push(frame)
      if (waiting.length > waitingMax) ending.abort()
      wake.resolve()
    },
    end: () => ending.abort(),
    next: async () => {
      while (waiting.length === 0 && !ended.aborted) {
        await wake.promise
        wake = Promise.withResolvers()
      }
      return ended.aborted ? undefined : asOne(waiting)
    },
  }
}
