import type { Plan, PlannedEvent } from './plan.ts'
import { liveThrough } from './schedule.ts'
import type { MemoryPool } from './store-server.ts'
import { createTally } from './tally.ts'

/** How often it is tried: what is left then is short enough to be read. */
const triesMax = 400

/** The same plan without all that it does not need to be broken: halves first, and single events in the end. */
export async function shrunk(plan: Plan, memories: MemoryPool): Promise<Plan> {
  let tries = 0
  const isBroken = async (events: readonly PlannedEvent[]): Promise<boolean> => {
    tries += 1
    const { kind } = await liveThrough({ ...plan, events }, memories, createTally())
    return kind === 'broken'
  }
  let { events } = plan
  for (let size = Math.ceil(events.length / 2); size >= 1; size = size === 1 ? 0 : size >> 1) {
    for (let at = 0; at < events.length;) {
      if (tries >= triesMax) return { ...plan, events }
      const fewer = [...events.slice(0, at), ...events.slice(at + size)]
      if (await isBroken(fewer)) events = fewer
      else at += size
    }
  }
  return { ...plan, events }
}
