import type { RevocationPosition } from '@portcullis/protocol/revocations'
import { parsePosition } from '@portcullis/protocol/revocations'
import { reportPace } from '../../packages/identity/src/domain/report-pace.ts'
import type { PublishedFrame } from '../../packages/identity/src/domain/feed-frames.ts'
import type { Chance } from './chance.ts'
import { issuer } from './names.ts'
import { noteFault, SimulatedTrouble } from './faults.ts'
import type { IdentityNode } from './nodes.ts'
import type { Recordings } from './relay.ts'
import { forgedSnapshot, relayOver } from './relay.ts'
import type { Answer, Path, Sink } from './ways.ts'
import type { World } from './world.ts'
import { nodesUp } from './world.ts'

/** Answers the requests of followers, as late and as falsely as their paths have it. */
export interface Network {
  readonly request: (path: Path, chance: Chance, request: Request) => Promise<Answer>
}

interface Request {
  readonly url: string
  /** Of a POST. */
  readonly body?: string | undefined
}

/** One request, and where it goes. */
interface Asked {
  readonly world: World
  readonly recordings: Recordings
  readonly path: Path
  readonly chance: Chance
}

export function createNetwork(world: World): Network {
  const recordings: Recordings = { frames: [], snapshots: [] }
  return {
    request: async (path, chance, request) => {
      await world.time.pause(chance.between(...path.delayMs))
      if (path.mode === 'refused') throw connectionRefused()
      if (path.mode === 'silent' || (path.relay === 'mute' && isOfFeed(request.url)))
        return forever()
      const answer = await answered({ world, recordings, path, chance }, request)
      await world.time.pause(chance.between(...path.delayMs))
      return (path.mode as Path['mode']) === 'silent' ? forever() : answer
    },
  }
}

function isOfFeed(url: string): boolean {
  const { snapshot, stream } = documents.metadata.feed
  return url === snapshot || url.startsWith(stream)
}

function connectionRefused(): Error {
  return new SimulatedTrouble('the connection was refused')
}

function forever(): Promise<never> {
  return new Promise(() => undefined)
}

async function answered(asked: Asked, { url, body }: Request): Promise<Answer> {
  const { world, chance } = asked
  const up = nodesUp(world)
  const isMissed = chance.happens(0.02) && world.nodes.length > up.length
  if (up.length === 0 || isMissed) throw connectionRefused()
  const node = chance.oneOf(up)
  const [path = '', position = ''] = url.slice(issuer.length).split('?after=')
  const dateMs = (): number => node.slot.clock.read()
  try {
    switch (path) {
      case '/jwks':
        return { status: 200, dateMs: dateMs(), kids: node.kids('access-token') }
      case '/feed-keys':
        return { status: 200, dateMs: dateMs(), kids: node.kids('feed') }
      case '/positions': {
        await takeReport(node, body ?? '')
        const { spreadMs, everyMs } = reportPace(world.followers.length)
        const pace = Buffer.from(JSON.stringify({ spread_ms: spreadMs, every_ms: everyMs }))
        return { status: 200, dateMs: dateMs(), body: bodyOf(asked, pace) }
      }
      case '/snapshot': {
        const bytes = await snapshotOf(asked, node)
        return { status: 200, dateMs: dateMs(), body: bodyOf(asked, bytes) }
      }
      default: {
        const after = parsePosition(decodeURIComponent(position))
        if (after === undefined) return { status: 400, dateMs: dateMs() }
        return await streamOf(asked, node, after)
      }
    }
  } catch (error) {
    noteFault(world, error)
    return { status: 503, dateMs: dateMs() }
  }
}

/** As `http/positions.ts` has it. */
async function takeReport({ followers }: IdentityNode, body: string): Promise<void> {
  const { follower, position, ended, ...report } = JSON.parse(body) as {
    readonly follower: string
    readonly position: string
    readonly ended?: boolean
    readonly applied_ms_ago: number
    readonly max_staleness_seconds: number
  }
  const key = { clientId: '', follower }
  if (ended === true) return followers.leave(key)
  const at = parsePosition(position)
  if (at === undefined) throw new TypeError('a report names no position')
  await followers.report({
    ...key,
    position: at,
    appliedMsAgo: report.applied_ms_ago,
    maxStalenessMs: report.max_staleness_seconds * 1000,
  })
}

