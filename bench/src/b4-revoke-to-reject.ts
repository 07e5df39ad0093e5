import { setTimeout as wait } from 'node:timers/promises'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { startPostgres } from '../../tools/postgres-server.ts'
import { distributionPicture } from './distribution-picture.ts'
import type { Findings, Goal, Row } from './findings.ts'
import { atMost, percentileOf, spreadOf } from './findings.ts'
import type { FollowedNode, FollowerAnswer, FollowerQuestion } from './follower-process.ts'
import type { Connections } from './http-load.ts'
import { connectTo, formOf } from './http-load.ts'
import type { IdentityFolder } from './identity-server.ts'
import { audience, makeIdentityFolder, removeFolder, startIdentityIn } from './identity-server.ts'
import type { Plan } from './rounds.ts'
import type { ServerProcess } from './server-process.ts'
import { freePort } from './server-process.ts'
import { nowMs } from './shared-clock.ts'
import type { Worker } from './worker.ts'
import { startWorker } from './worker.ts'

/** So many services, in processes of their own, and how they are to be named. */
interface Fleet {
  readonly name: string
  readonly followers: number
  readonly processes: number
  readonly store: 'sqlite' | 'postgres'
  /** The 99th percentile. */
  readonly p99MsMax?: number
  readonly moonshotMs?: number
  /** Those who poll, beside them and for the same revocations. */
  readonly pollMs?: readonly number[]
  /** Nobody follows; connections take the time at which they are told. */
  readonly isBare?: true
}

const sizes: readonly Pick<Fleet, 'followers' | 'processes' | 'p99MsMax' | 'moonshotMs'>[] = [
  { followers: 1, processes: 1 },
  { followers: 100, processes: 4, p99MsMax: 50, moonshotMs: 15 },
  { followers: 1_000, processes: 4, p99MsMax: 250 },
]

const fleets: readonly Fleet[] = [
  ...sizes.map((size) => ({
    ...size,
    name: followersOf(size.followers),
    store: 'sqlite' as const,
    pollMs: size.followers === 100 ? [1_000, 10_000] : [],
  })),
  {
    name: '1000 connections that only listen',
    followers: 1_000,
    processes: 4,
    store: 'sqlite',
    isBare: true,
  },
  ...sizes.map((size) => ({
    ...size,
    name: `${followersOf(size.followers)}, PostgreSQL, of another node`,
    store: 'postgres' as const,
  })),
]

function followersOf(count: number): string {
  return count === 1 ? '1 follower' : `${count} followers`
}

const quickFleets: readonly Fleet[] = [
  { name: '4 followers', followers: 4, processes: 2, store: 'sqlite', pollMs: [100] },
  { name: '4 connections', followers: 4, processes: 2, store: 'sqlite', isBare: true },
]

const revocationsEach = 60
const quickRevocations = 3
/** As every server is warmed up: until V8 has compiled what services run through. */
const warmUpRevocations = 30
/** The figures of a row are those of each part by itself. */
const parts = 5
/** At any moment of a beat, and of a poll. */
const pauseMsMax = 400
const introspections = 300

/** From the request that ends a session to the 401 of every service. */
export async function measure(plan: Plan): Promise<Findings> {
  const counts = plan.isQuick
    ? { warmUp: 1, measured: quickRevocations }
    : { warmUp: warmUpRevocations, measured: revocationsEach }
  const found: FleetFindings[] = []
  for (const fleet of plan.isQuick ? quickFleets : fleets) {
    const one = await measureFleet(fleet, counts)
    if (one !== undefined) found.push(one)
  }
  if (!plan.isQuick) draw(found)
  return findingsOf(found)
}

interface FleetFindings {
  readonly fleet: Fleet
  /** For each revocation: from its request until each follower had answered 401. */
  readonly rejectMs: readonly (readonly number[])[]
  readonly acknowledgeMs: readonly number[]
  readonly polled: readonly { readonly everyMs: number; readonly rejectMs: readonly number[] }[]
  readonly introspectMs: readonly number[]
}

/** Of revocations. */
interface Counts {
  readonly warmUp: number
  readonly measured: number
}

type FollowerWorker = Worker<FollowerQuestion, FollowerAnswer>

