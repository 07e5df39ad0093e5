import type { Door, DoorAnswer } from './doors.ts'
import { show } from './doors.ts'
import type { Person } from './person.ts'

export interface SteadyLoad {
  /** Stops, waits for what is under way, and answers how it went. */
  readonly stop: () => Promise<LoadResult>
}

export interface LoadResult {
  readonly requests: number
  /** Requests that were good only after a refresh: where the word of the issuer is late, that is what is promised. */
  readonly stale: number
  /** Each answer that was not 200, and each request without an answer. */
  readonly failures: readonly string[]
}

/** Knocks at the doors in turn, this many times a second, each time with the person's present token. */
export function startSteadyLoad(
  doors: readonly Door[],
  requestsPerSecond: number,
  { token, client }: Pick<Person, 'token' | 'client'>,
): SteadyLoad {
  const failures: string[] = []
  const underWay = new Set<Promise<void>>()
  const startedAt = performance.now()
  let requests = 0
  let stale = 0

  const ask = async (door: Door): Promise<DoorAnswer> => {
    const first = await show(door, await token())
    if (first.status !== 401 || !first.why.includes('stale')) return first
    stale += 1
    await client.refresh()
    return show(door, await token())
  }
  const request = async (door: Door): Promise<void> => {
    try {
      const { status, why } = await ask(door)
      if (status !== 200) failures.push(`${door.name} answered ${status} ${why}`)
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
      return { requests, stale, failures }
    },
  }
}