/** In this world a body is two chunks. */
function bodyOf(asked: Asked, bytes: Buffer): NonNullable<Answer['body']> {
  return (sink) => {
    const middle = asked.chance.between(0, bytes.length)
    return deliveries(asked, sink, (deliver) => {
      deliver(bytes.subarray(0, middle))
      deliver(bytes.subarray(middle), true)
    })
  }
}

async function snapshotOf(
  { world, recordings, path, chance }: Asked,
  node: IdentityNode,
): Promise<Buffer> {
  const { manifest, records } = await node.feed.snapshot()
  const bytes = Buffer.concat([Buffer.from(`${manifest}\n`), ...records])
  recordings.snapshots.push({ at: world.time.now(), bytes })
  if (path.relay === 'late') {
    const until = world.time.now() - path.lateMs
    const old = recordings.snapshots.findLast(({ at }) => at <= until)
    world.tally.count('snapshots that came late')
    // Before it had one, a relay has none.
    if (old === undefined) throw new SimulatedTrouble('no snapshot yet')
    return old.bytes
  }
  return path.relay === 'hostile' ? forgedSnapshot(world, chance, bytes, recordings) : bytes
}

async function streamOf(
  asked: Asked,
  node: IdentityNode,
  after: RevocationPosition,
): Promise<Answer> {
  const { world, recordings, path, chance } = asked
  const early: PublishedFrame[] = []
  const listener = { take: (frame: PublishedFrame): void => void early.push(frame) }
  const gone = Promise.withResolvers<void>()
  const subscription = await node.feed.subscribe(
    after,
    (frame) => {
      if (!node.isOver()) listener.take(frame)
    },
    gone.resolve,
  )
  const dateMs = node.slot.clock.read()
  if (subscription.kind !== 'subscribed') return { status: 410, dateMs }
  return {
    status: 200,
    dateMs,
    body: (sink) => {
      const stop = deliveries(asked, sink, (deliver) => {
        listener.take = relayOver(world, { path, chance, recordings, deliver })
        for (const frame of early) listener.take(frame)
      })
      const fail = (): void => {
        if (path.mode === 'up') sink.fail()
      }
      const unwatch = onCrash(node, fail)
      void gone.promise.then(fail)
      return () => {
        subscription.cancel()
        unwatch()
        stop()
      }
    },
  }
}

const crashWatchers = new WeakMap<IdentityNode, Set<() => void>>()

function onCrash(node: IdentityNode, tell: () => void): () => void {
  const watchers = crashWatchers.get(node) ?? new Set()
  crashWatchers.set(node, watchers)
  watchers.add(tell)
  return () => void watchers.delete(tell)
}

/** The sockets of a process that died are closed by its machine. */
export function tellOfCrash(node: IdentityNode): void {
  for (const tell of crashWatchers.get(node) ?? []) tell()
}

/** In order, each as late as the path makes it; what a silent path holds up comes when it heals, as with TCP. */
function deliveries(
  { world, path, chance }: Asked,
  sink: Sink,
  begin: (deliver: (bytes: Buffer, isLast?: boolean) => void) => void,
): () => void {
  let isStopped = false
  let free = world.time.now()
  const arrive = (bytes: Buffer, isLast: boolean): void => {
    if (isStopped) return
    if (path.mode === 'silent') return void world.time.after(200, () => arrive(bytes, isLast))
    sink.push(bytes)
    if (isLast) sink.end()
  }
  begin((bytes, isLast = false) => {
    const at = Math.max(free, world.time.now() + chance.between(...path.delayMs))
    free = at
    world.time.after(at - world.time.now(), () => arrive(bytes, isLast))
  })
  return () => {
    isStopped = true
  }
}

export const documents = {
  metadata: {
    kind: 'metadata',
    jwksUri: `${issuer}/jwks`,
    tokenEndpoint: undefined,
    feed: {
      snapshot: `${issuer}/snapshot`,
      stream: `${issuer}/stream`,
      keys: `${issuer}/feed-keys`,
      positions: `${issuer}/positions`,
    },
  },
} as const
