import { administratorRole } from '@portcullis/protocol'
import type { RevocationPosition } from '@portcullis/protocol/revocations'
import type {
  AccountAdministration,
  CreatedAccount,
  CreationDecision,
  DeletionOutcome,
  ForcedReset,
  ForcedResetOutcome,
  LogOutOutcome,
  NewAccountRow,
  OwnDeletion,
  ProfileChange,
  ProfileOutcome,
  RolesOutcome,
} from '../domain/account-administration.ts'
import type { Decision, EndedSessions } from '../domain/accounts.ts'
import type { Superseded } from '../domain/actors.ts'
import { applyAttributeChanges, lostAttributes } from '../domain/attributes.ts'
import { noPasswordHash } from '../domain/passwords.ts'
import { insertLink } from './account-links.ts'
import { buryAccount, forgetLinks, raiseFloor } from './accounts.ts'
import { attributes, integer, list, optionalText, text } from './columns.ts'
import type { Database, Query } from './database.ts'
import type { LockedTarget } from './decisions.ts'
import { appendDecision, isStillActor, lockDecided, lockTarget, superseded } from './decisions.ts'
import { raiseBase } from './epochs.ts'
import type { StoredEvent } from './events.ts'
import { appendEvent, decidedBy } from './events.ts'
import type { Revoke, RevokingTransaction } from './revocations.ts'
import { currentPosition } from './revocations.ts'
import { lockCaller } from './sessions.ts'
import { insertOverUnconfirmed } from './unconfirmed-accounts.ts'

export function createAccountAdministration(
  database: Database,
  transaction: RevokingTransaction,
): AccountAdministration {
  return {
    create: (account) => database.transaction((query) => create(query, account)),
    createFor: (account, decision) =>
      database.transaction((query) => createFor(query, account, decision)),
    setRoles: (decision, roles) =>
      transaction((query, revoke) => setRoles(query, revoke, { ...decision, roles })),
    changeProfile: (change) => transaction((query, revoke) => changeProfile(query, revoke, change)),
    delete: (decision) => transaction((query, revoke) => deleteAccount(query, revoke, decision)),
    deleteOwn: (deletion) => transaction((query, revoke) => deleteOwn(query, revoke, deletion)),
    logOut: (decision) => transaction((query, revoke) => logOut(query, revoke, decision)),
    logOutEverybody: (decision) =>
      transaction((query, revoke) => logOutEverybody(query, revoke, decision)),
    forceReset: (reset) => transaction((query, revoke) => forceReset(query, revoke, reset)),
  }
}

async function create(query: Query, account: NewAccountRow): Promise<CreatedAccount> {
  const floor = await insertAccount(query, account)
  if (floor === undefined) return { kind: 'taken' }
  // Strangers make as many of the others as they like: those come into the record when somebody confirms them.
  if (!account.isUnconfirmed) {
    await appendEvent(query, { kind: 'account-created', accountId: account.id })
  }
  return { kind: 'created' }
}

async function createFor(
  query: Query,
  account: NewAccountRow,
  { actor, reason, link }: CreationDecision,
): Promise<CreatedAccount | Superseded> {
  if (!(await isStillActor(query, actor))) return superseded
  const { id: accountId, identifier, email } = account
  const { inserted: floor, buried } = await insertOverUnconfirmed(query, identifier, () =>
    insertAccount(query, account),
  )
  if (floor === undefined) return { kind: 'taken' }
  if (link !== undefined && email !== undefined) {
    await insertLink(query, { ...link, accountId, purpose: 'reset', email, floor })
  }
  const decided = decidedBy({ actor, reason })
  if (buried !== undefined) {
    await appendEvent(query, { kind: 'account-deleted', accountId: buried, ...decided })
  }
  await appendEvent(query, { kind: 'account-created', accountId, ...decided })
  return { kind: 'created' }
}

/** Answers the floor that links of the account are bound to; undefined when the identifier is taken. */
async function insertAccount(query: Query, account: NewAccountRow): Promise<number | undefined> {
  const [row] = await query(
    `INSERT INTO accounts (id, identifier, password_hash, email, roles, attributes, unconfirmed,
                           generation, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, 0, statement_now())
     ON CONFLICT (identifier) DO NOTHING
     RETURNING login_floor + (SELECT base FROM revocation_head) AS floor`,
    [
      account.id,
      account.identifier,
      account.passwordHash,
      account.email ?? null,
      JSON.stringify(account.roles),
      JSON.stringify(account.attributes),
      account.isUnconfirmed ? 1 : 0,
    ],
  )
  return row === undefined ? undefined : integer(row, 'floor')
}

