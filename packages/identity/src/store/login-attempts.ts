import type {
  AttemptKeys,
  AttemptStore,
  CountedAttempt,
  Counter,
  Receipt,
} from '../domain/login-attempts.ts'
import type { TriesBound } from '../domain/tries-bound.ts'
import { integer } from './columns.ts'
import type { Database, Row, SqlValue } from './database.ts'
import { appendEvent } from './events.ts'
import { admitStatement, stepMs } from './login-counting.ts'

/** What counts how much. */
export interface LoginBounds {
  /** For an account, by strangers and from each known network. */
  readonly account: TriesBound
  /** For what strangers try from one network. */
  readonly network: TriesBound
  /** A network is known for so long after the last login from it. */
  readonly knownNetworkDays: number
}

/** The networks that are kept of one account: those of the last logins. */
const knownNetworksMax = 10
/** More rows at once would hold their locks for longer than a login should wait. */
const forgottenAtOnceMax = 1000

export function createAttemptStore(database: Database, bounds: LoginBounds): AttemptStore {
  const admit = admitStatement(bounds)
  const succeed = succeedStatement(bounds)
  const takeBack = takeBackStatement(bounds)
  const takeBackEach = async (keys: AttemptKeys, receipt: Receipt): Promise<void> => {
    for (const counter of counters) {
      const closedUntil = receipt[counter]
      if (closedUntil !== undefined) await database.write(takeBack, [keys[counter], closedUntil])
    }
  }
  return {
    admit: async (keys, { mayStrangersTry, isGuess }) => {
      const flags = [mayStrangersTry ? 1 : 0, isGuess ? 1 : 0]
      const rows = await database.write(admit, [...listOf(keys), ...flags])
      const admitted = admissionOf(rows, isGuess ? ['strangers', 'network'] : ['network'])
      if (admitted !== undefined) return admitted
      // Of several at once, one of its two counters had room for this attempt and the other one had not.
      await takeBackEach(keys, receiptOf(rows))
      const found = await database.read(selectCounters, [...listOf(keys), flags[1] ?? 0])
      return refusalOf(found, mayStrangersTry)
    },
    succeed: async (keys, receipt) => {
      const { strangers = null, network = null } = receipt
      await database.write(succeed, [...listOf(keys), strangers, network])
      if (receipt.known !== undefined) return
      // Looked at first: a commit more would cost every login of a stranger more than all else it writes.
      const [row] = await database.read(countKnown, [keys.strangers])
      const hasSurplus = row !== undefined && integer(row, 'networks') > knownNetworksMax
      if (hasSurplus) await database.write(keepLatest, [keys.strangers])
    },
    takeBack: takeBackEach,
    noteDelay: (accountId) => appendEvent(database.write, { kind: 'login-throttled', accountId }),
    forget: async () => (await database.write(forget, [forgottenAtOnceMax])).length,
  }
}

function listOf({ known, strangers, network }: AttemptKeys): readonly SqlValue[] {
  return [known, strangers, network]
}

const counters: readonly Counter[] = ['known', 'strangers', 'network']

function counterOf(row: Row): Counter {
  const counter = counters.find((name) => name === row['counter'])
  if (counter === undefined) throw new TypeError('column counter holds something else')
  return counter
}

/** Undefined when not every counter of the attempt had room for it; `ofStrangers` are those of a stranger. */
function admissionOf(
  rows: readonly Row[],
  ofStrangers: readonly Counter[],
): CountedAttempt | undefined {
  const receipt = receiptOf(rows)
  const by = receipt.known === undefined ? 'strangers' : 'known'
  const [first, ...others]: readonly Counter[] = by === 'known' ? [by] : ofStrangers
  const counted = rows.find((row) => row['counter'] === first)
  if (counted === undefined || others.some((counter) => receipt[counter] === undefined)) {
    return undefined
  }
  return { kind: 'admitted', by, failures: integer(counted, 'failures'), receipt }
}

