import type { RevocationPosition } from '@portcullis/protocol/revocations'
import type { RevocationHealth, Verifier } from '@portcullis/verify'
import { VerifyError } from '@portcullis/verify'
import { wireVerifier } from '../../packages/verify/src/issuer-verifier.ts'
import type { FetchedKeySet, IssuerDocuments } from '../../packages/verify/src/issuer/documents.ts'
import type { Fetch } from '../../packages/verify/src/issuer/http-json.ts'
import { dateOf } from '../../packages/verify/src/issuer/answer-age.ts'
import { parseOptions } from '../../packages/verify/src/options.ts'
import type { Timers } from '../../packages/verify/src/timers.ts'
import type { Chance } from './chance.ts'
import { createChance } from './chance.ts'
import { algorithm, cheapVerificationKey } from './cheap-keys.ts'
import type { Network } from './paths.ts'
import { documents } from './paths.ts'
import type { SimulatedResponse } from './response.ts'
import { responseOf } from './response.ts'
import type { Path } from './ways.ts'
import { honestPath } from './ways.ts'
import { audience } from './registry.ts'
import type { StateDisk } from './state-disk.ts'
import { stateFileOn } from './state-disk.ts'
import type { KnownToken } from './token-ledger.ts'
import type { Clock, World } from './world.ts'
import { beginsAt, Broken, issuer } from './world.ts'

/** A service with the production verifier, in the time and on the network of this world. */
export interface SimulatedFollower {
  readonly name: string
  readonly clock: Clock
  readonly path: Path
  readonly maxStalenessMs: number
  /** Undefined for a service that keeps nothing from one life to the next. */
  readonly disk: StateDisk | undefined
  /** Each life forgets what the one before knew, but for what is on its disk. */
  readonly restart: () => void
  /** Says that it ends, and takes its time for it. */
  readonly stop: () => void
  /** From then on it accepts nothing. */
  readonly isEnding: () => boolean
  /** What this life has found on its disk. */
  readonly foundPosition: () => RevocationPosition | undefined
  /** Whether this life was seen there, or behind it. */
  readonly hasBeenAt: (position: RevocationPosition) => boolean
  /** How the issuer knows this life; undefined before it does, and when it has begun to end. */
  readonly reported: () => Reported | undefined
  readonly verifier: () => Verifier
  /** What it must think the time is at the least, by what it was shown. */
  readonly nowMs: () => number
  /**
   * What it takes for the time, ahead of true time, whatever it is shown from now on: by a clock of its own that was
   * ahead it has believed one of the store that was further ahead than clocks may be. Mostly less than nothing.
   */
  readonly aheadForGoodMs: () => number
  /** Clocks that were set back, all together. */
  readonly setBackMs: () => number
  readonly stepMs: (ms: number) => void
  /** What this life has once refused as revoked. */
  readonly refused: () => Set<KnownToken>
  /** What lives on a token that was let in once. */
  readonly connections: () => OpenedByToken[]
}

export interface OpenedByToken {
  readonly token: KnownToken
  /** Aborts when it has to end. */
  readonly signal: AbortSignal
  /** Since when it should have ended. */
  lateSince: number | undefined
}

export interface Reported {
  readonly follower: string
  readonly firstAt: number
  lastAt: number
}

/** Further ahead of its wall clock it believes no checkpoint; at the very edge nobody outside can tell. */
const believedAheadMs = 4_950
const clocksApartMs = 5_000

export function createFollower(
  world: World,
  network: Network,
  {
    name,
    maxStalenessMs,
    seed,
  }: { readonly name: string; readonly maxStalenessMs: number; readonly seed: number },
): SimulatedFollower {
  const { time } = world
  const clock = world.clockOf()
  const path = honestPath()
  const chance = createChance(seed)
  const disk = chance.happens(0.5) ? { kept: undefined, copies: [] } : undefined
  let setBackMs = 0
  let life = begin()

  function begin(): Life {
    return beginLife({ world, network, chance, clock, path, disk, maxStalenessMs, name })
  }

  return {
    name,
    clock,
    path,
    maxStalenessMs,
    disk,
    restart: () => {
      life.end()
      life = begin()
    },
    stop: () => {
      life.isEnding = true
      void life.verifier.close()
    },
    isEnding: () => life.isEnding,
    foundPosition: () => life.foundPosition,
    hasBeenAt: ({ epoch, seq }) => (life.furthest.get(epoch) ?? -1) >= seq,
    reported: () => (life.isEnding ? undefined : life.reports.of),
    verifier: () => life.verifier,
    nowMs: () => Math.max(clock.read(), life.floorMs() + time.now()),
    aheadForGoodMs: () => life.leastFloorMs() - beginsAt,
    setBackMs: () => setBackMs,
    stepMs: (ms) => {
      if (ms < 0) setBackMs -= ms
      clock.stepMs(ms)
    },
    refused: () => life.refused,
    connections: () => life.connections,
  }
}

