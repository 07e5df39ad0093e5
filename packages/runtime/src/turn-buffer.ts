import type { DestinationStream } from 'pino'
import { symbols } from 'pino'

export interface TurnBuffer extends DestinationStream {
  /** Makes pino tell the level of each line before it writes it. */
  readonly [symbols.needsMetadataGsym]: true
  lastLevel: number
  /** Writes what is waiting. */
  readonly flush: () => void
}

/** pino's number for `error`. */
const errorLevel = 50

/**
 * Keeps lines until the event loop has done what it has at hand, because a write costs as much for one as
 * for those of all requests that are answered together. An error does not wait: nobody knows whether there
 * will be another turn.
 */
export function createTurnBuffer(write: (lines: string) => void): TurnBuffer {
  let waiting = ''
  const flush = (): void => {
    const lines = waiting
    waiting = ''
    if (lines !== '') write(lines)
  }
  return {
    [symbols.needsMetadataGsym]: true,
    lastLevel: 0,
    flush,
    write(line) {
      if (waiting === '') setImmediate(flush)
      waiting += line
      if (this.lastLevel >= errorLevel) flush()
    },
  }
}
