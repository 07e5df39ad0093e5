import type {
  BulkAdministration,
  BulkDecision,
  BulkFate,
  BulkOutcome,
} from '../domain/account-bulk.ts'
import type { Actor } from '../domain/actors.ts'
import type { Revocation } from '../domain/revocations.ts'
import { integer, optionalInteger, text } from './columns.ts'
import type { Query, Row } from './database.ts'
import {
  canDecide,
  idsOf,
  isAdministrator,
  isStillActor,
  lockTargets,
  superseded,
} from './decisions.ts'
import type { EventKind } from './events.ts'
import { appendEvents, decidedBy } from './events.ts'
import type { Revoke, RevokingTransaction } from './revocations.ts'
import { currentPosition } from './revocations.ts'

/** A fixed number of statements for the accounts, however many: others wait while it lasts. */
export function createBulkAdministration(transaction: RevokingTransaction): BulkAdministration {
  return {
    logOut: (decision) => transaction((query, revoke) => logOut(query, revoke, decision)),
    block: (decision) => transaction((query, revoke) => block(query, revoke, decision)),
  }
}

async function logOut(query: Query, revoke: Revoke, decision: BulkDecision): Promise<BulkOutcome> {
  const { accountIds, actor } = decision
  const found = byId(await lockTargets(query, accountIds, { actor }))
  if (!(await isStillActor(query, actor))) return superseded
  const fates = new Map<string, BulkFate>(
    accountIds.map((id) => [id, found.has(id) ? 'ended' : 'unknown']),
  )
  const ended = [...fates].flatMap(([id, fate]) => (fate === 'ended' ? [id] : []))
  const position = await endAll(query, revoke, {
    ...decision,
    accountIds: ended,
    kind: 'all-sessions-ended',
    raised: 'generation = generation + 1, login_floor = generation + 1',
  })
  return { kind: 'decided', fates, position }
}

async function block(query: Query, revoke: Revoke, decision: BulkDecision): Promise<BulkOutcome> {
  const { accountIds, actor } = decision
  const rows = await lockTargets(query, accountIds, { actor, mayDismiss: true })
  if (!(await isStillActor(query, actor))) return superseded
  const found = byId(rows)
  const spared = sparedOf(rows, new Set(accountIds), actor)
  const fateOf = (id: string): BulkFate => {
    if (!found.has(id)) return 'unknown'
    return spared.has(id) ? 'last-administrator' : 'blocked'
  }
  const fates = new Map(accountIds.map((id) => [id, fateOf(id)]))
  const blocked = [...fates].flatMap(([id, fate]) => {
    const row = fate === 'blocked' ? found.get(id) : undefined
    return row === undefined || isBlocked(row) ? [] : [id]
  })
  const position = await endAll(query, revoke, {
    ...decision,
    accountIds: blocked,
    kind: 'account-blocked',
    raised:
      'generation = generation + 1, login_floor = generation + 1, blocked_at = statement_now()',
  })
  return { kind: 'decided', fates, position }
}

function byId(rows: readonly Row[]): ReadonlyMap<string, Row> {
  return new Map(rows.map((row) => [text(row, 'id'), row]))
}

/** Whom a block of all these must leave alone, so that somebody is left who can unblock the others. */
function sparedOf(
  rows: readonly Row[],
  targets: ReadonlySet<string>,
  actor: Actor,
): ReadonlySet<string> {
  const deciders = rows.filter(canDecide).map((row) => text(row, 'id'))
  if (deciders.some((id) => !targets.has(id))) return new Set()
  const [first] = deciders
  if (first === undefined) {
    const left = rows.filter((row) => isAdministrator(row) && !isBlocked(row))
    return new Set(left.map((row) => text(row, 'id')))
  }
  const isDecider = actor.kind === 'administrator' && deciders.includes(actor.accountId)
  return new Set([isDecider ? actor.accountId : first])
}

function isBlocked(row: Row): boolean {
  return optionalInteger(row, 'blocked_at') !== undefined
}

interface BulkEnd extends BulkDecision {
  readonly kind: EventKind
  /** What is set on every account, with the floor that ends its sessions and tokens. */
  readonly raised: string
}

/** To be called with all of the accounts locked. */
async function endAll(
  query: Query,
  revoke: Revoke,
  { accountIds, actor, reason, kind, raised }: BulkEnd,
): ReturnType<Revoke> {
  const ids = JSON.stringify(accountIds)
  const rows = await query(
    `UPDATE accounts SET ${raised} WHERE id IN (${idsOf('$1')})
     RETURNING id, generation + (SELECT base FROM revocation_head) AS floor`,
    [ids],
  )
  const [first, ...others] = rows.map((row): Revocation => ({
    kind: 'account',
    key: text(row, 'id'),
    floor: integer(row, 'floor'),
  }))
  if (first === undefined) return currentPosition(query)
  await query(`DELETE FROM account_links WHERE account_id IN (${idsOf('$1')})`, [ids])
  const decided = decidedBy({ actor, reason })
  await appendEvents(
    query,
    accountIds.map((accountId) => ({ kind, accountId, ...decided })),
  )
  return revoke(first, ...others)
}
