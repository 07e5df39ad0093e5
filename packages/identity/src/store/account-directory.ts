import type {
  AccountCursor,
  AccountDirectory,
  AccountFacts,
  AccountFilter,
  AccountList,
  AccountPage,
  ListedAccount,
} from '../domain/account-directory.ts'
import { attributes, integer, list, optionalInteger, optionalText, text } from './columns.ts'
import type { Conditions } from './conditions.ts'
import { createConditions } from './conditions.ts'
import type { Database, Query, Row } from './database.ts'

export function createAccountDirectory({ read }: Pick<Database, 'read'>): AccountDirectory {
  return {
    list: (filter, page) => listAccounts(read, filter, page),
    find: (accountId) => findAccount(read, accountId),
  }
}

const listed = `id, identifier, email, email_verified_at, roles, attributes, blocked_at, unconfirmed, created_at`
const newestFirst = 'ORDER BY created_at DESC, id DESC'

async function listAccounts(
  read: Query,
  filter: AccountFilter,
  { limit, after }: AccountPage,
): Promise<AccountList> {
  const conditions = conditionsOf(filter)
  if (after !== undefined) conditions.add('(created_at, id) < (?, ?)', after.createdAt, after.id)
  const { role, identifierPrefix: prefix } = filter
  const isSearched = prefix !== undefined && (await hasMany(read, prefix))
  if (prefix !== undefined && !isSearched) addPrefix(conditions, 'identifier', prefix)
  const end = role !== undefined || isSearched ? await endOfPage(read, conditions) : undefined
  if (end !== undefined) conditions.add('(created_at, id) >= (?, ?)', end.createdAt, end.id)
  // As no index has it, so that none is tried.
  if (isSearched) addPrefix(conditions, "(identifier || '')", prefix)
  // Not LIKE, in which an underscore is any letter and, in SQLite, a capital is none.
  if (role !== undefined) conditions.add("replace(roles, ?, '') <> roles", JSON.stringify(role))
  const rows = await read(
    `SELECT ${listed} FROM accounts WHERE ${conditions.text()}
     ${newestFirst} LIMIT ${conditions.place(limit + 1)}`,
    conditions.values(),
  )
  const accounts = rows.slice(0, limit).map(listedAccountOf)
  return { accounts, next: rows.length > limit ? accounts.at(-1) : end }
}

function conditionsOf(filter: AccountFilter): Conditions {
  const { identifier, isBlocked, isUnconfirmed } = filter
  const conditions = createConditions()
  conditions.add('deleted_at IS NULL')
  if (identifier !== undefined) conditions.add('identifier = ?', identifier)
  if (isBlocked !== undefined) conditions.add(`blocked_at IS ${isBlocked ? 'NOT ' : ''}NULL`)
  if (isUnconfirmed !== undefined) conditions.add(`unconfirmed = ${isUnconfirmed ? 1 : 0}`)
  if (filter.createdAfter !== undefined) conditions.add('created_at > ?', filter.createdAfter)
  if (filter.createdBefore !== undefined) conditions.add('created_at < ?', filter.createdBefore)
  return conditions
}

/** By octets, where everything with this beginning stands together: so there is no pattern to escape. */
function addPrefix(conditions: Conditions, identifier: string, prefix: string): void {
  conditions.add(`${identifier} COLLATE "C" >= ?`, prefix)
  conditions.add(`${identifier} COLLATE "C" < ?`, `${prefix}${lastCharacter}`)
}

/** In no identifier, and behind all that are. */
const lastCharacter = '\u{10FFFF}'

/** How many accounts are put in order for one page, or searched for those that fit: a few milliseconds. */
const searchedMax = 10_000

/** Whether so many begin like that that they are found as fast one by one. */
async function hasMany(read: Query, prefix: string): Promise<boolean> {
  const conditions = createConditions()
  addPrefix(conditions, 'identifier', prefix)
  const rows = await read(
    `SELECT 1 AS one FROM accounts WHERE ${conditions.text()} LIMIT 1 OFFSET ${searchedMax}`,
    conditions.values(),
  )
  return rows.length > 0
}

/** The last account that such a page looks at; undefined when it comes to the end. */
async function endOfPage(read: Query, conditions: Conditions): Promise<AccountCursor | undefined> {
  const [row] = await read(
    `SELECT created_at, id FROM accounts WHERE ${conditions.text()}
     ${newestFirst} LIMIT 1 OFFSET ${searchedMax - 1}`,
    conditions.values(),
  )
  return row && { createdAt: integer(row, 'created_at'), id: text(row, 'id') }
}

async function findAccount(read: Query, accountId: string): Promise<AccountFacts | undefined> {
  const [row] = await read(
    `SELECT ${listed},
            (SELECT max(authenticated_at) FROM sessions WHERE account_id = accounts.id) AS last_login_at
     FROM accounts WHERE id = $1 AND deleted_at IS NULL`,
    [accountId],
  )
  return row && { ...listedAccountOf(row), lastLoginAt: optionalInteger(row, 'last_login_at') }
}

function listedAccountOf(row: Row): ListedAccount {
  return {
    id: text(row, 'id'),
    identifier: text(row, 'identifier'),
    email: optionalText(row, 'email'),
    isEmailVerified: optionalInteger(row, 'email_verified_at') !== undefined,
    roles: list(row, 'roles'),
    attributes: attributes(row),
    isBlocked: optionalInteger(row, 'blocked_at') !== undefined,
    isUnconfirmed: integer(row, 'unconfirmed') === 1,
    createdAt: integer(row, 'created_at'),
  }
}
