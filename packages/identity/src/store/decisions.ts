import { administratorRole } from '@portcullis/protocol'
import type { Decision } from '../domain/accounts.ts'
import type { Actor, Superseded } from '../domain/actors.ts'
import { actorName } from '../domain/actors.ts'
import { noPasswordHash } from '../domain/passwords.ts'
import { integer, list, optionalInteger, text } from './columns.ts'
import type { Query, Row } from './database.ts'
import type { EventKind } from './events.ts'
import { appendEvent } from './events.ts'
import { lockCaller } from './sessions.ts'

/** An account that is about to be changed, as nobody else can change it before the transaction is over. */
export interface LockedTarget {
  readonly kind: 'target'
  readonly row: Row
  /** Nobody else could sign in and unblock somebody, or give anybody a role. Found out only for what may dismiss. */
  readonly isLastAdministrator: boolean
}

export const superseded: Superseded = { kind: 'superseded' }

/**
 * Where every decision about an account begins: locks whom it is about and who takes it, and asks whether he
 * may still do so. A block of the actor that was acknowledged has won; one that comes now waits.
 */
export async function lockDecided(
  query: Query,
  { accountId, actor }: Decision,
  mayDismiss = false,
): Promise<LockedTarget | Superseded | { readonly kind: 'unknown' }> {
  const target = await lockTarget(query, { accountId, actor, mayDismiss })
  if (!(await isStillActor(query, actor))) return superseded
  return target ?? { kind: 'unknown' }
}

/**
 * All accounts that a decision needs are locked by one statement, in the order of their ids: so two that take each
 * other for a target wait for one another and never both. What `mayDismiss` takes all administrators along, who
 * stay what they are until the transaction is over: of two who dismiss each other one stays.
 */
export async function lockTarget(
  query: Query,
  {
    accountId,
    actor,
    mayDismiss,
  }: { readonly accountId: string; readonly actor?: Actor; readonly mayDismiss: boolean },
): Promise<LockedTarget | undefined> {
  const actorId = actor?.kind === 'administrator' ? actor.accountId : accountId
  const rows = mayDismiss
    ? await query(
        `${selectTarget} WHERE id IN ($1, $2) OR (blocked_at IS NULL AND roles LIKE $3) ${inOrder}`,
        [accountId, actorId, `%${JSON.stringify(administratorRole)}%`],
      )
    : await query(`${selectTarget} WHERE id IN ($1, $2) ${inOrder}`, [accountId, actorId])
  const row = rows.find(({ id }) => id === accountId)
  if (row === undefined || optionalInteger(row, 'deleted_at') !== undefined) return undefined
  const isLastAdministrator =
    mayDismiss && isAdministrator(row) && !rows.some((one) => one !== row && canDecide(one))
  return { kind: 'target', row, isLastAdministrator }
}

const selectTarget = `
  SELECT id, email, password_hash, roles, attributes, unconfirmed, blocked_at, deleted_at FROM accounts`
const inOrder = 'ORDER BY id FOR UPDATE'

function isAdministrator(row: Row): boolean {
  return list(row, 'roles').includes(administratorRole)
}

/** Who was invited and has chosen no password yet may never do so. */
function canDecide(row: Row): boolean {
  return (
    isAdministrator(row) &&
    integer(row, 'unconfirmed') === 0 &&
    text(row, 'password_hash') !== noPasswordHash &&
    optionalInteger(row, 'blocked_at') === undefined
  )
}

/** Whether somebody may still decide; nobody can change that before the transaction is over. */
export async function isStillActor(query: Query, actor: Actor): Promise<boolean> {
  if (actor.kind === 'command-line') return true
  const rotatable = await lockCaller(query, actor)
  return rotatable?.session.account.roles.includes(administratorRole) === true
}

/** The event of a decision, with who and why. */
export function appendDecision(
  query: Query,
  kind: EventKind,
  { accountId, actor, reason }: Decision,
): Promise<void> {
  return appendEvent(query, { kind, accountId, actor: actorName(actor), reason })
}