interface Life {
  readonly verifier: Verifier
  readonly foundPosition: RevocationPosition | undefined
  /** In each epoch. */
  readonly furthest: ReadonlyMap<string, number>
  readonly reports: Reports
  isEnding: boolean
  readonly floorMs: () => number
  /** Under which the other never is. */
  readonly leastFloorMs: () => number
  readonly refused: Set<KnownToken>
  readonly connections: OpenedByToken[]
  readonly end: () => void
}

interface Reports {
  of: Reported | undefined
}

interface Beginning {
  readonly world: World
  readonly network: Network
  readonly chance: Chance
  readonly clock: Clock
  readonly path: Path
  readonly disk: StateDisk | undefined
  readonly maxStalenessMs: number
  readonly name: string
}

function beginLife(beginning: Beginning): Life {
  const { world, chance, clock, disk, maxStalenessMs, name } = beginning
  const { time } = world
  let isOver = false
  const reports: Reports = { of: undefined }
  const seen = createSeen(beginning)
  const observe = (): void => {
    if (!isOver) seen.look(verifier.revocation())
  }

  const timers: Timers = {
    monotonic: () => time.now(),
    random: chance.next,
    schedule: (callback, ms) =>
      time.after(ms, () => {
        if (!isOver) callback()
      }),
    // The last turn of a snapshot applies it.
    yieldTurn: (callback) =>
      time.after(0, () => {
        callback()
        time.after(0, observe)
      }),
  }
  const settings = parseOptions({
    issuer,
    audience,
    algorithms: [algorithm],
    revocation: {
      maxStalenessSeconds: maxStalenessMs / 1000,
      ...(disk === undefined ? {} : { stateFile: name }),
    },
    now: clock.read,
    tokenCacheBytesMax: 2 ** 16,
    fetch: fetchOver(beginning, { isOver: () => isOver, observe, reports }),
    // Forgeries are what this world is for.
    onWarning: () => undefined,
  })
  const write = (): Promise<void> =>
    new Promise((resolve) => void timers.schedule(resolve, writeMs(chance)))
  const verifier = wireVerifier(settings, {
    timers,
    documentsOf: documentsOver(world),
    stateFileOf: () => stateFileOn(disk ?? { kept: undefined, copies: [] }, write),
  })
  verifier.ready().catch(() => undefined)
  return {
    verifier,
    foundPosition: disk?.kept?.checkpoint,
    floorMs: seen.floorMs,
    leastFloorMs: seen.leastFloorMs,
    furthest: seen.furthest,
    reports,
    isEnding: false,
    refused: new Set(),
    connections: [],
    end: () => {
      isOver = true
    },
  }
}

type Seen = Pick<Life, 'furthest' | 'floorMs' | 'leastFloorMs'> & {
  readonly look: (health: RevocationHealth) => void
}

/** What a service shows must only go on; and what it was shown is what its time goes by. */
function createSeen({ world, clock, name }: Beginning): Seen {
  const { time, tally } = world
  let lastFloorMs = -Infinity
  let highestFloorMs = -Infinity
  let lastAt = -Infinity
  let last = { epoch: '', seq: 0, at: 0 }
  const furthest = new Map<string, number>()
  const leastFloorMs = (): number => highestFloorMs - clocksApartMs
  return {
    furthest,
    // A clock of the issuer that was ahead and was believed may be right again.
    floorMs: () => Math.max(lastFloorMs, leastFloorMs()),
    leastFloorMs,
    look: (health) => {
      if (!health.followed || health.checkpointAt === undefined) return
      const { epoch = '', seq = 0, checkpointAt: at } = health
      if (epoch === last.epoch && (seq < last.seq || at < last.at)) {
        throw new Broken(`${name} went back from ${last.seq} at ${last.at} to ${seq} at ${at}`)
      }
      if (epoch === last.epoch && seq === last.seq && at === last.at) return
      tally.count('checkpoints applied')
      last = { epoch, seq, at }
      furthest.set(epoch, Math.max(furthest.get(epoch) ?? 0, seq))
      if (at > clock.read() + believedAheadMs) return
      if (at > lastAt) lastFloorMs = at - time.now()
      lastAt = Math.max(at, lastAt)
      highestFloorMs = Math.max(highestFloorMs, lastFloorMs)
    },
  }
}

