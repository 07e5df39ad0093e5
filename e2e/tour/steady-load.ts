import type { Door } from './doors.ts'
import { knock } from './doors.ts'

export interface SteadyLoad {
  /** Stops, waits for what is under way, and answers how it went. */
  readonly stop: () => Promise<LoadResult>
}

export interface LoadResult {
  readonly requests: number
  /** Each answer that was not 200, and each request without an answer. */
  readonly failures: readonly string[]
}

/** Knocks at the doors in turn, this many times a second, each time with the present token. */
export function startSteadyLoad(
  doors: readonly Door[],
  requestsPerSecond: number,
  token: () => Promise<string>,
): SteadyLoad {
  const failures: string[] = []
  const underWay = new Set<Promise<void>>()
  const startedAt = performance.now()
  let requests = 0

  const request = async (door: Door): Promise<void> => {
    try {
      const status = await knock(door, await token())
      if (status !== 200) failures.push(`${door.name} answered ${status}`)
    } catch (error) {
      failures.push(`${door.name}: ${String(error)}`)
    }
  }
  const timer = setInterval(() => {
    // By the clock and not by the tick, so that a late tick is made up for.
    const due = ((performance.now() - startedAt) / 1000) * requestsPerSecond
    while (requests < due) {
      const door = doors[requests % doors.length]
      requests += 1
      if (door === undefined) return
      const answered = request(door).finally(() => underWay.delete(answered))
      underWay.add(answered)
    }
  }, 5)
  return {
    stop: async () => {
      clearInterval(timer)
      await Promise.all(underWay)
      return { requests, failures }
    },
  }
}
