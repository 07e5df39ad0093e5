import { Buffer } from 'node:buffer'

/** PIPE_BUF of Linux: a pipe takes no more than this as one piece, whoever else writes to it (POSIX `write`). */
const pieceBytesMax = 4096
const lineFeed = 0x0a

/** Whole lines, in pieces that a pipe takes as one. A line that is longer is a piece by itself. */
export function* wholePieces(lines: string): Generator<Buffer> {
  const octets = Buffer.from(lines)
  let from = 0
  while (from < octets.length) {
    const to = endOfPiece(octets, from)
    yield octets.subarray(from, to)
    from = to
  }
}

function endOfPiece(octets: Buffer, from: number): number {
  if (octets.length - from <= pieceBytesMax) return octets.length
  const last = octets.lastIndexOf(lineFeed, from + pieceBytesMax - 1)
  const end = last < from ? octets.indexOf(lineFeed, from + pieceBytesMax) : last
  return end === -1 ? octets.length : end + 1
}
