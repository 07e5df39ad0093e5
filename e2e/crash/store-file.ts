import assert from 'node:assert/strict'
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Chain, RevocationPosition, RevocationRecord } from '@portcullis/protocol/revocations'
import { isRevocationKind } from '@portcullis/protocol/revocations'

/** What a kill has left on the disk. */
export interface StoreView {
  readonly sessions: ReadonlyMap<string, SessionRow>
  readonly accounts: ReadonlyMap<string, AccountRow>
  readonly keys: readonly KeyRow[]
  readonly head: HeadRow
  /** In the order of `seq`. */
  readonly records: readonly RevocationRecord[]
  /** How many events of each kind were written. */
  readonly events: ReadonlyMap<string, number>
  /** The mark beside the database. */
  readonly highWater: RevocationPosition
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

/**
 * Reads a copy. To open the files themselves would recover them, and that is for the next identity to
 * do. The shared-memory file is left out: SQLite makes it anew from the write-ahead log.
 */
export function readStoreAsLeft(path: string): StoreView {
  const folder = mkdtempSync(`${path}-copy-`)
  try {
    const copy = join(folder, 'copy.db')
    copyFileSync(path, copy)
    if (existsSync(`${path}-wal`)) copyFileSync(`${path}-wal`, `${copy}-wal`)
    const database = new DatabaseSync(copy)
    try {
      const [integrity] = database.prepare('PRAGMA integrity_check').all()
      assert.equal(integrity?.['integrity_check'], 'ok')
      return { ...viewOf(database), highWater: readHighWater(`${path}.high-water`) }
    } finally {
      database.close()
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

type Row = ReturnType<ReturnType<DatabaseSync['prepare']>['all']>[number]

function viewOf(database: DatabaseSync): Omit<StoreView, 'highWater'> {
  const all = (sql: string): readonly Row[] => database.prepare(sql).all()
  const [head] = all('SELECT * FROM revocation_head')
  assert.ok(head)
  return {
    sessions: new Map(
      all('SELECT * FROM sessions').map((row) => [String(row['id']), session(row)]),
    ),
    accounts: new Map(
      all('SELECT * FROM accounts').map((row) => [String(row['id']), account(row)]),
    ),
    keys: all('SELECT kid, purpose, algorithm, state FROM signing_keys').map((row) => ({
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
    records: all('SELECT * FROM revocations ORDER BY seq').map(record),
    events: new Map(
      all('SELECT kind, count(*) AS times FROM events GROUP BY kind').map((row) => [
        String(row['kind']),
        Number(row['times']),
      ]),
    ),
  }
}

function session(row: Row): SessionRow {
  const hash = row['attempt_hash']
  return {
    accountId: String(row['account_id']),
    counter: Number(row['counter']),
    attemptHash: typeof hash === 'string' ? hash : undefined,
    generation: Number(row['generation']),
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

function readHighWater(path: string): RevocationPosition {
  const [epoch = '', , seq] = readFileSync(path, 'utf8').trim().split(' ')
  return { epoch, seq: Number(seq) }
}