/** Undefined where npm has no PostgreSQL for this machine. */
async function measureFleet(fleet: Fleet, counts: Counts): Promise<FleetFindings | undefined> {
  const postgres = fleet.store === 'postgres' ? await startPostgres({ isDurable: true }) : undefined
  if (fleet.store === 'postgres' && postgres === undefined) return undefined
  const folder = await makeIdentityFolder(counts.warmUp + counts.measured + 1, postgres?.url)
  const servers = [await startIdentityIn(folder, 'RS256')]
  if (fleet.store === 'postgres') servers.push(await startSecondNode(folder))
  const workers: FollowerWorker[] = []
  try {
    const [revoking] = servers
    const followed = servers.at(-1)
    if (revoking === undefined || followed === undefined) throw new TypeError('nobody is there')
    const node = { issuer: folder.issuer, origin: followed.origin }
    workers.push(...(await startFollowers(fleet, node)))
    const pollers = (fleet.pollMs ?? []).map((everyMs) => ({ everyMs, worker: startOne() }))
    workers.push(...pollers.map(({ worker }) => worker))
    for (const { everyMs, worker } of pollers) await worker.ask({ kind: 'poll', everyMs, ...node })
    return await measureRunning(fleet, { folder, revoking, workers, pollers }, counts)
  } finally {
    for (const worker of workers) await worker.end()
    for (const server of servers) await server.stop()
    removeFolder(folder)
    await postgres?.remove()
  }
}

interface RunningFleet {
  readonly folder: IdentityFolder
  readonly revoking: ServerProcess
  readonly workers: readonly FollowerWorker[]
  readonly pollers: readonly { readonly everyMs: number; readonly worker: FollowerWorker }[]
}

async function measureRunning(
  fleet: Fleet,
  { folder, revoking, workers, pollers }: RunningFleet,
  counts: Counts,
): Promise<FleetFindings> {
  const connections = connectTo(revoking, 1)
  const following = workers.slice(0, fleet.processes)
  const [spare = '', ...refreshTokens] = folder.refreshTokens
  const warmUps = refreshTokens.splice(0, counts.warmUp)
  for (const refreshToken of warmUps) await revoke(connections, following, refreshToken)
  const revocations: Revocation[] = []
  for (const refreshToken of refreshTokens) {
    const sessionId = refreshToken.split('.')[1] ?? ''
    for (const { worker } of pollers) await worker.ask({ kind: 'expect', sessionId })
    const revocation = await revoke(connections, following, refreshToken)
    const { length } = revocation.refusedAtMs
    if (length !== fleet.followers) throw new Error(`${length} followers have answered`)
    revocations.push(revocation)
  }
  const polled = await Promise.all(
    pollers.map(async ({ everyMs, worker }) => {
      const { refusedAtMs } = await worker.ask({ kind: 'polled' })
      const rejectMs = refusedAtMs.map((atMs, at) => atMs - (revocations[at]?.startMs ?? NaN))
      return { everyMs, rejectMs }
    }),
  )
  const token = await accessTokenOf(connections, spare)
  const introspectMs = await introspect(connections, folder, token)
  connections.close()
  return {
    fleet,
    rejectMs: revocations.map(({ startMs, refusedAtMs }) => refusedAtMs.map((at) => at - startMs)),
    acknowledgeMs: revocations.map(({ startMs, acknowledgedAtMs }) => acknowledgedAtMs - startMs),
    polled,
    introspectMs,
  }
}

interface Revocation {
  readonly startMs: number
  readonly acknowledgedAtMs: number
  /** Of each follower. */
  readonly refusedAtMs: readonly number[]
}

/** A session that every follower lets in ends; settles when none does any more. */
async function revoke(
  connections: Connections,
  following: readonly FollowerWorker[],
  refreshToken: string,
): Promise<Revocation> {
  const token = await accessTokenOf(connections, refreshToken)
  await Promise.all(following.map((worker) => worker.ask({ kind: 'accept', token })))
  await wait(Math.random() * pauseMsMax)
  const startMs = nowMs()
  await logOut(connections, token)
  const acknowledgedAtMs = nowMs()
  const answers = await Promise.all(following.map((worker) => worker.ask({ kind: 'refused' })))
  const refusedAtMs = answers.flatMap((answer) => answer.refusedAtMs)
  return { startMs, acknowledgedAtMs, refusedAtMs }
}

async function startFollowers(fleet: Fleet, node: FollowedNode): Promise<FollowerWorker[]> {
  const workers = Array.from({ length: fleet.processes }, startOne)
  const followers = fleet.followers / fleet.processes
  const question = { kind: 'follow', followers, isBare: fleet.isBare === true, ...node } as const
  await Promise.all(workers.map((worker) => worker.ask(question)))
  return workers
}

function startOne(): FollowerWorker {
  return startWorker({ file: './follower-process.ts', parameters: [] })
}

