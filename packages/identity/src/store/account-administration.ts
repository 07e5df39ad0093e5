import { administratorRole } from '@portcullis/protocol'
import type { RevocationPosition } from '@portcullis/protocol/revocations'
import type {
  AccountAdministration,
  Deletion,
  DeletionOutcome,
  ForcedReset,
  ForcedResetOutcome,
  NewAccountRow,
  ProfileChange,
  ProfileOutcome,
  RolesOutcome,
} from '../domain/account-administration.ts'
import type { Decision } from '../domain/accounts.ts'
import { applyAttributeChanges, lostAttributes } from '../domain/attributes.ts'
import { insertLink } from './account-links.ts'
import { appendDecision, buryAccount, otherAdministrators, raiseFloor } from './accounts.ts'
import { attributes, integer, list, optionalText, text } from './columns.ts'
import type { Database, Query, Row } from './database.ts'
import { appendEvent } from './events.ts'
import type { Revoke, RevokingTransaction } from './revocations.ts'
import { currentPosition } from './revocations.ts'

export function createAccountAdministration(
  database: Database,
  transaction: RevokingTransaction,
): AccountAdministration {
  return {
    create: (account) => database.transaction((query) => create(query, account)),
    setRoles: (decision, roles) =>
      transaction((query, revoke) => setRoles(query, revoke, { ...decision, roles })),
    changeProfile: (change) => transaction((query, revoke) => changeProfile(query, revoke, change)),
    delete: (deletion) => transaction((query, revoke) => deleteAccount(query, revoke, deletion)),
    logOut: (decision) => transaction((query, revoke) => logOut(query, revoke, decision)),
    forceReset: (reset) => transaction((query, revoke) => forceReset(query, revoke, reset)),
  }
}

async function create(
  query: Query,
  account: NewAccountRow,
): Promise<{ readonly kind: 'created' | 'taken' }> {
  const { id: accountId, email, actor, reason, link } = account
  const [row] = await query(
    `INSERT INTO accounts (id, identifier, password_hash, email, roles, attributes, unconfirmed,
                           generation, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, 0, statement_now())
     ON CONFLICT (identifier) DO NOTHING
     RETURNING login_floor + (SELECT base FROM revocation_head) AS floor`,
    [
      accountId,
      account.identifier,
      account.passwordHash,
      email ?? null,
      JSON.stringify(account.roles),
      JSON.stringify(account.attributes),
      account.isUnconfirmed ? 1 : 0,
    ],
  )
  if (row === undefined) return { kind: 'taken' }
  if (link !== undefined && email !== undefined) {
    const floor = integer(row, 'floor')
    await insertLink(query, { ...link, accountId, purpose: 'reset', email, floor })
  }
  await appendEvent(query, { kind: 'account-created', accountId, actor, reason })
  return { kind: 'created' }
}

/** The row as nobody else can change it before the transaction is over. */
async function lockAccount(query: Query, accountId: string): Promise<Row | undefined> {
  const [row] = await query(
    `SELECT email, password_hash, roles, attributes FROM accounts
     WHERE id = $1 AND deleted_at IS NULL FOR UPDATE`,
    [accountId],
  )
  return row
}

async function setRoles(
  query: Query,
  revoke: Revoke,
  { roles, ...decision }: Decision & { readonly roles: readonly string[] },
): Promise<RolesOutcome> {
  const { accountId } = decision
  // Before the account itself, as in `block`: of two who dismiss each other one stays.
  const others = roles.includes(administratorRole)
    ? undefined
    : await otherAdministrators(query, accountId)
  const row = await lockAccount(query, accountId)
  if (row === undefined) return { kind: 'unknown' }
  const before = list(row, 'roles')
  const lost = before.filter((role) => !roles.includes(role))
  if (lost.includes(administratorRole) && others === 0) return { kind: 'last-administrator' }
  if (lost.length === 0 && roles.every((role) => before.includes(role))) {
    return { kind: 'changed', position: await currentPosition(query) }
  }
  await query('UPDATE accounts SET roles = $2 WHERE id = $1', [accountId, JSON.stringify(roles)])
  await appendDecision(query, 'roles-changed', decision)
  const position =
    lost.length > 0 ? await voidTokens(query, revoke, accountId) : await currentPosition(query)
  return { kind: 'changed', position }
}

/**
 * Every access token from before, and no session: the next refresh carries what is true now. One write and
 * one record, however many sessions there are.
 */
