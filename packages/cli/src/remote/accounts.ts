import type { AccountFilter, AccountInfo, Administration } from '@portcullis/client/admin'
import type { RevocationPosition } from '@portcullis/protocol'
import { CommandError } from '../command-error.ts'
import type { PasswordOptions } from '../given-password.ts'
import { readPassword } from '../given-password.ts'
import { namesIn } from '../given-text.ts'
import { printable } from '../printable.ts'
import { asAdministrator } from './administration.ts'
import { accountOf, findAccount } from './named.ts'
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
  await asAdministrator(readAdministrator(options), async (administration) => {
    const { identifier: name } = options
    const account = name === undefined ? undefined : await accountOf(administration, name)
    const identifier = account?.identifier ?? name
    const found = administration.accounts.list(
      filterOf({ ...options, ...(identifier === undefined ? {} : { identifier }) }),
    )
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
export async function runUnblock(name: string, options: DecisionOptions): Promise<void> {
  const { reason } = options
  const identifier = await asAdministrator(readAdministrator(options), async (administration) => {
    const account = await findAccount(administration, name)
    await administration.accounts.unblock(account.id, { reason })
    return account.identifier
  })
  say(options, { identifier, blocked: false }, `${printable(identifier)} can sign in again`)
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
export async function runRoles(name: string, options: RolesOptions): Promise<void> {
  const { set, reason } = options
  const roles = namesIn(set)
  const { identifier, revoked } = await decide(name, options, ({ accounts }, id) =>
    accounts.setRoles(id, { roles, reason }),
  )
  const which = roles.length === 0 ? 'no roles' : `the roles ${roles.join(', ')}`
  await sayRevoked(options, { identifier, roles }, `${printable(identifier)} has ${which}`, revoked)
}

/** Ends every session, makes the password worthless and sends a link for another one. */
export async function runReset(
  name: string,
  options: DecisionOptions & WaitOptions,
): Promise<void> {
  const { reason } = options
  const { identifier, revoked } = await decide(name, options, ({ accounts }, id) =>
    accounts.reset(id, { reason }),
  )
  const sentence = `${printable(identifier)} is signed out and chooses a password by the link that is sent`
  await sayRevoked(options, { identifier }, sentence, revoked)
}

/** Deletes an account for good. */
export async function runDelete(
  name: string,
  options: DecisionOptions & WaitOptions,
): Promise<void> {
  const { reason } = options
  const { identifier, revoked } = await decide(name, options, ({ accounts }, id) =>
    accounts.delete(id, { reason }),
  )
  const sentence = `${printable(identifier)} is deleted`
  await sayRevoked(options, { identifier, deleted: true }, sentence, revoked)
}

interface Decided {
  /** What the account is called, whether it was named so or by its id. */
  readonly identifier: string
  /** Undefined when nothing had to be taken back. */
  readonly revoked: Revoked | undefined
}

function decide(
  name: string,
  options: DecisionOptions & WaitOptions,
  decision: (administration: Administration, id: string) => Promise<RevocationPosition | undefined>,
): Promise<Decided> {
  return asAdministrator(readAdministrator(options), async (administration) => {
    const { id, identifier } = await findAccount(administration, name)
    const revocation = await decision(administration, id)
    const revoked = revocation && (await withReceipts(administration, revocation, options))
    return { identifier, revoked }
  })
}
