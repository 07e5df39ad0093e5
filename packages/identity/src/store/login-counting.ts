import type { TriesBound } from '../domain/tries-bound.ts'
import { delayMsAfter, failuresMax } from '../domain/tries-bound.ts'

interface Bounds {
  readonly account: TriesBound
  readonly network: TriesBound
}

/**
 * Attempts that wait for one another's rows come with times from before, so that a failure may seem to be from
 * the future by as much; it is not counted twice for that.
 */
const lateMs = 1000

/**
 * One statement that lets an attempt in and counts it, or changes nothing. A counter is two times: `forgiven_at`,
 * when its last failure is forgiven, one every step; and `next_at`, before which nobody tries. A row whose
 * counters were all open when the statement began may be closed when its lock is there: then it is not among
 * the rows that come back, with the failures they count.
 */
export function admitStatement(bounds: Bounds): string {
  const step = stepMs(bounds, 'login_counters.counter')
  const owedMs = 'greatest(login_counters.forgiven_at - statement_now(), 0)'
  const most = byCounter(bounds, 'login_counters.counter', (bound) => String(mostMs(bound)))
  const forgivenAt = `statement_now() + least(${owedMs} + ${step}, ${most})`
  const failures = failuresIn(`${owedMs} - ${lateMs}`, step)
  const afterFirst = `statement_now() + ${stepMs(bounds, 'counter')}`
  return `
    WITH offered AS (
      SELECT $1 AS key, 'known' AS counter
      UNION ALL SELECT $2, 'strangers'
      UNION ALL SELECT $3, 'network'
    ),
    given AS (
      SELECT key, counter FROM offered
      WHERE (counter = 'known') = EXISTS (
              SELECT 1 FROM login_counters AS known WHERE known.key = $1 AND known.expires_at > statement_now())
        AND (counter = 'known' OR $4 = 1)
        AND (counter <> 'strangers' OR $5 = 1)
    )
    INSERT INTO login_counters (key, counter, forgiven_at, next_at, expires_at)
    SELECT key, counter, ${afterFirst}, ${nextAt(bounds, 'counter', '1')}, ${afterFirst}
    FROM given
    WHERE NOT EXISTS (
      SELECT 1 FROM login_counters AS closed JOIN given AS asked ON asked.key = closed.key
      WHERE closed.next_at > statement_now())
    ORDER BY key
    ON CONFLICT (key) DO UPDATE SET
      forgiven_at = ${forgivenAt},
      next_at = ${nextAt(bounds, 'login_counters.counter', `${failures} + 1`)},
      expires_at = CASE login_counters.counter WHEN 'known' THEN login_counters.expires_at ELSE ${forgivenAt} END
    WHERE login_counters.next_at <= statement_now()
    RETURNING counter, next_at,
      ${failuresIn(`forgiven_at - statement_now() - ${lateMs}`, stepMs(bounds, 'counter'))} AS failures`
}

/** How long one failure counts. */
export function stepMs(bounds: Bounds, counter: string): string {
  return byCounter(bounds, counter, ({ delaySecondsMax }) => String(delaySecondsMax * 1000))
}

function mostMs(bound: TriesBound): number {
  return failuresMax(bound) * bound.delaySecondsMax * 1000
}

/** Rounded up. The cast is for SQLite, which divides as with fractions what came from a function. */
function failuresIn(owedMs: string, step: string): string {
  return `CAST((greatest(${owedMs}, 0) + ${step} - 1) / ${step} AS bigint)`
}

/** The delays of `delayMsAfter`, spelled out: the decision is made in the database, and thought out there. */
function nextAt(bounds: Bounds, counter: string, failures: string): string {
  return byCounter(bounds, counter, (bound) => {
    const most = failuresMax(bound)
    const counts = Array.from(
      { length: most - bound.freeTries + 1 },
      (_, at) => bound.freeTries + at,
    )
    const delays = counts.map((n) => `WHEN ${n} THEN statement_now() + ${delayMsAfter(n, bound)}`)
    return `CASE least(${failures}, ${most}) ${delays.join(' ')} ELSE 0 END`
  })
}

function byCounter(
  { account, network }: Bounds,
  counter: string,
  write: (bound: TriesBound) => string,
): string {
  return `CASE ${counter} WHEN 'network' THEN ${write(network)} ELSE ${write(account)} END`
}
