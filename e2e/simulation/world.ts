import type { IdentityNode } from './identity-node.ts'
import type { Chance } from './chance.ts'
import { createChance, seedOf } from './chance.ts'
import type { Site } from './node-database.ts'
import { endConnection } from './node-database.ts'
import type { HighWaterFile } from './kept-high-water.ts'
import type { SimulatedFollower } from './follower.ts'
import type { Memory, StoreServer } from './store-server.ts'
import { createStoreServer } from './store-server.ts'
import type { Tally } from './tally.ts'
import type { KnownToken, TakeBack } from './token-ledger.ts'
import type { VirtualTime } from './virtual-time.ts'
import { createVirtualTime } from './virtual-time.ts'

export const issuer = 'https://id.example'
/** Where true time begins, so that clocks show a date of our days. */
export const beginsAt = Date.UTC(2026, 5, 1, 12)

/** A clock that shows true time and what is wrong with it. */
export interface Clock {
  readonly read: () => number
  readonly stepMs: (ms: number) => void
  /** Ahead of true time by so much. */
  readonly aheadMs: () => number
  readonly set: (aheadMs: number) => void
}

export interface WorldConfig {
  readonly engine: 'sqlite' | 'postgres'
  readonly nodes: number
  readonly followers: number
  /** Whether a standby has everything that was acknowledged. */
  readonly isSynchronous: boolean
  readonly accessTokenSeconds: number
  readonly graceSeconds: number
  /** What each clock is off by at most. */
  readonly skewMs: number
  readonly lossRate: number
  /** Whether those who follow say how far they have come. */
  readonly hasReceipts: boolean
}

/** One session of somebody, as his client holds it. */
export interface HeldSession {
  readonly sessionId: string
  readonly accountId: string
  refreshToken: string
  readonly formerTokens: string[]
}

/** Everything there is, at one moment of true time. */
export interface World {
  readonly config: WorldConfig
  readonly time: VirtualTime
  readonly chance: Chance
  readonly tally: Tally
  readonly sites: Site[]
  /** Where new connections lead to; undefined while nobody answers. */
  primary: Site | undefined
  readonly nodes: NodeSlot[]
  readonly followers: SimulatedFollower[]
  readonly tokens: KnownToken[]
  readonly sessions: HeldSession[]
  readonly takeBacks: TakeBack[]
  readonly passwords: Map<string, string>
  /** The highest that a clock of the store has shown. */
  issuerHighMs: number
  /** Until then a verifier may have lost the feed without any fault of its own. */
  excusedUntil: number
  kidsMade: number
  /** What a clock is off by at most, that nobody has set. */
  skewMs: number
  readonly clockOf: () => Clock
  readonly startServer: (history: Parameters<StoreServer['historyUntil']>[0], from?: Site) => Site
  readonly tell: (what: string) => void
  readonly story: () => readonly string[]
  /** Told of what was acknowledged, so that somebody tries just beyond the bound. */
  onTakeBack: (one: TakeBack) => void
}

export interface NodeSlot {
  readonly name: string
  readonly clock: Clock
  readonly file: HighWaterFile
  /** Stands where it was cut off with the old primary. */
  site: Site | undefined
  node: IdentityNode | undefined
  /** Ends whatever runs or starts there at the moment. */
  end: (() => void) | undefined
  isWanted: boolean
  accessTokenSeconds: number
}

/** A promise that was not kept. */
export class Broken extends Error {
  override readonly name = 'Broken'
}

export function createWorld(
  config: WorldConfig,
  {
    seed,
    memories,
    tally,
  }: { readonly seed: number; readonly memories: MemoryPool; readonly tally: Tally },
): World {
  const time = createVirtualTime()
  const chance = createChance(seedOf(seed, 1))
  const story: string[] = []
  const clockOf = (): Clock => {
    let ahead = chance.between(-world.skewMs, world.skewMs)
    const rate = 1 + chance.between(-100, 100) / 1_000_000
    return {
      read: () => beginsAt + Math.floor(time.now() * rate) + ahead,
      stepMs: (ms) => void (ahead += ms),
      aheadMs: () => beginsAt + Math.floor(time.now() * rate) + ahead - (beginsAt + time.now()),
      set: (ms) => void (ahead = ms),
    }
  }
  const world: World = {
    config,
    time,
    chance,
    tally,
    sites: [],
    primary: undefined,
    nodes: [],
    followers: [],
    tokens: [],
    sessions: [],
    takeBacks: [],
    passwords: new Map(),
    issuerHighMs: 0,
    excusedUntil: 8_000,
    kidsMade: 0,
    skewMs: config.skewMs,
    clockOf,
    startServer: (place, from) => startServer(world, memories, place, from),
    tell: (what) => story.push(`${String(time.now()).padStart(8)} ms  ${what}`),
    story: () => story,
    onTakeBack: () => undefined,
  }
  return world
}

const serverClocks = new WeakMap<Site, Clock>()

function startServer(
  world: World,
  memories: MemoryPool,
  place: number,
  from: Site | undefined,
): Site {
  const { sites, config } = world
  const memory = memories.take(sites.length)
  const own = config.engine === 'sqlite' ? undefined : world.clockOf()
  const clock = (): number => {
    // A file goes by the clock of the machine that it is on.
    const shown = (own ?? world.nodes[0]?.clock)?.read() ?? beginsAt
    world.issuerHighMs = Math.max(world.issuerHighMs, shown)
    return shown
  }
  const history = from === undefined ? [] : from.server.historyUntil(place)
  const lineage = `timeline-${sites.length + 1}`
  const site: Site = {
    server: createStoreServer({ memory, lineage, clock, history }),
    state: 'serving',
    connections: new Set(),
    look: (sql) => memory.run(sql, [], 0),
    base: () => Number(memory.run('SELECT base FROM revocation_head', [], 0)[0]?.['base'] ?? 0),
    acknowledged: history.length,
  }
  sites.push(site)
  if (own !== undefined) serverClocks.set(site, own)
  return site
}

/** Of the store: the machine's own for a file. */
export function storeClock(world: World): Clock | undefined {
  const { primary } = world
  return (primary && serverClocks.get(primary)) ?? world.nodes[0]?.clock
}

export function endSite(site: Site, state: 'dead' | 'isolated'): void {
  site.state = state
  for (const connection of Array.from(site.connections)) endConnection(connection)
}

/** Databases in memory are made once in a process, and emptied for each server. */
export interface MemoryPool {
  readonly take: (index: number) => Memory
}

export function nodesUp(world: World): readonly IdentityNode[] {
  return world.nodes.map(({ node }) => node).filter((node) => node !== undefined)
}

/** Something goes wrong now, for so long: until a while later nobody may be blamed for having lost the feed. */
export function disturb(world: World, ms: number): void {
  const recoveryMs = 45_000
  world.excusedUntil = Math.max(world.excusedUntil, world.time.now() + ms + recoveryMs)
}