function receiptOf(rows: readonly Row[]): Receipt {
  return Object.fromEntries(rows.map((row) => [counterOf(row), integer(row, 'next_at')]))
}

const selectCounters = `
  SELECT counter, next_at, expires_at, statement_now() AS now
  FROM login_counters WHERE key IN ($1, $2, $3) AND (counter <> 'strangers' OR $4 = 1)`

/** Why an attempt was not counted, and until when. */
function refusalOf(rows: readonly Row[], mayStrangersTry: boolean): CountedAttempt {
  const found = rows.map((row) => ({
    by: counterOf(row),
    waitMs: integer(row, 'next_at') - integer(row, 'now'),
    isOver: integer(row, 'expires_at') <= integer(row, 'now'),
  }))
  const known = found.filter(({ by, isOver }) => by === 'known' && !isOver)
  const decisive = known.length > 0 ? known : found.filter(({ by }) => by !== 'known')
  const [longest] = decisive.toSorted((one, other) => other.waitMs - one.waitMs)
  if (longest !== undefined && longest.waitMs > 0) {
    return { kind: 'throttled', by: longest.by, waitMs: longest.waitMs }
  }
  if (known.length === 0 && !mayStrangersTry) return { kind: 'strangers-refused' }
  // The delay has passed since.
  return { kind: 'throttled', by: longest?.by ?? 'strangers', waitMs: 0 }
}

/**
 * In the order of the keys, as `admitStatement`, so that two of them never wait for each other. The rows of
 * strangers come with what this attempt has closed them until.
 */
function succeedStatement(bounds: LoginBounds): string {
  const forgiven = `login_counters.forgiven_at - ${stepMs(bounds, 'login_counters.counter')}`
  const knownMs = bounds.knownNetworkDays * 24 * 3600 * 1000
  return `
    WITH given AS (
      SELECT $1 AS key, 'known' AS counter, $2 AS account, 0 AS next_at, statement_now() + ${knownMs} AS expires_at
      UNION ALL SELECT $2, 'strangers', NULL, CAST($4 AS bigint), 0
      UNION ALL SELECT $3, 'network', NULL, CAST($5 AS bigint), 0
    )
    INSERT INTO login_counters (key, counter, account, forgiven_at, next_at, expires_at)
    SELECT key, counter, account, 0, next_at, expires_at FROM given
    WHERE next_at IS NOT NULL
    ORDER BY key
    ON CONFLICT (key) DO UPDATE SET
      forgiven_at = CASE excluded.counter WHEN 'known' THEN 0 ELSE ${forgiven} END,
      next_at = CASE WHEN excluded.counter = 'known' OR login_counters.next_at = excluded.next_at
                THEN 0 ELSE login_counters.next_at END,
      expires_at = CASE excluded.counter WHEN 'known' THEN excluded.expires_at ELSE ${forgiven} END`
}

function takeBackStatement(bounds: LoginBounds): string {
  const forgiven = `forgiven_at - ${stepMs(bounds, 'counter')}`
  return `
    UPDATE login_counters SET forgiven_at = ${forgiven},
      next_at = CASE WHEN next_at = $2 THEN 0 ELSE next_at END,
      expires_at = CASE counter WHEN 'known' THEN expires_at ELSE ${forgiven} END
    WHERE key = $1`
}

const countKnown = 'SELECT count(*) AS networks FROM login_counters WHERE account = $1'

const keepLatest = `
  DELETE FROM login_counters WHERE account = $1 AND key NOT IN (
    SELECT key FROM login_counters WHERE account = $1
    ORDER BY expires_at DESC, key LIMIT ${knownNetworksMax})`

/** What has expired counts for nothing already: this only makes room. */
const forget = `
  DELETE FROM login_counters WHERE key IN (
    SELECT key FROM login_counters WHERE expires_at <= statement_now() ORDER BY key LIMIT $1 FOR UPDATE)
  RETURNING key`
