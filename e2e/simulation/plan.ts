import type { Chance } from './chance.ts'
import { createChance, seedOf } from './chance.ts'
import type { WorldConfig } from './world.ts'

/** What is to happen in a schedule. Each event has chance of its own, so that others may be left out. */
export interface PlannedEvent {
  readonly at: number
  readonly kind: 'deed' | 'trouble' | 'show' | 'forge'
  readonly what: string
  readonly seed: number
}

export interface Plan {
  readonly seed: number
  readonly config: WorldConfig
  /** Of each follower. */
  readonly maxStalenessMs: readonly number[]
  readonly events: readonly PlannedEvent[]
  readonly lastsMs: number
}

const manyDeeds: readonly (readonly [what: string, weight: number])[] = [
  ['login', 10],
  ['refresh', 14],
  ['exchange', 6],
  ['machine token', 3],
  ['logout', 6],
  ['everywhere', 3],
  ['change password', 3],
  ['block', 2],
  ['reduce roles', 3],
  ['disable client', 2],
  ['revoke token', 4],
  ['reuse', 2],
  ['everybody', 0.3],
  ['rotate keys', 1],
  ['withdraw key', 0.8],
]

const manyTroubles: readonly (readonly [what: string, weight: number])[] = [
  ['crash', 3],
  ['redeploy', 0.5],
  ['cut off', 6],
  ['slow path', 2],
  ['hostile relay', 3],
  ['late relay', 1.5],
  ['restart follower', 2],
  ['step clock', 2],
  ['step store clock', 1],
  ['fail over', 1.5],
  ['restore', 0.6],
]

/** Each schedule is about something, and much else happens beside it. */
type Theme = 'calm' | 'storm' | 'split' | 'night' | 'forgetting'

export function planOf(seed: number, schedule: number): Plan {
  const own = seedOf(seed, schedule)
  const chance = createChance(own)
  const theme = themeOf(chance)
  const engine = theme === 'split' || chance.happens(0.6) ? 'postgres' : 'sqlite'
  const isLong = theme === 'night' || theme === 'forgetting'
  const followers = isLong ? 1 : chance.between(1, 3)
  const config: WorldConfig = {
    engine,
    nodes: engine === 'sqlite' || isLong ? 1 : theme === 'split' ? 2 : chance.between(1, 3),
    followers,
    isSynchronous: theme === 'split' || chance.happens(0.5),
    accessTokenSeconds: isLong ? 600 : chance.oneOf([30, 60, 600]),
    graceSeconds: chance.oneOf([0, 2, 10]),
    skewMs: chance.oneOf([0, 500, 2_400]),
    lossRate: theme === 'calm' ? 0 : chance.oneOf([0, 0.002, 0.01]),
    hasReceipts: chance.happens(0.2),
  }
  const lastsMs = theme === 'night' ? 16_000 : isLong ? 150_000 : chance.between(15_000, 50_000)
  const events = eventsOf(chance, theme, lastsMs)
  const maxStalenessMs = Array.from(
    { length: followers },
    () => 1000 * chance.oneOf(theme === 'calm' ? [5, 30] : [3, 5, 10, 30]),
  )
  const extraMs = theme === 'night' ? 945_000 : 0
  // What was begun is over before all is mended.
  const lastMs = events.at(-1)?.at ?? 0
  return {
    seed: own,
    config,
    maxStalenessMs,
    events,
    lastsMs: Math.max(lastsMs + extraMs, lastMs),
  }
}

function themeOf(chance: Chance): Theme {
  const roll = chance.next()
  if (roll < 0.12) return 'calm'
  if (roll < 0.32) return 'split'
  // These last long, and cost three times as much as others.
  if (roll < 0.34) return 'night'
  if (roll < 0.37) return 'forgetting'
  return 'storm'
}

function eventsOf(chance: Chance, theme: Theme, lastsMs: number): readonly PlannedEvent[] {
  const events: PlannedEvent[] = []
  const add = (kind: PlannedEvent['kind'], what: string, from: number, to: number): void =>
    void events.push({ at: chance.between(from, to), kind, what, seed: chance.between(1, 2 ** 31) })
  const count = Math.round(lastsMs / 4_000)
  for (let first = 0; first < 3; first += 1) add('deed', 'login', 500, 2_500)
  for (let deed = 0; deed < count; deed += 1) add('deed', drawn(chance, manyDeeds), 2_500, lastsMs)
  for (let show = 0; show < count; show += 1) {
    add('show', 'a token', 2_000, lastsMs)
    add('show', 'a lost token', 2_000, lastsMs)
  }
  if (theme !== 'calm' && theme !== 'night') {
    const most = theme === 'storm' ? count / 2 : 3
    for (let one = 0; one < most; one += 1) {
      add('trouble', drawn(chance, manyTroubles), 3_000, lastsMs)
    }
  }
  if (theme === 'split') {
    add('trouble', 'fail over', 6_000, 12_000)
    add('trouble', 'cut off', 6_000, 16_000)
    add('trouble', 'restart follower', 8_000, 20_000)
    for (let one = 0; one < 6; one += 1) add('deed', 'exchange', 8_000, lastsMs)
    for (let one = 0; one < 3; one += 1) add('deed', 'machine token', 8_000, lastsMs)
    for (let one = 0; one < 4; one += 1) add('deed', 'short session', 8_000, 25_000)
    for (let one = 0; one < 3; one += 1) add('deed', 'logout', 12_000, lastsMs)
  }
  if (theme === 'night') {
    add('trouble', chance.happens(0.7) ? 'long loss' : 'cut off', 15_000, 16_000)
    add('deed', 'withdraw key', 16_500, 19_000)
    add('trouble', 'long night', 20_000, 20_500)
    for (let one = 0; one < 6; one += 1) add('forge', 'a token', 21_000, 925_000)
    for (let one = 0; one < 9; one += 1) add('forge', 'a token', 915_000, 950_000)
  }
  if (theme === 'forgetting') {
    add('trouble', 'shorten lives', 3_000, 5_000)
    add('deed', 'logout', 8_000, 12_000)
    add('trouble', 'restart follower', 110_000, 140_000)
    for (let one = 0; one < 8; one += 1) add('show', 'a lost token', 115_000, lastsMs)
  }
  return events.toSorted((one, other) => one.at - other.at)
}

function drawn(chance: Chance, weighted: readonly (readonly [string, number])[]): string {
  const total = weighted.reduce((sum, [, weight]) => sum + weight, 0)
  let left = chance.next() * total
  for (const [what, weight] of weighted) {
    left -= weight
    if (left < 0) return what
  }
  return weighted[0]?.[0] ?? ''
}
