import type { Anomaly, ToldAnomaly } from '../domain/anomalies/anomalies.ts'
import {
  accountDecisions,
  clientDecisions,
  endsEverySession,
  sessionDecisions,
} from '../domain/anomalies/decisions.ts'
import type { EventKind } from '../domain/audit-vocabulary.ts'
import type { AuditRecord } from '../domain/audit.ts'
import { auditRecordOf, eventColumns } from './audit-rows.ts'
import { text } from './columns.ts'
import { createConditions } from './conditions.ts'
import type { Query, SqlValue } from './database.ts'

/** Each with what the record says that was done since about whom it is about. */
export async function withDecisions(
  read: Query,
  anomalies: readonly Anomaly[],
): Promise<readonly ToldAnomaly[]> {
  const since = Math.min(...anomalies.map(({ firstAt }) => firstAt))
  const subjects = subjectsOf(anomalies)
  const found = [
    ...(await aboutAccounts(read, subjects, since)),
    ...(await aboutClients(read, subjects, since)),
    ...(await aboutKeys(read, anomalies, subjects, since)),
  ]
  const newestFirst = found.toSorted((one, other) => other.record.id - one.record.id)
  return anomalies.map((anomaly) => ({
    ...anomaly,
    decisions: newestFirst.filter((one) => isAbout(anomaly, one)).map(({ record }) => record),
  }))
}

interface Subjects {
  readonly accounts: readonly string[]
  readonly sessions: readonly string[]
  readonly clients: readonly string[]
  readonly keys: readonly string[]
}

function subjectsOf(anomalies: readonly Anomaly[]): Subjects {
  const named = (about: string): readonly string[] => [
    ...new Set(anomalies.filter((one) => one.about === about).map(({ subject }) => subject)),
  ]
  const owners = anomalies.map(ownerOf).filter((id) => id !== undefined)
  return {
    accounts: [...new Set(owners)],
    sessions: named('session'),
    clients: named('client'),
    keys: named('key'),
  }
}

function ownerOf({ about, subject, evidence }: Anomaly): string | undefined {
  if (about === 'account') return subject
  return about === 'session' ? evidence.accounts?.[0] : undefined
}

interface Found {
  readonly record: AuditRecord
  /** The key that a rotation was about, which its record does not name. */
  readonly kid?: string | undefined
}

function isAbout(anomaly: Anomaly, { record, kid }: Found): boolean {
  if (record.at < anomaly.firstAt) return false
  const { about, subject } = anomaly
  switch (about) {
    case 'account':
      return isOfAccount(record, subject) && accountDecisions.some((kind) => kind === record.kind)
    case 'session':
      return (
        record.sessionId === subject ||
        (isOfAccount(record, ownerOf(anomaly)) && endsEverySession(record.kind))
      )
    case 'client':
      return record.clientId === subject && record.accountId === undefined
    case 'key':
      return kid === subject
    default:
      return false
  }
}

/** A record of none is about everybody. */
function isOfAccount({ accountId, kind }: AuditRecord, id: string | undefined): boolean {
  return accountId === undefined ? kind === 'all-sessions-ended' : accountId === id
}

async function aboutAccounts(
  read: Query,
  { accounts, sessions }: Subjects,
  since: number,
): Promise<readonly Found[]> {
  if (accounts.length === 0) return []
  const ofAccounts = { where: oneOf('account_id'), values: [JSON.stringify(accounts)] }
  const ofSessions = {
    where: `${ofAccounts.where} AND ${oneOf('session_id')}`,
    values: [...ofAccounts.values, JSON.stringify(sessions)],
  }
  return [
    ...(await latest(read, { ...ofAccounts, by: 'account_id', kinds: accountDecisions, since })),
    ...(await latest(read, {
      where: 'account_id IS NULL',
      values: [],
      by: 'account_id',
      kinds: ['all-sessions-ended'],
      since,
    })),
    ...(sessions.length === 0
      ? []
      : await latest(read, { ...ofSessions, by: 'session_id', kinds: sessionDecisions, since })),
  ]
}

async function aboutClients(
  read: Query,
  { clients }: Subjects,
  since: number,
): Promise<readonly Found[]> {
  if (clients.length === 0) return []
  return latest(read, {
    where: oneOf('client_id'),
    values: [JSON.stringify(clients)],
    by: 'client_id',
    kinds: clientDecisions,
    since,
  })
}

function oneOf(column: 'account_id' | 'session_id' | 'client_id' | 'kid'): string {
  return `${column} IN (SELECT value FROM json_array_elements_text(?::json))`
}

interface Asked {
  readonly where: string
  readonly values: readonly SqlValue[]
  readonly by: 'account_id' | 'session_id' | 'client_id' | 'kid'
  readonly kinds: readonly EventKind[]
  readonly since: number
}

/** The latest of each kind, so that it is bounded however often something is done. */
async function latest(
  read: Query,
  { where, values, by, kinds, since }: Asked,
): Promise<readonly Found[]> {
  const conditions = createConditions()
  conditions.add(where, ...values)
  conditions.add(
    'kind IN (SELECT value FROM json_array_elements_text(?::json))',
    JSON.stringify(kinds),
  )
  conditions.add('at >= ?', since)
  const rows = await read(
    `SELECT ${eventColumns} FROM events WHERE id IN (
       SELECT max(id) FROM events WHERE ${conditions.text()} GROUP BY ${by}, kind)`,
    conditions.values(),
  )
  return rows.map((row) => ({ record: auditRecordOf(row) }))
}

/** Those of all lines together, of which each is rotated every few weeks. */
const rotationsMax = 500

async function aboutKeys(
  read: Query,
  anomalies: readonly Anomaly[],
  { keys }: Subjects,
  since: number,
): Promise<readonly Found[]> {
  if (keys.length === 0) return []
  const values = [JSON.stringify(keys)]
  const kinds = ['key-withdrawn'] as const
  const withdrawn = await latest(read, { where: oneOf('kid'), values, by: 'kid', kinds, since })
  const lines = await read(
    `SELECT kid, purpose, algorithm FROM signing_keys
     WHERE kid IN (SELECT value FROM json_array_elements_text($1::json))`,
    values,
  )
  const rows = await read(
    `SELECT ${eventColumns} FROM events WHERE kind = 'keys-rotated' AND at >= $1
     ORDER BY id DESC LIMIT ${rotationsMax}`,
    [since],
  )
  const rotations = rows.map(auditRecordOf)
  const rotated = lines.flatMap((row): readonly Found[] => {
    const kid = text(row, 'kid')
    const foundAt = anomalies.find((one) => one.subject === kid)?.firstAt ?? since
    const line = JSON.stringify(`${text(row, 'purpose')} ${text(row, 'algorithm')}`)
    // The first one after that: those that follow are of its successors.
    const record = rotations.findLast(
      ({ at, details = '' }) => at >= foundAt && details.includes(line),
    )
    return record === undefined ? [] : [{ record, kid }]
  })
  return [...rotated, ...withdrawn.map(({ record }) => ({ record, kid: record.kid }))]
}
