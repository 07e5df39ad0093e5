import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { distributionPicture } from './distribution-picture.ts'
import type { Findings, Goal, Ratio, Row } from './findings.ts'
import { atMost, percentileOf, spreadOf } from './findings.ts'
import type { Fleet, FleetFindings, Turns, WayFindings } from './fleet.ts'
import { measureFleet } from './fleet.ts'
import { inParts, quantileRow, quantileRows } from './reject-rows.ts'
import type { Plan } from './rounds.ts'

/** How a fleet is called, how often it is asked, and what it must reach. */
interface Measured extends Fleet {
  readonly name: string
  readonly turns: Turns
  /** The 99th percentile. */
  readonly p99MsMax?: number
  readonly moonshotMs?: number
}

/** As every server is warmed up: until V8 has compiled what services run through. */
const usualTurns: Turns = { turns: 5, eachTurn: 12, warmUp: 30 }
/** Here a revocation is a thousand requests. */
const fewTurns: Turns = { turns: 4, eachTurn: 10, warmUp: 10 }

const one = { name: '1 follower', followers: 1, processes: 1, turns: usualTurns }
const hundred = {
  name: '100 followers',
  followers: 100,
  processes: 4,
  turns: usualTurns,
  p99MsMax: 50,
  moonshotMs: 15,
}
const thousand = {
  name: '1000 followers',
  followers: 1_000,
  processes: 4,
  turns: fewTurns,
  p99MsMax: 250,
}

const fleets: readonly Measured[] = [
  { ...one, store: 'sqlite', isNearby: true },
  { ...hundred, store: 'sqlite', isNearby: true, pollMs: [1_000, 10_000] },
  { ...thousand, store: 'sqlite', isNearby: true },
  {
    name: '1000 connections that only listen',
    followers: 1_000,
    processes: 4,
    turns: usualTurns,
    store: 'sqlite',
    isBare: true,
  },
  ...[one, hundred, thousand].map((size) => ({
    ...size,
    name: `${size.name}, PostgreSQL, of another node`,
    store: 'postgres' as const,
  })),
]

const quickTurns: Turns = { turns: 2, eachTurn: 1, warmUp: 1 }
const quickFleets: readonly Measured[] = [
  {
    name: '2 followers',
    followers: 2,
    processes: 2,
    turns: quickTurns,
    store: 'sqlite',
    isNearby: true,
    pollMs: [100],
  },
  {
    name: '4 connections',
    followers: 4,
    processes: 2,
    turns: quickTurns,
    store: 'sqlite',
    isBare: true,
  },
]

interface Found extends FleetFindings {
  readonly fleet: Measured
}

/** From the request that ends a session to the 401 of every service. */
export async function measure(plan: Plan): Promise<Findings> {
  const found: Found[] = []
  for (const fleet of plan.isQuick ? quickFleets : fleets) {
    const findings = await measureFleet(fleet, fleet.turns)
    if (findings !== undefined) found.push({ fleet, ...findings })
  }
  if (!plan.isQuick) draw(found)
  return {
    rows: found.flatMap(rowsOf),
    ratios: found.flatMap(ratiosOf),
    mustReach: found.flatMap((each) => [
      ...goalsOf(each, each.fleet.p99MsMax),
      ...strayGoalsOf(each),
    ]),
    moonshots: found.flatMap((each) => goalsOf(each, each.fleet.moonshotMs)),
    notes: notesOn(found),
  }
}

function rowsOf({ fleet, ways, polled, introspectMs }: Found): readonly Row[] {
  const what = fleet.isBare === true ? 'told' : '401'
  return [
    ...ways.flatMap((way) => [
      ...quantileRows(`${nameOf(fleet, way)}: ${what}`, way.rejectMs),
      quantileRow(`${nameOf(fleet, way)}: 200 of the logout`, way.acknowledgeMs, 0.5),
    ]),
    ...polled.flatMap(({ everyMs, rejectMs }) =>
      quantileRows(`polled each ${everyMs} ms`, inParts(rejectMs)),
    ),
    ...(polled.length === 0
      ? []
      : quantileRows('introspection of each request adds', inParts(introspectMs))),
  ]
}

const wayNames = {
  issuer: '',
  relay: ' through a relay',
  broker: ' over NATS',
} satisfies Record<WayFindings['kind'], string>

function nameOf({ name }: Measured, { kind }: WayFindings): string {
  return `${name}${wayNames[kind]}`
}

/** Each turn by itself, in which one came after the other. */
function ratiosOf({ fleet, ways }: Found): readonly Ratio[] {
  const [atIssuer, ...nearby] = ways
  return nearby.flatMap((way) =>
    [0.5, 0.99].map((share) => ({
      name: `${nameOf(fleet, way)} / at the issuer, p${share * 100}`,
      ...spreadOf(
        way.rejectMs.map(
          (turn, at) =>
            percentileOf(turn, share) / percentileOf(atIssuer?.rejectMs[at] ?? [], share),
        ),
      ),
    })),
  )
}

function goalsOf({ fleet, ways }: Found, limitMs: number | undefined): readonly Goal[] {
  if (limitMs === undefined) return []
  return ways.map((way) =>
    atMost(`${nameOf(fleet, way)}: p99 in ms`, percentileOf(way.rejectMs.flat(), 0.99), limitMs),
  )
}

/** With more it would be measured what they fall back on. */
const straysShareMax = 0.05

/** Who has lost his way for a moment reads at the issuer for some seconds. */
function strayGoalsOf({ fleet, ways }: Found): readonly Goal[] {
  return ways
    .filter(({ kind }) => kind !== 'issuer')
    .map((way) =>
      atMost(
        `${nameOf(fleet, way)}: share that read at the issuer, in the worst turn`,
        way.straysMax / fleet.followers,
        straysShareMax,
      ),
    )
}

function notesOn(found: readonly Found[]): readonly string[] {
  const isOver = (kind: WayFindings['kind']): boolean =>
    found.some(({ ways }) => ways.some((way) => way.kind === kind))
  return [
    'from the moment at which the logout was sent, so its commit is in it, to the moment at which the service answered 401',
    'each follower is a verifier with a connection of its own, and had answered 200 for the same token before',
    'those at the issuer, through a relay and over NATS follow one log and take turns; of a ratio both are of the same turn',
    'a connection that only listens takes the time at which the frame has come: what identity and the wire take, without the work of the followers, which share two cores here',
    'those who poll do so beside the 100 followers, for the same revocations; they need no more than to have fetched it',
    ...(isOver('broker') ? [] : ['without NATS: there is no nats-server on this machine']),
    found.some(({ fleet }) => fleet.store === 'postgres')
      ? 'with PostgreSQL the session ends at one node, and all follow another'
      : 'without PostgreSQL: npm has none for this machine',
  ]
}

function draw(found: readonly Found[]): void {
  // As many as can be told apart.
  const drawn = found.filter(
    ({ fleet }) => fleet.isBare !== true && (fleet.store === 'sqlite' || fleet.followers === 100),
  )
  const lines = drawn.flatMap(({ fleet, ways, polled }) => [
    { name: fleet.name, values: ways[0]?.rejectMs.flat() ?? [] },
    ...polled.map(({ everyMs, rejectMs }) => ({
      name: `polled each ${everyMs / 1000} s`,
      values: rejectMs,
    })),
  ])
  const path = fileURLToPath(new URL('../../docs/revoke-to-reject.svg', import.meta.url))
  writeFileSync(path, distributionPicture('From revoke to reject', 'milliseconds', lines))
}
