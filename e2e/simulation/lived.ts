import type { Plan } from './plan.ts'
import { planOf } from './plan.ts'
import { openMemories } from './registry.ts'
import { liveThrough } from './schedule.ts'
import { shrunk } from './shrinking.ts'
import { createTally } from './tally.ts'

/** Some schedules of a seed: those from the first, every so many. */
export interface Share {
  readonly seed: number
  readonly first: number
  readonly step: number
  readonly until: number
}

export interface LivedShare {
  readonly lived: number
  readonly counts: Readonly<Record<string, number>>
  readonly failure: Failure | undefined
}

export interface Failure {
  readonly schedule: number
  readonly why: string
  /** What is left of the plan when everything is left out that can be. */
  readonly plan: Plan
  readonly story: readonly string[]
}

export interface ShareOptions {
  /** Told after each schedule. Answers false when it is enough. */
  readonly goesOn?: () => boolean
  readonly shrinks: boolean
}

/** Lives through them until one is broken. */
export async function liveShare(
  { seed, first, step, until }: Share,
  { goesOn = () => true, shrinks }: ShareOptions,
): Promise<LivedShare> {
  const memories = await openMemories()
  const tally = createTally()
  // Refusals are errors, and nobody reads where each of them was made.
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  let lived = 0
  for (let schedule = first; schedule < until; schedule += step) {
    const plan = planOf(seed, schedule)
    const outcome = await liveThrough(plan, memories, tally)
    lived += 1
    if (outcome.kind === 'broken') {
      Error.stackTraceLimit = stackTraceLimit
      const least = shrinks ? await shrunk(plan, memories) : plan
      const { why = outcome.why, story } = await liveThrough(least, memories, createTally())
      const failure = { schedule, why: reasonOf(why), plan: least, story: story() }
      return { lived, counts: tally.counts(), failure }
    }
    if (!goesOn()) break
  }
  Error.stackTraceLimit = stackTraceLimit
  return { lived, counts: tally.counts(), failure: undefined }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.name === 'Broken' ? error.message : (error.stack ?? error.message)
}
