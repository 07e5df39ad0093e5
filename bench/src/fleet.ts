import type { EndedSession } from './ended-session.ts'
import { accessTokenOf, endSession, sessionIdOf } from './ended-session.ts'
import type { FeedScene } from './feed-scene.ts'
import { startFeedScene } from './feed-scene.ts'
import type { FeedWay } from './follower.ts'
import type { Followers, FollowerWorker } from './followers.ts'
import { startFollowers, startFollowerWorker } from './followers.ts'
import type { Connections } from './http-load.ts'
import { connectTo, formOf } from './http-load.ts'
import type { IdentityFolder } from './identity-server.ts'
import { nowMs } from './shared-clock.ts'

/** So many services, in processes of their own. */
export interface Fleet {
  readonly followers: number
  readonly processes: number
  readonly store: 'sqlite' | 'postgres'
  /** As many again through a relay, and over NATS, who take turns with those who read at the issuer. */
  readonly isNearby?: true
  /** Nobody follows; connections take the time at which they are told. */
  readonly isBare?: true
  /** Those who poll, beside them and for the same revocations. */
  readonly pollMs?: readonly number[]
}

/** How many sessions end for each way. */
export interface Turns {
  readonly turns: number
  readonly eachTurn: number
  /** Before the first turn; before each other a single one. */
  readonly warmUp: number
}

/** The same turns for everybody. */
export interface FleetFindings {
  readonly ways: readonly WayFindings[]
  readonly polled: readonly { readonly everyMs: number; readonly rejectMs: readonly number[] }[]
  readonly introspectMs: readonly number[]
}

export interface WayFindings {
  readonly kind: FeedWay['kind']
  /** For each turn: from the request of each logout until each follower had answered 401. */
  readonly rejectMs: readonly (readonly number[])[]
  /** For each turn: until the logout was answered. */
  readonly acknowledgeMs: readonly (readonly number[])[]
  /** So many read the feed elsewhere at the end of a turn. */
  readonly straysMax: number
}

const introspections = 300

/** Undefined where npm has no PostgreSQL for this machine. */
export async function measureFleet(
  fleet: Fleet,
  counts: Turns,
): Promise<FleetFindings | undefined> {
  const { turns, eachTurn, warmUp } = counts
  const sessionsEach = warmUp + turns - 1 + turns * eachTurn
  const waysMax = fleet.isNearby === true ? 3 : 1
  const { store, isNearby = false } = fleet
  const scene = await startFeedScene({ sessions: waysMax * sessionsEach + 1, store, isNearby })
  if (scene === undefined) return undefined
  const connections = connectTo(scene.revoking, 1)
  const contestants = scene.ways.map((way): Contestant => ({
    way,
    followers: startFollowers(fleet.processes),
    ended: [],
    strays: [],
  }))
  const pollers = await startPollers(fleet, scene)
  try {
    const [spare = '', ...refreshTokens] = scene.folder.refreshTokens
    const over = { connections, pollers, next: () => refreshTokens.pop() ?? '' }
    for (let turn = 0; turn < turns; turn += 1) {
      for (const { way, followers, ended, strays } of contestants) {
        await followers.follow({ ...fleet, node: scene.followed, way })
        ended.push(await takeTurn(over, followers, { ...counts, warmUp: turn === 0 ? warmUp : 1 }))
        strays.push(await followers.leave())
      }
    }
    const token = await accessTokenOf(connections, spare)
    return {
      ways: contestants.map(findingsOf),
      polled: await polledBy(pollers),
      introspectMs: await introspect(connections, scene.folder, token),
    }
  } finally {
    connections.close()
    for (const { followers } of contestants) await followers.end()
    for (const { worker } of pollers) await worker.end()
    await scene.end()
  }
}

/** Those who read there, and what was found in each of their turns. */
interface Contestant {
  readonly way: FeedWay
  readonly followers: Followers
  readonly ended: (readonly EndedSession[])[]
  readonly strays: number[]
}

interface Poller {
  readonly everyMs: number
  readonly worker: FollowerWorker
  readonly startsMs: number[]
}

interface Ending {
  readonly connections: Connections
  readonly pollers: readonly Poller[]
  /** The refresh token of a session that has not ended. */
  readonly next: () => string
}

async function takeTurn(
  { connections, pollers, next }: Ending,
  followers: Followers,
  { warmUp, eachTurn }: Pick<Turns, 'warmUp' | 'eachTurn'>,
): Promise<readonly EndedSession[]> {
  for (let count = 0; count < warmUp; count += 1) await endSession(connections, followers, next())
  const ended: EndedSession[] = []
  while (ended.length < eachTurn) {
    const refreshToken = next()
    const sessionId = sessionIdOf(refreshToken)
    for (const { worker } of pollers) await worker.ask({ kind: 'expect', sessionId })
    const session = await endSession(connections, followers, refreshToken)
    for (const { startsMs } of pollers) startsMs.push(session.startMs)
    ended.push(session)
  }
  return ended
}

async function startPollers(
  { pollMs = [] }: Fleet,
  { followed }: FeedScene,
): Promise<readonly Poller[]> {
  const pollers = pollMs.map((everyMs) => ({
    everyMs,
    worker: startFollowerWorker(),
    startsMs: [],
  }))
  for (const { everyMs, worker } of pollers)
    await worker.ask({ kind: 'poll', everyMs, ...followed })
  return pollers
}

function polledBy(pollers: readonly Poller[]): Promise<FleetFindings['polled']> {
  return Promise.all(
    pollers.map(async ({ everyMs, worker, startsMs }) => {
      const { refusedAtMs } = await worker.ask({ kind: 'polled' })
      return { everyMs, rejectMs: refusedAtMs.map((atMs, at) => atMs - (startsMs[at] ?? NaN)) }
    }),
  )
}

function findingsOf({ way, ended: turns, strays }: Contestant): WayFindings {
  return {
    kind: way.kind,
    straysMax: Math.max(...strays),
    rejectMs: turns.map((ended) =>
      ended.flatMap(({ startMs, refusedAtMs }) => refusedAtMs.map((atMs) => atMs - startMs)),
    ),
    acknowledgeMs: turns.map((ended) =>
      ended.map(({ startMs, acknowledgedAtMs }) => acknowledgedAtMs - startMs),
    ),
  }
}

/** What a service waits that asks the issuer about each token. */
async function introspect(
  { ask }: Connections,
  { machine }: IdentityFolder,
  token: string,
): Promise<readonly number[]> {
  const credential = Buffer.from(`${machine.clientId}:${machine.clientSecret}`).toString('base64')
  const form = formOf({ token })
  const headers = { ...form.headers, authorization: `Basic ${credential}` }
  const took: number[] = []
  for (let asked = 0; asked < introspections; asked += 1) {
    const startMs = nowMs()
    const { status, members } = await ask({ path: '/introspect', body: form.body, headers })
    took.push(nowMs() - startMs)
    if (status !== 200 || members['active'] !== true) throw new Error('a good token is not active')
  }
  return took
}
