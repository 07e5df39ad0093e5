import { isRevocationKind } from '@portcullis/protocol/revocations'
import type {
  FindRevocation,
  ListedRevocation,
  ListRevocations,
} from '../domain/listed-revocations.ts'
import { integer, optionalInteger, optionalText, text } from './columns.ts'
import type { Database, Row } from './database.ts'

const columns =
  'seq AS place, kind, until, revocations.at AS committed_at, subject, cause, account_id, actor, reason'

export function createRevocationList({ read }: Pick<Database, 'read'>): ListRevocations {
  return async ({ limit, before = Number.MAX_SAFE_INTEGER }) => {
    // One statement: another epoch may begin at any time, and its log with it.
    const rows = await read(
      `SELECT epoch, record.* FROM revocation_head LEFT JOIN (
         SELECT ${columns} FROM revocations WHERE seq < $1 ORDER BY seq DESC LIMIT $2) AS record ON true
       ORDER BY place DESC`,
      [before, limit + 1],
    )
    const [first = {}] = rows
    const found = rows.filter((row) => row['place'] !== null)
    const revocations = found.slice(0, limit).map(revocationOf)
    const next = found.length > limit ? revocations.at(-1)?.seq : undefined
    return { epoch: text(first, 'epoch'), revocations, next }
  }
}

export function createFindRevocation({ read }: Pick<Database, 'read'>): FindRevocation {
  return async ({ epoch, seq }) => {
    const [row] = await read(
      `SELECT epoch, revocation_head.seq AS head, record.* FROM revocation_head LEFT JOIN (
         SELECT ${columns} FROM revocations WHERE seq = $1) AS record ON true`,
      [seq],
    )
    if (row === undefined) throw new TypeError('no epoch was opened in this store')
    if (text(row, 'epoch') !== epoch) return { kind: 'gone' }
    if (seq > integer(row, 'head')) return { kind: 'ahead' }
    return row['place'] === null
      ? { kind: 'gone' }
      : { kind: 'found', revocation: revocationOf(row) }
  }
}

function revocationOf(row: Row): ListedRevocation {
  const kind = text(row, 'kind')
  if (!isRevocationKind(kind)) throw new TypeError(`a revocation has the unknown kind ${kind}`)
  return {
    seq: integer(row, 'place'),
    kind,
    subject: optionalText(row, 'subject'),
    accountId: optionalText(row, 'account_id'),
    cause: optionalText(row, 'cause'),
    actor: optionalText(row, 'actor'),
    reason: optionalText(row, 'reason'),
    committedAt: integer(row, 'committed_at'),
    until: optionalInteger(row, 'until'),
  }
}
