import type { Log, Repeat } from '@portcullis/runtime'
import type { EventBounds, EventUpkeep } from '../domain/event-streams.ts'
import { removeSteadily } from './steady-removal.ts'

const everyMs = 10_000

/** Takes away what nobody waits for, and what was waited for too long, until the returned function has been called. */
export function startEventUpkeep(
  { remove }: EventUpkeep,
  bounds: EventBounds,
  log: Log,
  repeat?: Repeat,
): () => Promise<void> {
  return removeSteadily({
    remove: async () => {
      const { isMore, dropped } = await remove(bounds)
      for (const { streamId, events } of dropped) {
        log.warn(
          { streamId, events },
          'a receiver has not taken its events in time: they are dropped',
        )
      }
      return isMore
    },
    everyMs,
    trouble: 'security events that nobody waits for cannot be removed; they take room',
    recovery: 'security events that nobody waits for are removed again',
    log,
    repeat,
  })
}
