import type { ActionOutcome, Anomaly } from '../domain/anomalies/anomalies.ts'
import type { AnomalyActions } from '../domain/anomalies/turns.ts'
import type { AutomaticAction } from '../domain/anomalies/rules.ts'
import type { Actor } from '../domain/actors.ts'
import { blockAccount } from './accounts.ts'
import { anomalyOf } from './anomalies.ts'
import { integer, list } from './columns.ts'
import type { Database, Query } from './database.ts'
import { isAdministrator, lockTarget } from './decisions.ts'
import { appendEvent, decidedBy } from './events.ts'
import type { Revoke, RevokingTransaction } from './revocations.ts'
import { endSession } from './sessions.ts'

/** One step does so much. */
const atOnceMax = 20
const hourMs = 3_600_000
const actor: Actor = { kind: 'rule' }

/** What rules do by themselves: each is one transaction, with its records, and is done once by one node. */
export function createAnomalyActions(
  { read }: Pick<Database, 'read'>,
  transaction: RevokingTransaction,
  perHourMax: number,
): AnomalyActions {
  return {
    actOnWaiting: async () => {
      const rows = await read(
        `SELECT id FROM anomalies WHERE actions IS NOT NULL AND acted_at IS NULL ORDER BY id LIMIT $1`,
        [atOnceMax],
      )
      const acted: Anomaly[] = []
      for (const row of rows) {
        const id = integer(row, 'id')
        const anomaly = await transaction((query, revoke) => actOn(query, revoke, id, perHourMax))
        if (anomaly !== undefined) acted.push(anomaly)
      }
      return acted
    },
  }
}

/** Undefined when another node has done it. */
async function actOn(
  query: Query,
  revoke: Revoke,
  id: number,
  perHourMax: number,
): Promise<Anomaly | undefined> {
  const [row] = await query(
    `UPDATE anomalies SET acted_at = statement_now() WHERE id = $1 AND acted_at IS NULL RETURNING *`,
    [id],
  )
  if (row === undefined) return undefined
  const anomaly = anomalyOf(row)
  const actions = list(row, 'actions') as readonly AutomaticAction[]
  const decided = await decide(query, anomaly, { actions, perHourMax })
  await query('UPDATE anomalies SET outcome = $2 WHERE id = $1', [id, decided.outcome])
  await record(query, anomaly, { actions, outcome: decided.outcome })
  await decided.carryOut?.(query, revoke)
  return { ...anomaly, outcome: decided.outcome }
}

interface Decided {
  readonly outcome: ActionOutcome
  /** What revokes comes last. */
  readonly carryOut?: (query: Query, revoke: Revoke) => Promise<unknown>
}

/** Locks whom it is about, before anything is recorded: account, session, and then the chain. */
async function decide(
  query: Query,
  anomaly: Anomaly,
  {
    actions,
    perHourMax,
  }: { readonly actions: readonly AutomaticAction[]; readonly perHourMax: number },
): Promise<Decided> {
  const mayBlock = actions.includes('block-account')
  if (!mayBlock && !actions.includes('end-session')) return { outcome: 'told' }
  const [done] = await query(
    `SELECT count(*) AS acted FROM anomalies
     WHERE acted_at > statement_now() - $1 AND outcome IN ('ended', 'blocked')`,
    [hourMs],
  )
  if (done !== undefined && integer(done, 'acted') >= perHourMax) return { outcome: 'too-many' }
  const isOfSession = anomaly.about === 'session'
  const [accountId] = isOfSession ? (anomaly.evidence.accounts ?? []) : [anomaly.subject]
  if (accountId === undefined) return { outcome: 'gone' }
  const target = await lockTarget(query, { accountId, mayDismiss: mayBlock })
  if (target === undefined) return { outcome: 'gone' }
  const reason = reasonOf(anomaly)
  // Nobody could let them in again.
  if (mayBlock && !isAdministrator(target.row)) {
    const decision = { accountId, actor, reason }
    return { outcome: 'blocked', carryOut: (...steps) => blockAccount(...steps, decision) }
  }
  if (!isOfSession) return { outcome: 'spared' }
  const [live] = await query(
    'SELECT id FROM sessions WHERE id = $1 AND ended_at IS NULL FOR UPDATE',
    [anomaly.subject],
  )
  if (live === undefined) return { outcome: 'gone' }
  const ending = {
    sessionId: anomaly.subject,
    why: 'session-ended',
    decided: { actor, reason },
  } as const
  return { outcome: 'ended', carryOut: (...steps) => endSession(...steps, ending) }
}

function reasonOf({ rule, id }: Anomaly): string {
  return `${rule}, anomaly ${id}`
}

async function record(
  query: Query,
  anomaly: Anomaly,
  {
    actions,
    outcome,
  }: { readonly actions: readonly AutomaticAction[]; readonly outcome: ActionOutcome },
): Promise<void> {
  const { id, rule, severity, about, subject, evidence } = anomaly
  const facts = { anomaly: id, rule, severity, about, subject }
  const whose = {
    accountId: about === 'account' ? subject : evidence.accounts?.[0],
    sessionId: about === 'session' ? subject : undefined,
    ...decidedBy({ actor }),
  }
  if (actions.includes('alert')) {
    const why = evidence.reason === undefined ? {} : { reason: evidence.reason }
    const details = { ...facts, ...why, networks: evidence.networks ?? [] }
    await appendEvent(query, { kind: 'anomaly-told', ...whose, details })
  }
  if (outcome === 'told') return
  await appendEvent(query, { kind: 'anomaly-acted', ...whose, details: { ...facts, outcome } })
}
