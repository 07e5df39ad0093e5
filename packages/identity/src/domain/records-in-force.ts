import type { RevocationPosition, RevocationRecord } from '@portcullis/protocol/revocations'
import { encodeRecords, recordBytes, visitRecords } from '@portcullis/protocol/revocations'
import type { LogHead, RevocationLog } from './revocations.ts'
import { StoreUnavailableError } from './store-unavailable.ts'

/**
 * What is in force, as it stands on the wire. It is kept from one snapshot to the next, because a million records
 * take seconds to be read and next to nothing to be brought up to date.
 */
export interface RecordsInForce {
  /** Answers them with the head that covers them, by a durable write. */
  readonly bringUpToDate: () => Promise<CoveredRecords>
}

/** Together with the head that covers them. */
export interface CoveredRecords {
  readonly head: LogHead
  /** One behind the other. Never changed. */
  readonly pieces: readonly Buffer[]
}

interface Piece {
  readonly bytes: Buffer
  /** When the first of its records is past its life, in milliseconds since 1970. */
  readonly endsAt: number
}

const pieceRecords = 1000
/** Epochs do not begin one after the other, and connections to a server that was left behind come to an end. */
const attemptsMax = 3

export function createRecordsInForce({ inForce }: Pick<RevocationLog, 'inForce'>): RecordsInForce {
  let pieces: readonly Piece[] = []
  let position: RevocationPosition | undefined

  const readNews = async (): Promise<LogHead> => {
    for (let attempt = 1; ; attempt += 1) {
      const news: Piece[] = []
      const head = await inForce((records) => addTo(news, records), position)
      if (head !== undefined) {
        pieces = joined(pieces, news)
        position = { epoch: head.epoch, seq: head.seq }
        return head
      }
      pieces = []
      position = undefined
      if (attempt === attemptsMax)
        throw new StoreUnavailableError('the servers of the store differ')
    }
  }
  return {
    bringUpToDate: async () => {
      const head = await readNews()
      pieces = pieces.flatMap((piece) => withoutEnded(piece, head.at))
      return { head, pieces: pieces.map(({ bytes }) => bytes) }
    },
  }
}

function addTo(pieces: Piece[], records: readonly RevocationRecord[]): void {
  if (records.length === 0) return
  pieces.push({
    bytes: encodeRecords(records),
    endsAt: records.reduce((least, { until = Infinity }) => Math.min(least, until), Infinity),
  })
}

/** The last piece grows until it is as large as the others. */
function joined(before: readonly Piece[], news: readonly Piece[]): readonly Piece[] {
  const last = before.at(-1)
  const [first, ...others] = news
  if (last === undefined || first === undefined) return [...before, ...news]
  if (last.bytes.length + first.bytes.length > pieceRecords * recordBytes) {
    return [...before, ...news]
  }
  const grown = {
    bytes: Buffer.concat([last.bytes, first.bytes]),
    endsAt: Math.min(last.endsAt, first.endsAt),
  }
  return [...before.slice(0, -1), grown, ...others]
}

function withoutEnded(piece: Piece, now: number): readonly Piece[] {
  if (piece.endsAt > now) return [piece]
  const alive: Buffer[] = []
  let endsAt = Infinity
  let at = 0
  visitRecords(piece.bytes, (_kind, _fingerprint, _floor, until = Infinity) => {
    if (until > now) {
      alive.push(piece.bytes.subarray(at, at + recordBytes))
      endsAt = Math.min(endsAt, until)
    }
    at += recordBytes
  })
  return alive.length === 0 ? [] : [{ bytes: Buffer.concat(alive), endsAt }]
}
