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
import type { Clock } from './clock.ts'
import { beginsAt } from './clock.ts'
import { Broken, noteFault, SimulatedTrouble } from './faults.ts'
import { audience, issuer } from './names.ts'
import type { Network } from './paths.ts'
import { documents } from './paths.ts'
import type { SimulatedResponse } from './response.ts'
import { responseOf } from './response.ts'
import type { OpenedByToken, Reported, SimulatedFollower } from './services.ts'
import type { StateDisk } from './state-disk.ts'
import { stateFileOn } from './state-disk.ts'
import type { KnownToken } from './token-ledger.ts'
import type { Path } from './ways.ts'
import { honestPath } from './ways.ts'
import type { World } from './world.ts'

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
    stop: async () => {
      const { verifier, disk: own } = life
      life.isEnding = true
      await verifier.close()
      return own.kept
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
  readonly disk: StateDisk
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
  const { world, chance, clock, maxStalenessMs, name } = beginning
  const disk = beginning.disk ?? { kept: undefined, copies: [] }
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
        time.afterwards(observe)
      }),
  }
  const settings = parseOptions({
    issuer,
    audience,
    algorithms: [algorithm],
    revocation: { maxStalenessSeconds: maxStalenessMs / 1000, stateFile: name },
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
    stateFileOf: () => stateFileOn(disk, write),
  })
  verifier.ready().catch((error: unknown) => {
    if (!(error instanceof VerifyError)) noteFault(world, error)
  })
  return {
    verifier,
    disk,
    foundPosition: disk.kept?.checkpoint,
    floorMs: () => {
      // What has come since the last look may be slower on its way, and lets the time down.
      observe()
      return seen.floorMs()
    },
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
  const left = new Set<string>()
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
      // What it was told while its own clock was wrong keeps nothing out, and vouches for nothing either.
      if (epoch !== last.epoch && last.at <= clock.read() + believedAheadMs) {
        if (left.has(epoch)) throw new Broken(`${name} came back to ${epoch}, which it had left`)
        left.add(last.epoch)
      }
      if (epoch === last.epoch && seq === last.seq && at === last.at) return
      tally.count('checkpoints applied')
      last = { epoch, seq, at }
      furthest.set(epoch, Math.max(furthest.get(epoch) ?? 0, seq))
      // What stood on its disk is no word of the issuer about the time, which is told in this life alone.
      if (health.counts.framesApplied + health.counts.snapshotsJoined === 0) return
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
  const observeSoon = (): void => world.time.afterwards(observe)
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
      noteFault(world, error)
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
function documentsOver(world: World): (issuer: string, fetch: Fetch) => IssuerDocuments {
  const { time, config } = world
  const { feed, ...rest } = documents.metadata
  const metadata = config.hasReceipts
    ? documents.metadata
    : { ...rest, feed: { ...feed, positions: undefined } }
  return (_issuer, fetch) => {
    const keySetAt = async (url: string): ReturnType<IssuerDocuments['keySet']> => {
      const controller = new AbortController()
      const cancel = time.after(documentMsMax, () =>
        controller.abort(new SimulatedTrouble('too late')),
      )
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
        noteFault(world, error)
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
