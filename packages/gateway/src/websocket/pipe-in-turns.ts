import type { Buffer } from 'node:buffer'
import type { Duplex } from 'node:stream'

const octetsPerTurn = 64 * 1024

/**
 * What has piled up in one connection is read up to 2 MiB at once (libuv, 32 reads): so that a hundred such ones keep
 * nobody waiting, each lets the others have their turn after a piece.
 */
export function pipeInTurns(from: Duplex, to: Duplex): void {
  let octetsRead = 0
  const goOn = (): void => {
    const isPaused = octetsRead >= octetsPerTurn
    octetsRead = 0
    // Where the other side takes no more, the pipe goes on when it does.
    if (isPaused && !to.writableNeedDrain) from.resume()
  }
  from.pipe(to)
  from.on('data', (octets: Buffer) => {
    if (octetsRead === 0) setImmediate(goOn)
    octetsRead += octets.length
    if (octetsRead >= octetsPerTurn) from.pause()
  })
}
