import { administratorRole } from '@portcullis/protocol'
import type { Decision } from '../domain/accounts.ts'
import type { Actor, Superseded } from '../domain/actors.ts'
import { noPasswordHash } from '../domain/passwords.ts'
import { integer, list, optionalInteger, text } from './columns.ts'
import type { Query, Row } from './database.ts'
import type { EventKind } from './events.ts'
import { appendEvent, decidedBy } from './events.ts'
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
  const rows = await lockAccounts(query, [accountId], { actor, mayDismiss })
  const row = rows.find(({ id }) => id === accountId)
  if (row === undefined || optionalInteger(row, 'deleted_at') !== undefined) return undefined
  const isLastAdministrator =
    mayDismiss && isAdministrator(row) && !rows.some((one) => one !== row && canDecide(one))
  return { kind: 'target', row, isLastAdministrator }
}

/**
 * The same for many whom one decision is about, the actor and, for what `mayDismiss`, all administrators among
 * the rows that are answered. Those that were deleted are left out.
 */
export async function lockTargets(
  query: Query,
  accountIds: readonly string[],
  { actor, mayDismiss = false }: { readonly actor: Actor; readonly mayDismiss?: boolean },
): Promise<readonly Row[]> {
  const rows = await lockAccounts(query, accountIds, { actor, mayDismiss })
  return rows.filter((row) => optionalInteger(row, 'deleted_at') === undefined)
}

function lockAccounts(
  query: Query,
  accountIds: readonly string[],
  { actor, mayDismiss }: { readonly actor: Actor | undefined; readonly mayDismiss: boolean },
): Promise<readonly Row[]> {
  const needed = actor?.kind === 'administrator' ? [...accountIds, actor.accountId] : accountIds
  const ids = mayDismiss ? `${idsOf('$1')} UNION ${idsOfAdministrators}` : idsOf('$1')
  return query(
    `SELECT id, email, password_hash, roles, attributes, unconfirmed, blocked_at, deleted_at FROM accounts
     WHERE id IN (${ids}) ORDER BY id FOR UPDATE`,
    [JSON.stringify(needed)],
  )
}

/** The texts of a parameter that is a list of them as JSON: one statement, whatever their number. */
export function idsOf(place: `$${number}`): string {
  return `SELECT value FROM json_array_elements_text(${place}::json)`
}

/** There is an index for exactly this text. */
const idsOfAdministrators = `
  SELECT id FROM accounts WHERE roles LIKE '%"${administratorRole}"%' AND blocked_at IS NULL`

export function isAdministrator(row: Row): boolean {
  return list(row, 'roles').includes(administratorRole)
}

/** Who was invited and has chosen no password yet may never do so. */
export function canDecide(row: Row): boolean {
  return (
    isAdministrator(row) &&
    integer(row, 'unconfirmed') === 0 &&
    text(row, 'password_hash') !== noPasswordHash &&
    optionalInteger(row, 'blocked_at') === undefined
  )
}

/** Whether somebody may still decide; nobody can change that before the transaction is over. */
export async function isStillActor(query: Query, actor: Actor): Promise<boolean> {
  if (actor.kind !== 'administrator') return true
  const rotatable = await lockCaller(query, actor)
  return rotatable?.session.account.roles.includes(administratorRole) === true
}

/** The event of a decision, with who and why. */
export function appendDecision(
  query: Query,
  kind: EventKind,
  { accountId, actor, reason }: Decision,
): Promise<void> {
  return appendEvent(query, { kind, accountId, ...decidedBy({ actor, reason }) })
}
