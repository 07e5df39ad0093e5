import type { Timers } from '../timers.ts'
import { EventTooLong } from './server-sent-events.ts'

/** A body whose reader serves others too, and goes on for as long as it brings something. */
export interface PacedStream {
  /** In pieces. Throws an EventTooLong when too much has come and nothing of it was of use. */
  readonly pieces: () => AsyncGenerator<Uint8Array>
  /** It was. */
  readonly progress: () => void
}

/** Less than a millisecond of work, also when it is nothing but short lines. */
const pieceBytes = 8 * 1024
/** What a chunk costs by itself, in octets: they may be small and many. */
const chunkBytes = 256
/** Twice the longest event. */
const uselessBytesMax = 2 * 1024 * 1024

/**
 * What has arrived already is read without any turn of the event loop. Whoever sends faster than it is read would
 * hold up every request, and every timer, those that end such a stream too.
 */
export function createPacedStream(
  chunks: AsyncIterable<Uint8Array>,
  { yieldTurn }: Pick<Timers, 'yieldTurn'>,
): PacedStream {
  let uselessBytes = 0
  let turnBytes = 0

  async function* pieces(): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      turnBytes += chunkBytes
      for (let at = 0; at < chunk.length; at += pieceBytes) {
        const piece = chunk.subarray(at, at + pieceBytes)
        uselessBytes += piece.length
        if (uselessBytes > uselessBytesMax) throw new EventTooLong()
        turnBytes += piece.length
        if (turnBytes > pieceBytes) {
          await new Promise<void>(yieldTurn)
          turnBytes = 0
        }
        yield piece
      }
    }
  }

  return {
    pieces,
    progress: () => {
      uselessBytes = 0
    },
  }
}