/** Over the same database, under the same name. */
async function startSecondNode(folder: IdentityFolder): Promise<ServerProcess> {
  const ports = { identity: await freePort(), operations: await freePort() }
  return startIdentityIn({ ...folder, ports }, 'RS256')
}

async function accessTokenOf({ ask }: Connections, refreshToken: string): Promise<string> {
  const members = { grant_type: 'refresh_token', refresh_token: refreshToken, client_id: 'web' }
  const answered = await ask({
    path: '/token',
    ...formOf({ ...members, audience }),
  })
  const { access_token: token, error } = answered.members
  if (answered.status !== 200) throw new Error(`a refresh was refused: ${String(error)}`)
  return String(token)
}

async function logOut({ ask }: Connections, token: string): Promise<void> {
  const headers = { authorization: `Bearer ${token}` }
  const { status } = await ask({ path: '/logout', body: '', headers })
  if (status !== 200) throw new Error(`a logout answered ${status}`)
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

function findingsOf(found: readonly FleetFindings[]): Findings {
  const rows = found.flatMap(({ fleet, rejectMs, acknowledgeMs, polled, introspectMs }) => [
    ...rowsOf(`${fleet.name}: ${fleet.isBare ? 'told' : '401'}`, rejectMs),
    quantileRow(`${fleet.name}: 200 of the logout`, eachAlone(acknowledgeMs), 0.5),
    ...polled.flatMap((one) => rowsOf(`polled each ${one.everyMs} ms`, eachAlone(one.rejectMs))),
    ...(polled.length === 0
      ? []
      : rowsOf('introspection of each request adds', eachAlone(introspectMs))),
  ])
  const goalsOf = (limitOf: (fleet: Fleet) => number | undefined): readonly Goal[] =>
    found.flatMap(({ fleet, rejectMs }) => {
      const limit = limitOf(fleet)
      const p99 = percentileOf(rejectMs.flat(), 0.99)
      return limit === undefined ? [] : [atMost(`${fleet.name}: p99 in ms`, p99, limit)]
    })
  return {
    rows,
    ratios: [],
    mustReach: goalsOf(({ p99MsMax }) => p99MsMax),
    moonshots: goalsOf(({ moonshotMs }) => moonshotMs),
    notes: [
      'from the moment at which the logout was sent, so its commit is in it, to the moment at which the service answered 401',
      'each follower is a verifier with a connection of its own, and had answered 200 for the same token before',
      'a connection that only listens takes the time at which the frame has come: what identity and the wire take, without the work of the followers, which share two cores here',
      'those who poll do so beside the 100 followers, for the same revocations; they need no more than to have fetched it',
      ...(found.some(({ fleet }) => fleet.store === 'postgres')
        ? ['with PostgreSQL the session ends at one node, and all follow another']
        : ['without PostgreSQL: npm has none for this machine']),
    ],
  }
}

function eachAlone(values: readonly number[]): readonly (readonly number[])[] {
  return values.map((value) => [value])
}

function rowsOf(name: string, groups: readonly (readonly number[])[]): readonly Row[] {
  return [0.5, 0.99, 1].map((share) => quantileRow(name, groups, share))
}

/** The figure of all, between the least and the greatest of its parts. */
function quantileRow(name: string, groups: readonly (readonly number[])[], share: number): Row {
  const each = inParts(groups).map((part) => percentileOf(part.flat(), share))
  const label = share === 1 ? 'the last' : `p${share * 100}`
  const { min, max } = spreadOf(each)
  const median = Number(percentileOf(groups.flat(), share).toPrecision(4))
  return { name: `${name}, ${label}`, unit: 'ms', median, min, max }
}

function inParts<Item>(items: readonly Item[]): readonly (readonly Item[])[] {
  const size = Math.max(1, Math.ceil(items.length / parts))
  return Array.from({ length: Math.ceil(items.length / size) }, (_, at) =>
    items.slice(at * size, (at + 1) * size),
  )
}

function draw(found: readonly FleetFindings[]): void {
  // As many as can be told apart.
  const drawn = found.filter(
    ({ fleet }) => fleet.isBare !== true && (fleet.store === 'sqlite' || fleet.followers === 100),
  )
  const lines = drawn.flatMap(({ fleet, rejectMs, polled }) => [
    { name: fleet.name, values: rejectMs.flat() },
    ...polled.map((one) => ({ name: `polled each ${one.everyMs / 1000} s`, values: one.rejectMs })),
  ])
  const path = fileURLToPath(new URL('../../docs/revoke-to-reject.svg', import.meta.url))
  writeFileSync(path, distributionPicture('From revoke to reject', 'milliseconds', lines))
}
