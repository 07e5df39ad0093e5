import { setImmediate } from 'node:timers/promises'
import type { Census } from '../domain/census.ts'
import { severities } from '../domain/anomalies/rules.ts'
import { followerLiveMs } from '../domain/followers.ts'
import { integer, optionalText, text } from './columns.ts'
import type { Database, Query } from './database.ts'

/** A few milliseconds each, in which nobody else is served on SQLite: an index would cost every refresh more. */
const walkedAtOnce = 1000
const dayMs = 24 * 3_600_000

export function createCounting({
  read,
}: Pick<Database, 'read'>): () => Promise<Omit<Census, 'countedAt'>> {
  return async () => {
    const [accounts = 0, accountsBlocked = 0] = await walk(read, ofAccounts, 2)
    const [sessionsLive = 0] = await walk(read, ofSessions, 1)
    return {
      accounts,
      accountsBlocked,
      sessionsLive,
      clients: await countOf(
        read,
        'SELECT count(*) AS found FROM clients WHERE deleted_at IS NULL',
      ),
      followersLive: await countOf(
        read,
        'SELECT count(*) AS found FROM followers WHERE reported_at > statement_now() - $1',
        followerLiveMs,
      ),
      anomaliesLastDay: await anomaliesOf(read),
    }
  }
}

const ofAccounts = `
  SELECT max(id) AS last,
  count(*) FILTER (WHERE deleted_at IS NULL) AS first,
  count(*) FILTER (WHERE deleted_at IS NULL AND blocked_at IS NOT NULL) AS second
  FROM (SELECT id, deleted_at, blocked_at FROM accounts WHERE id > $1 ORDER BY id LIMIT $2) AS walked`

/** As `isLive` has it. */
const ofSessions = `
  SELECT max(id) AS last, count(*) FILTER (
    WHERE ended_at IS NULL AND idle_expires_at > statement_now() AND expires_at > statement_now()
      AND generation >= base + login_floor AND blocked_at IS NULL AND enabled = 1) AS first
  FROM (SELECT sessions.id, ended_at, idle_expires_at, expires_at, sessions.generation, login_floor, blocked_at, enabled
        FROM (SELECT * FROM sessions WHERE id > $1 ORDER BY id LIMIT $2) AS sessions
        JOIN accounts ON accounts.id = account_id JOIN clients ON clients.id = client_id) AS walked
  CROSS JOIN (SELECT base FROM revocation_head) AS head`

/** The statement answers the last id that it has walked, and as many counts. */
async function walk(read: Query, sql: string, counts: 1 | 2): Promise<readonly number[]> {
  const found = [0, 0].slice(0, counts)
  const names = ['first', 'second']
  let after = ''
  for (;;) {
    const [row = {}] = await read(sql, [after, walkedAtOnce])
    const last = optionalText(row, 'last')
    if (last === undefined) return found
    for (const index of found.keys())
      found[index] = (found[index] ?? 0) + integer(row, names[index] ?? '')
    after = last
    await setImmediate()
  }
}

async function countOf(
  read: Query,
  sql: string,
  ...parameters: readonly number[]
): Promise<number> {
  const [row = {}] = await read(sql, parameters)
  return integer(row, 'found')
}

async function anomaliesOf(read: Query): Promise<Census['anomaliesLastDay']> {
  const rows = await read(
    `SELECT severity, count(*) AS found FROM anomalies
     WHERE last_at > statement_now() - $1 GROUP BY severity`,
    [dayMs],
  )
  const found = new Map(rows.map((row) => [text(row, 'severity'), integer(row, 'found')]))
  const [notice, warning, critical] = severities.map((severity) => found.get(severity) ?? 0)
  return { notice: notice ?? 0, warning: warning ?? 0, critical: critical ?? 0 }
}
