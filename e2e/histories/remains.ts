import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import type { Query, Row } from '../../packages/identity/src/store/database.ts'
import type { FollowedLog } from './followed-log.ts'
import type { Access, Deed, Ledger } from './ledger.ts'
import { never } from './ledger.ts'
import {
  accountEndingsOf,
  furthestCounter,
  isSurelyOver,
  isSurelyStale,
  isSurelyTakenBack,
  knownCounter,
  mayBeOver,
  mayBeStale,
  mayBeTakenBack,
} from './reasons.ts'

/** Where the rows and the log of an account are. */
export interface Store {
  readonly read: Query
  readonly log: FollowedLog
}

/**
 * What the history has left in the store: nothing that was acknowledged is missing from it, and it has
 * nothing that nobody asked for.
 */
export async function judgeRemains(ledger: Ledger, store: Store): Promise<void> {
  const { account, sessions, events } = await readRemains(ledger, store)
  assert.ok(account, 'the account is lost')
  judgeAccount(ledger, account, store.log)
  const accesses = ledger.deeds.flatMap(({ access }) => (access === undefined ? [] : [access]))
  const floor = Number(account['login_floor'])
  judgeSessions(ledger, { sessions, events, accesses, floor }, store.log)
  for (const access of accesses) judgeByFollower(ledger, access, store.log)
}

interface Rows {
  readonly account: Row | undefined
  readonly sessions: readonly Row[]
  readonly events: readonly Row[]
}

/** The rows as they were while the log was read: what was never answered may still be under way. */
async function readRemains(ledger: Ledger, store: Store): Promise<Rows> {
  for (;;) {
    const before = await readRows(ledger, store)
    await store.log.catchUp()
    const after = await readRows(ledger, store)
    if (isDeepStrictEqual(before, after)) return after
  }
}

async function readRows({ accountId }: Ledger, { read }: Store): Promise<Rows> {
  const [account] = await read('SELECT * FROM accounts WHERE id = $1', [accountId])
  // From the base of the epoch, as those of accounts are.
  const sessions = await read(
    `SELECT sessions.*, sessions.generation - revocation_head.base AS endings
     FROM sessions, revocation_head WHERE account_id = $1 ORDER BY id`,
    [accountId],
  )
  const events = await read('SELECT * FROM events WHERE account_id = $1 ORDER BY id', [accountId])
  return { account, sessions, events }
}

/** No revocation of the account is lost, and none was made up. */
function judgeAccount(ledger: Ledger, row: Row, log: FollowedLog): void {
  const generation = Number(row['generation'])
  assert.equal(Number(row['login_floor']), generation)
  assert.equal(log.recordsOf('account', ledger.accountId), generation, 'records of the account')
  const endings = accountEndingsOf(ledger)
  const acknowledged = endings.filter(({ reply }) => reply.kind === 'done')
  // A block of an account that is blocked already changes nothing.
  const blocks = acknowledged.filter(({ kind }) => kind === 'block').length
  const least = acknowledged.length - blocks + Math.min(1, blocks)
  assert.ok(generation >= least, `${least} revocations of the account were acknowledged`)
  assert.ok(generation <= endings.length, 'a revocation of the account that nobody asked for')
}

interface SessionRemains extends Omit<Rows, 'account'> {
  readonly accesses: readonly Access[]
  /** Of the account. */
  readonly floor: number
}

function judgeSessions(
  ledger: Ledger,
  { sessions, events, accesses, floor }: SessionRemains,
  log: FollowedLog,
): void {
  const rows = new Map(sessions.map((row) => [String(row['id']), row]))
  for (const [id, row] of rows) {
    const count = log.recordsOf('session', id)
    // What a floor ended has the record of its account, and is marked as ended when it is swept.
    const isSwept = row['ended_at'] !== null && Number(row['endings']) < floor && count === 0
    const isExplained = isSwept || count === (row['ended_at'] === null ? 0 : 1)
    assert.ok(isExplained, `the session ${id} has ${count} records`)
  }
  const known = new Set(accesses.map(({ claims }) => claims.sid ?? ''))
  for (const id of known) {
    const row = rows.get(id)
    assert.ok(row, `the session ${id} is lost`)
    const counter = Number(row['counter'])
    assert.ok(counter >= knownCounter(ledger, id, never), `a rotation of the session ${id} is lost`)
    assert.ok(counter <= furthestCounter(ledger, id), `the session ${id} was rotated unasked`)
    const thefts = events.filter(
      (event) => event['kind'] === 'refresh-reuse' && event['session_id'] === id,
    )
    judgeThefts(ledger, id, thefts.length)
  }
  const unanswered = ledger.deeds.filter(
    ({ kind, reply }) => kind === 'login' && reply.kind === 'unknown',
  )
  assert.ok(rows.size - known.size <= unanswered.length, 'sessions that nobody asked for')
}

/** A theft ends its session, once. What is none is not called one. */
function judgeThefts(ledger: Ledger, sessionId: string, thefts: number): void {
  const refusals = ledger.deeds.filter(
    (deed): deed is Extract<Deed, { readonly kind: 'refresh' }> =>
      deed.kind === 'refresh' && deed.sessionId === sessionId && deed.reply.kind === 'refused',
  )
  const suspects = ledger.deeds.filter(
    (deed) => 'sessionId' in deed && deed.sessionId === sessionId && mayBeTheft(ledger, deed),
  )
  assert.ok(thefts <= Math.min(1, suspects.length), `${thefts} thefts of the session ${sessionId}`)
  const isTheft = refusals.some(
    (deed) => isSurelyStale(ledger, deed) && !mayBeOver(ledger, sessionId, deed),
  )
  assert.ok(!isTheft || thefts === 1, `a theft of the session ${sessionId} was not written down`)
}

/** Any way in which a token of the session was presented that was too old. */
function mayBeTheft(ledger: Ledger, deed: Deed): boolean {
  if (deed.kind === 'ending' && 'refresh' in deed.by) {
    return mayBeStale(ledger, { ...deed, refresh: deed.by.refresh })
  }
  if (deed.kind !== 'refresh' && deed.kind !== 'everywhere') return false
  return deed.reply.kind !== 'done' && mayBeStale(ledger, deed)
}

/** A follower refuses what was taken back, and nothing else. */
function judgeByFollower(ledger: Ledger, access: Access, log: FollowedLog): void {
  const sessionId = access.claims.sid ?? ''
  const what = `the token of ${access.mint.from.place} ${access.mint.kind}`
  if (log.refuses(access.claims)) {
    const mayBe = mayBeOver(ledger, sessionId) || mayBeTakenBack(ledger, access, never)
    assert.ok(mayBe, `${what} is refused for nothing`)
  } else {
    assert.ok(!isSurelyOver(ledger, sessionId, never), `${what} outlives its session`)
    assert.ok(!isSurelyTakenBack(ledger, access, never), `${what} was taken back and lives`)
  }
}
