import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { FeedSnapshot } from '../domain/feed-snapshots.ts'
import type { GzipPieces } from './gzip-pieces.ts'
import { createPieceGzip } from './gzip-pieces.ts'
import { takesGzip } from './content-codings.ts'

/** Smaller ones fit into a packet or two as they are. */
const compressedBytesMin = 4096

/** Sends a snapshot piece by piece, compressed where the reader takes that. All its readers share the pieces. */
export function createSnapshotSender(): (
  request: FastifyRequest,
  reply: FastifyReply,
  snapshot: FeedSnapshot,
) => FastifyReply {
  const gzip = createPieceGzip()
  const compressed = new WeakMap<FeedSnapshot, GzipPieces>()
  const compressOnce = (snapshot: FeedSnapshot): GzipPieces => {
    const known = compressed.get(snapshot)
    if (known !== undefined) return known
    const pieces = gzip(piecesOf(snapshot))
    compressed.set(snapshot, pieces)
    return pieces
  }
  return (request, reply, snapshot) => {
    reply.type('application/octet-stream').header('vary', 'accept-encoding')
    const bytes = lengthOf(snapshot)
    if (bytes >= compressedBytesMin && takesGzip(request.headers['accept-encoding'])) {
      reply.header('content-encoding', 'gzip')
      return reply.send(Readable.from(compressOnce(snapshot)(), { objectMode: false }))
    }
    reply.header('content-length', bytes)
    return reply.send(Readable.from(piecesOf(snapshot), { objectMode: false }))
  }
}

function lengthOf({ manifest, records }: FeedSnapshot): number {
  return records.reduce((sum, { length }) => sum + length, manifest.length + 1)
}

function piecesOf({ manifest, records }: FeedSnapshot): readonly Buffer[] {
  return [Buffer.from(`${manifest}\n`), ...records.filter(({ length }) => length > 0)]
}
