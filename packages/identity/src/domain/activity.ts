import type { EventKind } from './audit-vocabulary.ts'
import type { Notice } from './anomalies/sightings.ts'

/*
 * What an overview draws: how often things happened, in buckets of some seconds, of the last hour and of every node.
 * What is counted is a closed list, and refusals have reasons of a closed list too: nobody can make it grow.
 */

export const activitySeries = [
  'sign_ins',
  'sign_ins_refused',
  'refreshes',
  'refreshes_refused',
  'tokens_issued',
  'accounts_created',
  'accounts_blocked',
  'sessions_ended',
  'revocations',
  'anomalies',
  'requests',
  'requests_failed',
  'refused_by_services',
] as const
export type ActivitySeries = (typeof activitySeries)[number]

/** What is counted: a series, or `refused:` and why. */
export type Counted = ActivitySeries | `refused:${string}`

export type Counts = Readonly<Record<string, number>>

export const bucketMs = 10_000
export const activityKeptMs = 3_600_000

/** When a bucket begins. */
export type CountedBucket = { readonly at: number; readonly counts: Counts }

/** What this process has counted. */
export interface Activity {
  readonly count: (what: Counted, times?: number) => void
  /** Counts a refusal and its reason, which is a code of ours. */
  readonly countRefusal: (reason: string, times?: number) => void
  /** Of the last hour, the present bucket too. */
  readonly buckets: () => readonly CountedBucket[]
  /** Those that have changed since they were written; without the present one unless it is the last time. */
  readonly unwritten: (isLast: boolean) => readonly CountedBucket[]
  readonly written: (buckets: readonly CountedBucket[]) => void
}

export function createActivity(now: () => number): Activity {
  const held = new Map<number, Map<string, number>>()
  const changed = new Set<number>()
  const presentAt = (): number => bucketAt(now())

  const bucketOf = (at: number): Map<string, number> => {
    let counts = held.get(at)
    if (counts !== undefined) return counts
    held.set(at, (counts = new Map()))
    for (const old of held.keys()) {
      if (Math.abs(at - old) < activityKeptMs) continue
      held.delete(old)
      changed.delete(old)
    }
    return counts
  }
  const count: Activity['count'] = (what, times = 1) => {
    if (times <= 0) return
    const at = presentAt()
    const counts = bucketOf(at)
    counts.set(what, (counts.get(what) ?? 0) + times)
    changed.add(at)
  }
  return {
    count,
    countRefusal: (reason, times) => count(`refused:${reason}`, times),
    buckets: () => [...held].map(toldOf),
    unwritten: (isLast) =>
      [...held].filter(([at]) => changed.has(at) && (isLast || at !== presentAt())).map(toldOf),
    written: (buckets) => {
      for (const { at } of buckets) changed.delete(at)
    },
  }
}

function toldOf([at, counts]: readonly [number, ReadonlyMap<string, number>]): CountedBucket {
  return { at, counts: Object.fromEntries(counts) }
}

export function bucketAt(ms: number): number {
  return Math.floor(ms / bucketMs) * bucketMs
}

/** What the audit record says, in terms of the overview. An end of several sessions at once is one. */
const seriesOfEvents: Readonly<Partial<Record<EventKind, ActivitySeries>>> = {
  'session-ended': 'sessions_ended',
  'session-limit': 'sessions_ended',
  'refresh-reuse': 'sessions_ended',
  'other-sessions-ended': 'sessions_ended',
  'all-sessions-ended': 'sessions_ended',
  'account-created': 'accounts_created',
  'account-blocked': 'accounts_blocked',
}

/** Counts what has become durable in the audit record. */
export function countEvents({ count }: Activity, kinds: ReadonlyMap<string, number>): void {
  for (const [kind, times] of kinds) {
    const series = Object.hasOwn(seriesOfEvents, kind)
      ? seriesOfEvents[kind as EventKind]
      : undefined
    if (series !== undefined) count(series, times)
  }
}

/** The same ear, which counts what it hears. */
export function countSightings({ count, countRefusal }: Activity, notice: Notice): Notice {
  return (sighting) => {
    if (sighting.kind === 'signed-in') count('sign_ins')
    if (sighting.kind === 'tokens-refused') {
      count('refused_by_services', sighting.times)
      countRefusal(sighting.reason, sighting.times)
    }
    notice(sighting)
  }
}