/** Disks are quick, but for those that are not. */
function writeMs(chance: Chance): number {
  return chance.happens(0.1) ? chance.between(100, 2_000) : chance.between(0, 20)
}

/** Whoever looks at what comes over the network. */
interface Watching {
  readonly isOver: () => boolean
  readonly observe: () => void
  readonly reports: Reports
}

function fetchOver(
  { world, network, chance, path }: Beginning,
  { isOver, observe, reports }: Watching,
): Fetch {
  const observeSoon = (): void => void world.time.after(0, observe)
  return async (url, init) => {
    const signal = init.signal ?? undefined
    if (signal?.aborted === true) throw signal.reason
    const { promise, resolve, reject } = Promise.withResolvers<Response>()
    signal?.addEventListener('abort', () => reject(signal.reason as Error))
    const ask = async (): Promise<void> => {
      const body = typeof init.body === 'string' ? init.body : undefined
      const answer = await network.request(path, chance, { url, body })
      if (isOver() || signal?.aborted === true) return
      if (body !== undefined && answer.status === 200) noteReport(reports, body, world.time.now())
      resolve(responseOf(answer, observeSoon))
      observeSoon()
    }
    ask().catch((error: unknown) => {
      if (!isOver()) reject(error)
    })
    return promise
  }
}

function noteReport(reports: Reports, body: string, now: number): void {
  const { follower } = JSON.parse(body) as Pick<Reported, 'follower'>
  reports.of ??= { follower, firstAt: now, lastAt: now }
  reports.of.lastAt = now
}

const documentMsMax = 5_000

/** The issuer's documents come over the same network, without the cost of real keys in them. */
function documentsOver({ time, config }: World): (issuer: string, fetch: Fetch) => IssuerDocuments {
  const { feed, ...rest } = documents.metadata
  const metadata = config.hasReceipts
    ? documents.metadata
    : { ...rest, feed: { ...feed, positions: undefined } }
  return (_issuer, fetch) => {
    const keySetAt = async (url: string): ReturnType<IssuerDocuments['keySet']> => {
      const controller = new AbortController()
      const cancel = time.after(documentMsMax, () => controller.abort(new Error('too late')))
      try {
        const response = await fetch(url, { signal: controller.signal })
        const { status, headers, kids = [] } = response as unknown as SimulatedResponse
        if (status !== 200) return { kind: 'failed', why: `it answered ${status}` }
        const keys: FetchedKeySet['keys'] = new Map(
          kids.map((kid) => [kid, cheapVerificationKey(kid)]),
        )
        return keys.size === 0
          ? { kind: 'failed', why: 'no usable key set' }
          : { kind: 'key-set', keys, maxAgeSeconds: 5, madeAtMs: dateOf(headers) }
      } catch (error) {
        return { kind: 'failed', why: String(error) }
      } finally {
        cancel()
      }
    }
    return {
      metadata: async () => metadata,
      forgetMetadata: () => undefined,
      keySet: () => keySetAt(documents.metadata.jwksUri),
      feedKeySet: () => keySetAt(documents.metadata.feed.keys),
    }
  }
}

/** Why a service says no; undefined when it lets the token in. Some of those stay, as a connection does. */
export async function refusalAt(
  follower: SimulatedFollower,
  token: KnownToken,
  stays: boolean,
): Promise<string | undefined> {
  const verifier = follower.verifier()
  const connections = follower.connections()
  try {
    const auth = await verifier.verify(token.text)
    if (stays && connections.length < connectionsMax) {
      connections.push({ token, signal: verifier.watch(auth).signal, lateSince: undefined })
    }
    return undefined
  } catch (error) {
    if (error instanceof VerifyError) return error.reason ?? error.code
    throw error
  }
}

const connectionsMax = 6
