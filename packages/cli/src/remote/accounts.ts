import type { AccountFilter, AccountInfo } from '@portcullis/client/admin'
import { CommandError } from '../command-error.ts'
import type { PasswordOptions } from '../given-password.ts'
import { readPassword } from '../given-password.ts'
import { namesIn } from '../given-text.ts'
import { asAdministrator } from './administration.ts'
import { findAccount } from './named.ts'
import type { DecisionOptions, RemoteOptions } from './credentials.ts'
import { readAdministrator } from './credentials.ts'
import type { Revoked, WaitOptions } from './receipts.ts'
import { sayRevoked, withReceipts } from './receipts.ts'
import { say } from './said.ts'
import type { Column } from './table.ts'
import { printJsonList, printTable } from './table.ts'

export interface ListOptions extends RemoteOptions {
  readonly identifier?: string
  readonly prefix?: string
  readonly role?: string
  readonly blocked?: true
  readonly unconfirmed?: true
  readonly createdAfter?: Date
  readonly createdBefore?: Date
}

/** Prints every account that fits, the newest first. */
export async function runList(options: ListOptions): Promise<void> {
  await asAdministrator(readAdministrator(options), ({ accounts }) => {
    const found = accounts.list(filterOf(options))
    return options.json === true
      ? printJsonList('accounts', membersOfAll(found), process.stdout)
      : printTable(found, columns, process.stdout)
  })
}

function filterOf(options: ListOptions): AccountFilter {
  const { identifier, prefix, role, blocked, unconfirmed, createdAfter, createdBefore } = options
  return {
    ...(identifier === undefined ? {} : { identifier }),
    ...(prefix === undefined ? {} : { identifierPrefix: prefix }),
    ...(role === undefined ? {} : { role }),
    ...(blocked === undefined ? {} : { isBlocked: blocked }),
    ...(unconfirmed === undefined ? {} : { isUnconfirmed: unconfirmed }),
    ...(createdAfter === undefined ? {} : { createdAfter }),
    ...(createdBefore === undefined ? {} : { createdBefore }),
  }
}

const columns: readonly Column<AccountInfo>[] = [
  { title: 'IDENTIFIER', of: ({ identifier }) => identifier },
  { title: 'ROLES', of: ({ roles }) => roles },
  { title: 'BLOCKED', of: ({ isBlocked }) => isBlocked },
  { title: 'UNCONFIRMED', of: ({ isUnconfirmed }) => isUnconfirmed },
  { title: 'CREATED_AT', of: ({ createdAt }) => createdAt },
  { title: 'ID', of: ({ id }) => id },
]

async function* membersOfAll(accounts: AsyncIterable<AccountInfo>): AsyncGenerator<object> {
  for await (const account of accounts) {
    const { id, identifier, email, roles, attributes } = account
    yield {
      id,
      identifier,
      email,
      email_verified: account.isEmailVerified,
      roles,
      attributes,
      blocked: account.isBlocked,
      unconfirmed: account.isUnconfirmed,
      created_at: account.createdAt,
    }
  }
}

/** Lets the person sign in again. What was ended stays ended. */
export async function runUnblock(identifier: string, options: DecisionOptions): Promise<void> {
  const { reason } = options
  await asAdministrator(readAdministrator(options), async (administration) => {
    const { id } = await findAccount(administration, identifier)
    await administration.accounts.unblock(id, { reason })
  })
  say(options, { identifier, blocked: false }, `${identifier} can sign in again`)
}

export interface CreationOptions extends RemoteOptions, PasswordOptions {
  readonly email?: string
  readonly roles?: string
  readonly reason?: string
}

/** Makes an account. Without a password its owner chooses one, by a link to the address. */
export async function runCreate(identifier: string, options: CreationOptions): Promise<void> {
  const password = await readPassword(options)
  const { email, roles, reason } = options
  if (password === undefined && email === undefined && !identifier.includes('@')) {
    const remedy = 'Name --email, where a link is sent to, or --password-stdin or --password-file.'
    throw new CommandError(2, 'there is no password, and no address to send a link to', remedy)
  }
  const account = {
    identifier,
    ...(password === undefined ? {} : { password }),
    ...(email === undefined ? {} : { email }),
    ...(roles === undefined ? {} : { roles: namesIn(roles) }),
    ...(reason === undefined ? {} : { reason }),
  }
  const made = await asAdministrator(readAdministrator(options), ({ accounts }) =>
    accounts.create(account),
  )
  const how = password === undefined ? 'chooses a password by the link that is sent' : 'can sign in'
  say(options, made, `${identifier} ${how}`)
}

export interface RolesOptions extends DecisionOptions, WaitOptions {
  readonly set: string
}

/** Gives an account these roles and no others. What is taken away is in no token that is accepted. */
export async function runRoles(identifier: string, options: RolesOptions): Promise<void> {
  const { set, reason } = options
  const roles = namesIn(set)
  const revoked = await asAdministrator(readAdministrator(options), async (administration) => {
    const { id } = await findAccount(administration, identifier)
    const revocation = await administration.accounts.setRoles(id, { roles, reason })
    return withReceipts(administration, revocation, options)
  })
  const which = roles.length === 0 ? 'no roles' : `the roles ${roles.join(', ')}`
  await sayRevoked(options, { identifier, roles }, `${identifier} has ${which}`, revoked)
}

/** Ends every session, makes the password worthless and sends a link for another one. */
export async function runReset(
  identifier: string,
  options: DecisionOptions & WaitOptions,
): Promise<void> {
  const revoked = await decide(identifier, options, 'reset')
  const sentence = `${identifier} is signed out and chooses a password by the link that is sent`
  await sayRevoked(options, { identifier }, sentence, revoked)
}

/** Deletes an account for good. */
export async function runDelete(
  identifier: string,
  options: DecisionOptions & WaitOptions,
): Promise<void> {
  const revoked = await decide(identifier, options, 'delete')
  await sayRevoked(options, { identifier, deleted: true }, `${identifier} is deleted`, revoked)
}

function decide(
  identifier: string,
  options: DecisionOptions & WaitOptions,
  decision: 'reset' | 'delete',
): Promise<Revoked> {
  const { reason } = options
  return asAdministrator(readAdministrator(options), async (administration) => {
    const { id } = await findAccount(administration, identifier)
    const revocation = await administration.accounts[decision](id, { reason })
    return withReceipts(administration, revocation, options)
  })
}
