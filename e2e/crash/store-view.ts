import assert from 'node:assert/strict'
import type { Chain, RevocationPosition, RevocationRecord } from '@portcullis/protocol/revocations'
import { isRevocationKind } from '@portcullis/protocol/revocations'

/** What a kill has left in the store. */
export interface StoreView {
  readonly sessions: ReadonlyMap<string, SessionRow>
  readonly accounts: ReadonlyMap<string, AccountRow>
  readonly keys: readonly KeyRow[]
  readonly head: HeadRow
  /** In the order of `seq`. */
  readonly records: readonly RevocationRecord[]
  /** How many events of each kind were written. */
  readonly events: ReadonlyMap<string, number>
  /** The mark beside the file of SQLite. */
  readonly highWater: RevocationPosition | undefined
}

export interface SessionRow {
  readonly accountId: string
  readonly counter: number
  readonly attemptHash: string | undefined
  readonly generation: number
  readonly hasEnded: boolean
}

export interface AccountRow {
  readonly generation: number
  readonly loginFloor: number
  readonly isBlocked: boolean
}

export interface KeyRow {
  readonly kid: string
  readonly purpose: string
  readonly algorithm: string
  readonly state: string
}

export interface HeadRow extends RevocationPosition {
  readonly chain: Chain
  readonly at: number
  readonly kids: readonly string[]
}

type Row = Readonly<Record<string, unknown>>

/** Reads it by a query of whatever engine. */
export async function viewOf(
  all: (sql: string) => Promise<readonly Row[]>,
): Promise<Omit<StoreView, 'highWater'>> {
  const [head] = await all('SELECT * FROM revocation_head')
  assert.ok(head)
  const sessions = await all('SELECT * FROM sessions')
  const accounts = await all('SELECT * FROM accounts')
  const keys = await all('SELECT kid, purpose, algorithm, state FROM signing_keys')
  const records = await all('SELECT * FROM revocations ORDER BY seq')
  const events = await all('SELECT kind, count(*) AS times FROM events GROUP BY kind')
  const base = Number(head['base'])
  return {
    sessions: new Map(sessions.map((row) => [String(row['id']), session(row, base)])),
    accounts: new Map(accounts.map((row) => [String(row['id']), account(row)])),
    keys: keys.map((row) => ({
      kid: String(row['kid']),
      purpose: String(row['purpose']),
      algorithm: String(row['algorithm']),
      state: String(row['state']),
    })),
    head: {
      epoch: String(head['epoch']),
      seq: Number(head['seq']),
      chain: String(head['chain']),
      at: Number(head['at']),
      kids: JSON.parse(String(head['kids'])) as readonly string[],
    },
    records: records.map(record),
    events: new Map(events.map((row) => [String(row['kind']), Number(row['times'])])),
  }
}

/** Sessions are counted from the base of the epoch, and accounts from 0. */
function session(row: Row, base: number): SessionRow {
  const hash = row['attempt_hash']
  return {
    accountId: String(row['account_id']),
    counter: Number(row['counter']),
    attemptHash: typeof hash === 'string' ? hash : undefined,
    generation: Number(row['generation']) - base,
    hasEnded: row['ended_at'] !== null,
  }
}

function account(row: Row): AccountRow {
  return {
    generation: Number(row['generation']),
    loginFloor: Number(row['login_floor']),
    isBlocked: row['blocked_at'] !== null,
  }
}

function record(row: Row): RevocationRecord {
  const kind = String(row['kind'])
  assert.ok(isRevocationKind(kind))
  const until = row['until']
  return {
    kind,
    seq: Number(row['seq']),
    fingerprint: BigInt(`0x${String(row['fingerprint'])}`),
    floor: Number(row['floor']),
    until: until === null ? undefined : Number(until),
  }
}
