import type { Fingerprint, RevocationRecord } from '@portcullis/protocol/revocations'
import { isRevocationKind } from '@portcullis/protocol/revocations'
import type { LogHead } from '../domain/revocations.ts'
import { integer, list, text } from './columns.ts'
import type { Query, Row } from './database.ts'

/** The head as it is stored, with what only the store needs of it. */
export interface StoredHead extends LogHead {
  readonly base: number
  readonly accessTokenSecondsMax: number
  /** Whether anybody wants to be told by the Shared Signals Framework. */
  readonly hasStreams: boolean
}

export async function readHead(query: Query): Promise<StoredHead> {
  const [row] = await query('SELECT * FROM revocation_head')
  return headOf(row)
}

export function headOf(row: Row | undefined): StoredHead {
  if (row === undefined) throw new TypeError('no epoch was opened in this store')
  return {
    epoch: text(row, 'epoch'),
    base: integer(row, 'base'),
    accessTokenSecondsMax: integer(row, 'access_token_seconds_max'),
    hasStreams: integer(row, 'has_streams') === 1,
    seq: integer(row, 'seq'),
    chain: text(row, 'chain'),
    at: integer(row, 'at'),
    kids: list(row, 'kids'),
  }
}

/** What of a row goes into the feed. */
export const packedColumns = 'seq, kind, fingerprint, floor, until'

/**
 * All rows of a selection of `revocations` as one, each of its columns as one text: a million rows by themselves take
 * three times as long. Read with `recordsOf`.
 */
export const packedRecords = `
  string_agg(CAST(seq AS text), ',') AS seqs,
  string_agg(kind, ',') AS kinds,
  string_agg(fingerprint, '') AS fingerprints,
  string_agg(CAST(floor AS text), ',') AS floors,
  string_agg(coalesce(CAST(until AS text), 'null'), ',') AS untils`

/** In the order of the selection; the texts of none are null. */
export function recordsOf(row: Row): readonly RevocationRecord[] {
  if (row['seqs'] === null) return []
  const fingerprints = Buffer.from(text(row, 'fingerprints'), 'hex')
  const kinds = text(row, 'kinds').split(',')
  const [seqs, floors, untils] = [
    numbers(row, 'seqs'),
    numbers(row, 'floors'),
    numbers(row, 'untils'),
  ]
  return kinds.map((kind, at) => {
    if (!isRevocationKind(kind)) throw new TypeError(`a revocation has the unknown kind ${kind}`)
    const fingerprint = fingerprints.readBigUInt64BE(at * 8)
    return {
      seq: seqs[at] ?? NaN,
      kind,
      fingerprint,
      floor: floors[at] ?? NaN,
      until: untils[at] ?? undefined,
    }
  })
}

function numbers(row: Row, column: string): readonly (number | null)[] {
  return JSON.parse(`[${text(row, column)}]`) as readonly (number | null)[]
}

/** Hexadecimal: the integers of SQL have a sign, and 63 bits beside it. */
export function textOfFingerprint(fingerprint: Fingerprint): string {
  return fingerprint.toString(16).padStart(16, '0')
}

export function fingerprintOfText(stored: string): Fingerprint {
  return BigInt(`0x${stored}`)
}
