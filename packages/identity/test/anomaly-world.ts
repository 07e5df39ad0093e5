import { createGatheredSightings } from '../src/domain/anomalies/gathered-sightings.ts'
import type { Finding } from '../src/domain/anomalies/anomalies.ts'
import { goesOnSince } from '../src/domain/anomalies/anomalies.ts'
import type { WatchedState } from '../src/domain/anomalies/judge.ts'
import { judge, statesFor } from '../src/domain/anomalies/judge.ts'
import type { AnomalyBounds } from '../src/domain/anomalies/rules.ts'
import type { Judging } from '../src/domain/anomalies/watchers.ts'
import type { At, Clue, Looked, Recorded, Sighting } from '../src/domain/anomalies/sightings.ts'
import { anomalySettings } from '../src/settings/anomalies.ts'

/** Numbers that look random and are the same for the same seed (mulberry32). */
export interface Chance {
  /** From 0 up to 1. */
  readonly next: () => number
  readonly below: (limit: number) => number
  readonly happens: (probability: number) => boolean
}

export function createChance(seed: number): Chance {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  return {
    next,
    below: (limit) => Math.floor(next() * limit),
    happens: (probability) => next() < probability,
  }
}

export const minuteMs = 60_000
export const hourMs = 60 * minuteMs
export const dayMs = 24 * hourMs
/** A Monday, 00:00 UTC. */
export const mondayMs = Date.UTC(2026, 2, 2)

/** What happens at one moment: one node sees it, or the store says it. */
export type Happening = At<Sighting | Recorded | Looked>

/** What the rules must find. */
export interface Expected {
  readonly rule: Finding['rule']
  readonly subject: string
  readonly from: number
  readonly until: number
}

export const defaultBounds: AnomalyBounds = Object.fromEntries(
  Object.entries(anomalySettings).map(([path, setting]) => [
    path.replace('anomalies.', ''),
    setting.default,
  ]),
) as unknown as AnomalyBounds

export interface FoundAnomaly {
  readonly rule: Finding['rule']
  readonly subject: string
  readonly evidence: Finding['evidence']
  readonly firstAt: number
  lastAt: number
}

const flushMs = 10_000

function keyOf({ watcher, subject }: Pick<WatchedState, 'watcher' | 'subject'>): string {
  return `${watcher} ${subject}`
}

/**
 * Lets it all happen before the rules, by the path that a node takes: what is seen is gathered, written down, and judged
 * in turns, with what was remembered between them as JSON.
 */
export function runHappenings(
  happenings: readonly Happening[],
  judging: Judging = { bounds: defaultBounds, placeOf: () => undefined },
): readonly FoundAnomaly[] {
  let now = 0
  const gathered = createGatheredSightings(() => now)
  const states = new Map<string, string>()
  const found = new Map<string, FoundAnomaly[]>()
  const judgeTurn = (clues: readonly Clue[]): void => {
    if (clues.length === 0) return
    const known = statesFor(clues).flatMap((key) => {
      const state = states.get(keyOf(key))
      return state === undefined ? [] : [{ ...key, state: JSON.parse(state) as unknown }]
    })
    const judgement = judge(clues, known, judging)
    for (const state of judgement.states) states.set(keyOf(state), JSON.stringify(state.state))
    for (const finding of judgement.findings) {
      const key = `${finding.rule} ${finding.subject} ${finding.evidence.reason}`
      const anomalies = found.get(key) ?? []
      const last = anomalies.at(-1)
      if (last !== undefined && last.lastAt > goesOnSince(finding)) last.lastAt = finding.at
      else anomalies.push({ ...finding, lastAt: finding.at })
      found.set(key, anomalies)
    }
  }

  let others: Clue[] = []
  let flushedAt = 0
  const flush = (): void => {
    judgeTurn([...others, ...gathered.take(Infinity)])
    others = []
    flushedAt = now
  }
  for (const happening of happenings.toSorted((one, other) => one.at - other.at)) {
    now = happening.at
    if (now - flushedAt >= flushMs) flush()
    if (isSighting(happening)) gathered.notice(happening)
    else others.push(happening)
  }
  flush()
  return [...found.values()].flat()
}

const seenByNodes: readonly string[] = [
  'wrong-password',
  'signed-in',
  'session-used',
  'tokens-issued',
  'tokens-refused',
  'clock-apart',
] satisfies readonly Sighting['kind'][]

function isSighting(happening: Happening): happening is At<Sighting> {
  return seenByNodes.includes(happening.kind)
}
