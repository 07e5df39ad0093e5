import { promisify } from 'node:util'
import { constants, crc32, deflateRaw } from 'node:zlib'

/** Compresses pieces that stand one behind the other. From the first octet on, as often as it is called. */
export type GzipPieces = () => AsyncIterable<Buffer>

/** A third of the octets cannot be told before, so that trying harder takes longer and saves little. */
const options = {
  level: 1,
  memLevel: constants.Z_MAX_MEMLEVEL,
  chunkSize: 64 * 1024,
  // Ends at a whole octet and is not the last block, so that another piece can follow.
  finishFlush: constants.Z_SYNC_FLUSH,
}
/** RFC 1952 section 2.3: deflate, of no time and an unknown system. */
const head = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255])
/** RFC 1951 section 3.2.3: the last block, with nothing in it. */
const lastBlock = [3, 0]

const deflate = promisify(deflateRaw)

/**
 * Compresses each piece once, for as long as it lives. A document of which only the first line is new is another
 * document to its readers and costs next to nothing: those who never read to the end hold no copy of their own. One
 * member and not one for each piece, because there are readers that stop behind the first.
 */
export function createPieceGzip(): (pieces: readonly Buffer[]) => GzipPieces {
  const compressed = new WeakMap<Buffer, Promise<Buffer>>()
  const compress = (piece: Buffer): Promise<Buffer> => {
    const known = compressed.get(piece)
    if (known !== undefined) return known
    const made = deflate(piece, options)
    compressed.set(piece, made)
    made.catch(() => compressed.delete(piece))
    return made
  }
  return (pieces) => {
    // Shared by all readers: whoever is the first at a piece adds it.
    let summed = 0
    let sum = 0
    return async function* () {
      yield head
      for (const [index, piece] of pieces.entries()) {
        yield await compress(piece)
        if (summed === index) {
          sum = crc32(piece, sum)
          summed += 1
        }
      }
      yield end(
        sum,
        pieces.reduce((bytes, { length }) => bytes + length, 0),
      )
    }
  }
}

/** RFC 1952 section 2.3.1. */
function end(sum: number, bytes: number): Buffer {
  const octets = Buffer.from([...lastBlock, 0, 0, 0, 0, 0, 0, 0, 0])
  octets.writeUInt32LE(sum, 2)
  octets.writeUInt32LE(bytes % 2 ** 32, 6)
  return octets
}