async function setRoles(
  query: Query,
  revoke: Revoke,
  { roles, ...decision }: Decision & { readonly roles: readonly string[] },
): Promise<RolesOutcome> {
  const { accountId } = decision
  const mayDismiss = !roles.includes(administratorRole)
  const decided = await lockDecided(query, decision, mayDismiss)
  if (decided.kind !== 'target') return decided
  if (decided.isLastAdministrator) return { kind: 'last-administrator' }
  const before = list(decided.row, 'roles')
  const lost = before.filter((role) => !roles.includes(role))
  if (lost.length === 0 && roles.every((role) => before.includes(role))) {
    // Asked again, after an answer that was lost: by then it may have been taken away.
    return { kind: 'changed', position: await currentPosition(query) }
  }
  await query('UPDATE accounts SET roles = $2 WHERE id = $1', [accountId, JSON.stringify(roles)])
  await appendDecision(query, 'roles-changed', decision)
  const position = lost.length > 0 ? await voidTokens(query, revoke, accountId) : undefined
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
  const decided = await lockDecided(query, decision)
  if (decided.kind !== 'target') return decided
  const { row } = decided
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
    await forgetLinks(query, accountId)
    await appendDecision(query, 'email-changed', decision)
  }
  const lost = lostAttributes(before, after)
  const isOther = lost.length > 0 || Object.keys(after).length > Object.keys(before).length
  if (isOther) {
    await query('UPDATE accounts SET attributes = $2 WHERE id = $1', [
      accountId,
      JSON.stringify(after),
    ])
    await appendDecision(query, 'attributes-changed', decision)
  }
  const isAskedAgain = !isOther && email === oldEmail
  const position = lost.some((name) => attributesInClaims.has(name))
    ? await voidTokens(query, revoke, accountId)
    : isAskedAgain
      ? await currentPosition(query)
      : undefined
  const formerEmail = email === oldEmail ? undefined : oldEmail
  return { kind: 'changed', attributes: after, email, formerEmail, position }
}

async function deleteAccount(
  query: Query,
  revoke: Revoke,
  decision: Decision,
): Promise<DeletionOutcome> {
  const decided = await lockDecided(query, decision, true)
  if (decided.kind !== 'target') return decided
  return deleteLocked(query, revoke, decided, {
    accountId: decision.accountId,
    ...decidedBy(decision),
  })
}

async function deleteOwn(
  query: Query,
  revoke: Revoke,
  { caller, checkedHash }: OwnDeletion,
): Promise<DeletionOutcome> {
  const { accountId } = caller
  const locked = await lockTarget(query, { accountId, mayDismiss: true })
  if (locked === undefined) return { kind: 'unknown' }
  const isCurrent =
    (await lockCaller(query, caller)) !== undefined &&
    text(locked.row, 'password_hash') === checkedHash
  return isCurrent
    ? deleteLocked(query, revoke, locked, { accountId, network: caller.network })
    : superseded
}

async function deleteLocked(
  query: Query,
  revoke: Revoke,
  { isLastAdministrator }: LockedTarget,
  event: Omit<StoredEvent, 'kind'> & { readonly accountId: string },
): Promise<DeletionOutcome> {
  const { accountId } = event
  if (isLastAdministrator) return { kind: 'last-administrator' }
  await buryAccount(query, accountId)
  const floor = await raiseFloor(query, accountId)
  if (floor === undefined) return { kind: 'unknown' }
  await appendEvent(query, { kind: 'account-deleted', ...event })
  return { kind: 'deleted', position: await revoke({ kind: 'account', key: accountId, floor }) }
}

async function logOut(query: Query, revoke: Revoke, decision: Decision): Promise<LogOutOutcome> {
  const { accountId } = decision
  const decided = await lockDecided(query, decision)
  if (decided.kind !== 'target') return decided
  const floor = await raiseFloor(query, accountId)
  if (floor === undefined) return { kind: 'unknown' }
  await forgetLinks(query, accountId)
  await appendDecision(query, 'all-sessions-ended', decision)
  return { kind: 'ended', position: await revoke({ kind: 'account', key: accountId, floor }) }
}

async function logOutEverybody(
  query: Query,
  revoke: Revoke,
  { actor, reason }: Omit<Decision, 'accountId'>,
): Promise<EndedSessions> {
  if (!(await isStillActor(query, actor))) return superseded
  await appendEvent(query, { kind: 'all-sessions-ended', ...decidedBy({ actor, reason }) })
  const floor = await raiseBase(query)
  return { kind: 'ended', position: await revoke({ kind: 'all', key: '', floor }) }
}

async function forceReset(
  query: Query,
  revoke: Revoke,
  { link, ...decision }: ForcedReset,
): Promise<ForcedResetOutcome> {
  const { accountId } = decision
  const decided = await lockDecided(query, decision, true)
  if (decided.kind !== 'target') return decided
  // A mail that never arrives would leave nobody who could sign in.
  if (decided.isLastAdministrator) return { kind: 'last-administrator' }
  const email = optionalText(decided.row, 'email')
  if (email === undefined) return { kind: 'no-email' }
  await query('UPDATE accounts SET password_hash = $2 WHERE id = $1', [accountId, noPasswordHash])
  const floor = await raiseFloor(query, accountId)
  if (floor === undefined) return { kind: 'unknown' }
  await forgetLinks(query, accountId)
  await insertLink(query, { ...link, accountId, purpose: 'reset', email, floor })
  await appendDecision(query, 'reset-forced', decision)
  const position = await revoke({ kind: 'account', key: accountId, floor })
  return { kind: 'reset', email, position }
}
