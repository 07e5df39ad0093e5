import type { Log, Repeat } from '@portcullis/runtime'
import { takeSteadySteps } from '@portcullis/runtime'
import type { WriteSightings } from '../domain/anomalies/turns.ts'
import type { GatheredSightings } from '../domain/anomalies/gathered-sightings.ts'

const everyMs = 2000
/** One row has so many, some ten kilobytes. */
const inRowMax = 200

export interface SightingParts {
  readonly gathered: GatheredSightings
  readonly write: WriteSightings
  readonly watchedSessions: () => Promise<readonly string[]>
  readonly log: Log
  readonly repeat?: Repeat
}

/**
 * Writes down what this node has seen, until the returned function has been called, which writes the rest. What a
 * process has seen in the last seconds before it is killed is lost.
 */
export function startWritingSightings({
  gathered,
  write,
  watchedSessions,
  log,
  repeat,
}: SightingParts): () => Promise<void> {
  const writeAll = async (): Promise<object | undefined> => {
    let full = 0
    for (;;) {
      const sightings = gathered.take(inRowMax)
      if (sightings.length === 0) break
      try {
        if ((await write(sightings)) === 'full') full += sightings.length
      } catch (error) {
        gathered.giveBack(sightings)
        throw error
      }
    }
    const dropped = gathered.dropped() + full
    return dropped === 0 ? undefined : { dropped }
  }
  const stop = takeSteadySteps({
    step: async () => {
      gathered.watchSessions(await watchedSessions())
      return writeAll()
    },
    everyMs,
    trouble:
      'not all that this node has seen is looked at for anomalies: there is too much of it, or it cannot be written',
    recovery: 'all that this node sees is looked at for anomalies again',
    log,
    repeat,
  })
  return async () => {
    await stop()
    await writeAll().catch((error: unknown) => {
      log.warn({ err: error }, 'the last that this node has seen is not looked at for anomalies')
    })
  }
}
