import { CommandError } from '../command-error.ts'
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
