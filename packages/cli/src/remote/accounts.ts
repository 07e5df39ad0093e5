import { CommandError } from '../command-error.ts'
import type { PasswordOptions } from '../given-password.ts'
import { readPassword } from '../given-password.ts'
import type { Administration } from './administration.ts'
import { asAdministrator } from './administration.ts'
import type { RemoteOptions } from './credentials.ts'
import { readAdministrator } from './credentials.ts'

export interface DecisionOptions extends RemoteOptions {
  readonly reason: string
}

/** Blocks an account: every session and token of it ends at once. */
export async function runBlock(identifier: string, options: DecisionOptions): Promise<void> {
  const answer = await asAdministrator(readAdministrator(options), async (administration) => {
    const id = await accountId(administration, identifier)
    const { reason } = options
    return administration.ask('POST', `/admin/accounts/${id}/block`, { reason })
  })
  say(options, { identifier, blocked: true, ...answer }, `${identifier} is blocked`)
}

/** Lets the person sign in again. What was ended stays ended. */
export async function runUnblock(identifier: string, options: DecisionOptions): Promise<void> {
  await asAdministrator(readAdministrator(options), async (administration) => {
    const id = await accountId(administration, identifier)
    const { reason } = options
    return administration.ask('POST', `/admin/accounts/${id}/unblock`, { reason })
  })
  say(options, { identifier, blocked: false }, `${identifier} can sign in again`)
}

export interface CreationOptions extends RemoteOptions, PasswordOptions {
  readonly email?: string
  readonly roles?: string
}

/** Makes an account. Without a password its owner chooses one, by a link to the address. */
export async function runCreate(identifier: string, options: CreationOptions): Promise<void> {
  const password = await readPassword(options)
  if (password === undefined && options.email === undefined && !identifier.includes('@')) {
    const remedy = 'Name --email, where a link is sent to, or --password-stdin or --password-file.'
    throw new CommandError(2, 'there is no password, and no address to send a link to', remedy)
  }
  const answer = await asAdministrator(readAdministrator(options), ({ ask }) =>
    ask('POST', '/admin/accounts', {
      identifier,
      password,
      email: options.email,
      roles: options.roles === undefined ? undefined : namesIn(options.roles),
    }),
  )
  const how = password === undefined ? 'chooses a password by the link that is sent' : 'can sign in'
  say(options, answer, `${identifier} ${how}`)
}

export interface RolesOptions extends DecisionOptions {
  readonly set: string
}

/** Gives an account these roles and no others. What is taken away is in no token that is accepted. */
export async function runRoles(identifier: string, options: RolesOptions): Promise<void> {
  const { set, reason } = options
  const roles = namesIn(set)
  const answer = await asAdministrator(readAdministrator(options), async (administration) => {
    const id = await accountId(administration, identifier)
    return administration.ask('POST', `/admin/accounts/${id}/roles`, { roles, reason })
  })
  const which = roles.length === 0 ? 'no roles' : `the roles ${roles.join(', ')}`
  say(options, { identifier, ...answer }, `${identifier} has ${which}`)
}

/** Ends every session, makes the password worthless and sends a link for another one. */
export async function runReset(identifier: string, options: DecisionOptions): Promise<void> {
  const answer = await asAdministrator(readAdministrator(options), async (administration) => {
    const id = await accountId(administration, identifier)
    const { reason } = options
    return administration.ask('POST', `/admin/accounts/${id}/reset`, { reason })
  })
  const sentence = `${identifier} is signed out and chooses a password by the link that is sent`
  say(options, { identifier, ...answer }, sentence)
}

/** Deletes an account for good. */
export async function runDelete(identifier: string, options: DecisionOptions): Promise<void> {
  const answer = await asAdministrator(readAdministrator(options), async (administration) => {
    const id = await accountId(administration, identifier)
    const { reason } = options
    return administration.ask('DELETE', `/admin/accounts/${id}`, { reason })
  })
  say(options, { identifier, deleted: true, ...answer }, `${identifier} is deleted`)
}

function namesIn(text: string): readonly string[] {
  return text.split(/[\s,]+/).filter((name) => name !== '')
}

async function accountId({ ask }: Administration, identifier: string): Promise<string> {
  const query = new URLSearchParams({ identifier })
  const { accounts } = await ask('GET', `/admin/accounts?${query.toString()}`)
  const [account] = Array.isArray(accounts) ? (accounts as readonly { id?: unknown }[]) : []
  if (typeof account?.id === 'string') return encodeURIComponent(account.id)
  throw new CommandError(1, `there is no account ${identifier}`, 'Check the identifier.')
}

function say({ json }: RemoteOptions, members: object, sentence: string): void {
  process.stdout.write(json === true ? `${JSON.stringify(members)}\n` : `${sentence}\n`)
}