async function voidTokens(
  query: Query,
  revoke: Revoke,
  accountId: string,
): Promise<RevocationPosition> {
  const [row] = await query(
    `UPDATE accounts SET generation = generation + 1 WHERE id = $1
     RETURNING generation + (SELECT base FROM revocation_head) AS floor`,
    [accountId],
  )
  if (row === undefined) throw new TypeError('an account vanished while it was locked')
  return revoke({ kind: 'account', key: accountId, floor: integer(row, 'floor') })
}

async function changeProfile(
  query: Query,
  revoke: Revoke,
  { attributes: changes, email: newEmail, attributesInClaims, ...decision }: ProfileChange,
): Promise<ProfileOutcome> {
  const { accountId } = decision
  const row = await lockAccount(query, accountId)
  if (row === undefined) return { kind: 'unknown' }
  const before = attributes(row)
  const after = applyAttributeChanges(before, changes)
  if (after === undefined) return { kind: 'attributes-too-large' }
  const oldEmail = optionalText(row, 'email')
  const email = newEmail === undefined ? oldEmail : (newEmail ?? undefined)

  if (email !== oldEmail) {
    await query('UPDATE accounts SET email = $2, email_verified_at = NULL WHERE id = $1', [
      accountId,
      email ?? null,
    ])
    await query('DELETE FROM account_links WHERE account_id = $1', [accountId])
    await appendDecision(query, 'email-changed', decision)
  }
  const lost = lostAttributes(before, after)
  if (lost.length > 0 || Object.keys(after).length > Object.keys(before).length) {
    await query('UPDATE accounts SET attributes = $2 WHERE id = $1', [
      accountId,
      JSON.stringify(after),
    ])
    await appendDecision(query, 'attributes-changed', decision)
  }
  const position = lost.some((name) => attributesInClaims.has(name))
    ? await voidTokens(query, revoke, accountId)
    : await currentPosition(query)
  return { kind: 'changed', attributes: after, email, position }
}

async function deleteAccount(
  query: Query,
  revoke: Revoke,
  { accountId, checkedHash, actor, reason }: Deletion,
): Promise<DeletionOutcome> {
  const others = await otherAdministrators(query, accountId)
  const row = await lockAccount(query, accountId)
  if (row === undefined) return { kind: 'unknown' }
  if (checkedHash !== undefined && text(row, 'password_hash') !== checkedHash) {
    return { kind: 'superseded' }
  }
  if (list(row, 'roles').includes(administratorRole) && others === 0) {
    return { kind: 'last-administrator' }
  }
  await buryAccount(query, accountId)
  const floor = await raiseFloor(query, accountId)
  if (floor === undefined) return { kind: 'unknown' }
  await appendEvent(query, { kind: 'account-deleted', accountId, actor, reason })
  return { kind: 'deleted', position: await revoke({ kind: 'account', key: accountId, floor }) }
}

async function logOut(
  query: Query,
  revoke: Revoke,
  decision: Decision,
): Promise<RevocationPosition | undefined> {
  const { accountId } = decision
  const row = await lockAccount(query, accountId)
  const floor = row && (await raiseFloor(query, accountId))
  if (floor === undefined) return undefined
  await appendDecision(query, 'all-sessions-ended', decision)
  return revoke({ kind: 'account', key: accountId, floor })
}

async function forceReset(
  query: Query,
  revoke: Revoke,
  { unmatchableHash, link, ...decision }: ForcedReset,
): Promise<ForcedResetOutcome> {
  const { accountId } = decision
  const others = await otherAdministrators(query, accountId)
  const row = await lockAccount(query, accountId)
  if (row === undefined) return { kind: 'unknown' }
  // A mail that never arrives would leave nobody who could sign in.
  if (list(row, 'roles').includes(administratorRole) && others === 0) {
    return { kind: 'last-administrator' }
  }
  const email = optionalText(row, 'email')
  if (email === undefined) return { kind: 'no-email' }
  await query('UPDATE accounts SET password_hash = $2 WHERE id = $1', [accountId, unmatchableHash])
  const floor = await raiseFloor(query, accountId)
  if (floor === undefined) return { kind: 'unknown' }
  await query('DELETE FROM account_links WHERE account_id = $1', [accountId])
  await insertLink(query, { ...link, accountId, purpose: 'reset', email, floor })
  await appendDecision(query, 'reset-forced', decision)
  const position = await revoke({ kind: 'account', key: accountId, floor })
  return { kind: 'reset', email, position }
}
