import process from 'node:process'
import { setImmediate as turn } from 'node:timers/promises'
import type { Sample } from './findings.ts'

/** How long each contestant runs. */
export interface Plan {
  readonly isQuick: boolean
  readonly rounds: number
  readonly warmUpMs: number
  readonly roundMs: number
}

export const fullPlan: Plan = { isQuick: false, rounds: 11, warmUpMs: 2_000, roundMs: 500 }
/** Proves that it runs; its figures mean nothing. */
export const quickPlan: Plan = { isQuick: true, rounds: 2, warmUpMs: 5, roundMs: 5 }

/** A server's event loop, its disk and two ends of a connection take longer to find their pace. */
export function serverPlan(plan: Plan): Plan {
  return plan.isQuick ? plan : { isQuick: false, rounds: 9, warmUpMs: 6_000, roundMs: 1_000 }
}

export interface Contestant {
  readonly name: string
  /** Works for about so long. */
  readonly sample: (roundMs: number) => Promise<Sample>
}

export interface Work {
  /** Does it so many times, and throws when it was not done: what does nothing is fast. */
  readonly work: (times: number) => void | Promise<void>
  /** What a round needs and does not measure. */
  readonly begin?: () => void | Promise<void>
  readonly end?: () => void | Promise<void>
  /** A round ends early after so many. */
  readonly timesMax?: number
}

/**
 * Warms everybody up, then lets them run one after the other, round by round (A B C A B C …), so that
 * whatever the machine does besides falls on all of them.
 */
export async function interleave(
  contestants: readonly Contestant[],
  plan: Plan,
): Promise<ReadonlyMap<string, readonly Sample[]>> {
  if (contestants.length === 0) throw new TypeError('there is nobody to measure')
  for (const { sample } of contestants) {
    const readyAt = performance.now() + plan.warmUpMs
    do await sample(plan.roundMs)
    while (performance.now() < readyAt)
  }
  const samples = new Map<string, Sample[]>(contestants.map(({ name }) => [name, []]))
  if (samples.size < contestants.length) throw new TypeError('two contestants have one name')
  for (let round = 0; round < plan.rounds; round += 1) {
    for (const { name, sample } of contestants) {
      samples.get(name)?.push(await sample(plan.roundMs))
    }
  }
  return samples
}

/**
 * Does not collect garbage in between: nothing would be left of the compiled code of those who wait, and
 * who has the most contestants beside him would be the slowest (measured: a fifth of fast-jwt's speed).
 */
export function contestant(name: string, { begin, end, ...working }: Work): Contestant {
  return {
    name,
    sample: async (roundMs) => {
      await begin?.()
      const sample = await sampleOf(working, roundMs)
      await end?.()
      return sample
    },
  }
}

/** So often the event loop turns, which lets the feed in as in a service. */
const batchMs = 2

async function sampleOf(
  { work, timesMax = Infinity }: Pick<Work, 'work' | 'timesMax'>,
  roundMs: number,
): Promise<Sample> {
  let times = 0
  let batch = 1
  const cpuBefore = process.cpuUsage()
  const startedAt = performance.now()
  let elapsedMs = 0
  do {
    const batchedAt = performance.now()
    await work(batch)
    times += batch
    await turn()
    const now = performance.now()
    if (now - batchedAt < batchMs) batch *= 2
    elapsedMs = now - startedAt
  } while (elapsedMs < roundMs && times + batch <= timesMax)
  const { user, system } = process.cpuUsage(cpuBefore)
  return { wallUs: (elapsedMs * 1000) / times, cpuUs: (user + system) / times }
}
