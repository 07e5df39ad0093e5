import type { Chance } from './chance.ts'
import { createChance, seedOf } from './chance.ts'
import type { Clock } from './clock.ts'
import { beginsAt } from './clock.ts'
import type { Site } from './node-database.ts'
import { endConnection } from './node-database.ts'
import type { IdentityNode, NodeSlot } from './nodes.ts'
import type { SimulatedFollower } from './services.ts'
import type { MemoryPool, StoreServer } from './store-server.ts'
import { createStoreServer } from './store-server.ts'
import type { Tally } from './tally.ts'
import type { KnownToken, TakeBack } from './token-ledger.ts'
import type { VirtualTime } from './virtual-time.ts'
import { createVirtualTime } from './virtual-time.ts'

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
  /** Accounts whose roles somebody changes, or may still be changing. */
  readonly rolesInChange: Set<string>
  /** The highest that a clock of the store has shown. */
  issuerHighMs: number
  /** Until then a verifier may have lost the feed without any fault of its own. */
  excusedUntil: number
  kidsMade: number
  /** What a clock is off by at most, that nobody has set. */
  skewMs: number
  readonly clockOf: () => Clock
  readonly startServer: (history: Parameters<StoreServer['historyUntil']>[0], from?: Site) => Site
  /** What breaks the schedule, whoever has gone on after it. */
  readonly faults: unknown[]
  readonly tell: (what: string) => void
  readonly story: () => readonly string[]
  /** Told of what was acknowledged, so that somebody tries just beyond the bound. */
  onTakeBack: (one: TakeBack) => void
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
  const story: { readonly at: number; readonly what: string }[] = []
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
    rolesInChange: new Set(),
    passwords: new Map(),
    issuerHighMs: 0,
    excusedUntil: 8_000,
    kidsMade: 0,
    faults: [],
    skewMs: config.skewMs,
    clockOf,
    startServer: (place, from) => startServer(world, memories, place, from),
    tell: (what) => story.push({ at: time.now(), what }),
    story: () => story.map(({ at, what }) => `${String(at).padStart(8)} ms  ${what}`),
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

export function nodesUp(world: World): readonly IdentityNode[] {
  return world.nodes.map(({ node }) => node).filter((node) => node !== undefined)
}

/** Something goes wrong now, for so long: until a while later nobody may be blamed for having lost the feed. */
export function disturb(world: World, ms: number): void {
  const recoveryMs = 45_000
  world.excusedUntil = Math.max(world.excusedUntil, world.time.now() + ms + recoveryMs)
}
