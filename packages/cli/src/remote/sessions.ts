import type { AdministeredSession } from '@portcullis/client/admin'
import { asAdministrator } from './administration.ts'
import { findAccount, orNone } from './named.ts'
import type { DecisionOptions, RemoteOptions } from './credentials.ts'
import { readAdministrator } from './credentials.ts'
import type { WaitOptions } from './receipts.ts'
import { receiptsFor, sayRevoked, withReceipts } from './receipts.ts'
import type { Column } from './table.ts'
import { printJsonList, printTable } from './table.ts'

export interface SessionListOptions extends RemoteOptions {
  /** The identifier of its owner. */
  readonly account?: string
  readonly client?: string
  /** With those that are over. */
  readonly all?: true
}

/** Prints where people are signed in, the newest login first; that of this command is among them. */
export async function runSessionsList(options: SessionListOptions): Promise<void> {
  const { account: identifier, client, all } = options
  await asAdministrator(readAdministrator(options), async (administration) => {
    const account =
      identifier === undefined ? undefined : (await findAccount(administration, identifier)).id
    const found = administration.sessions.list({
      ...(account === undefined ? {} : { account }),
      ...(client === undefined ? {} : { client }),
      ...(all === undefined ? {} : { state: 'all' }),
    })
    await (options.json === true
      ? printJsonList('sessions', membersOfAll(found), process.stdout)
      : printTable(found, columns, process.stdout))
  })
}

const columns: readonly Column<AdministeredSession>[] = [
  { title: 'IDENTIFIER', of: ({ account }) => account.identifier },
  { title: 'LIVE', of: ({ isLive }) => isLive },
  { title: 'CLIENT', of: ({ client }) => client },
  { title: 'CREATED_AT', of: ({ createdAt }) => createdAt },
  { title: 'LAST_USED_AT', of: ({ lastUsedAt }) => lastUsedAt },
  { title: 'NETWORK', of: ({ network }) => network },
  { title: 'ID', of: ({ id }) => id },
  // The longest, which anybody can choose.
  { title: 'DEVICE', of: ({ device }) => device },
]

async function* membersOfAll(sessions: AsyncIterable<AdministeredSession>): AsyncGenerator<object> {
  for await (const session of sessions) {
    const { id, account, client, device, network } = session
    yield {
      id,
      account,
      live: session.isLive,
      bound: session.isBound,
      client,
      device,
      network,
      created_at: session.createdAt,
      last_used_at: session.lastUsedAt,
      expires_at: session.expiresAt,
      ended_at: session.endedAt,
    }
  }
}

/** Ends one session, whoever's it is. */
export async function runSessionsEnd(
  sessionId: string,
  options: DecisionOptions & WaitOptions,
): Promise<void> {
  const { reason } = options
  const revoked = await asAdministrator(readAdministrator(options), async (administration) => {
    const ended = administration.sessions.end(sessionId, { reason })
    return withReceipts(administration, await orNone(ended, 'session', sessionId), options)
  })
  await sayRevoked(
    options,
    { session_id: sessionId, ended: true },
    'the session has ended',
    revoked,
  )
}

/** Signs everybody out, the administrator who asks as well. */
export async function runEndAll(options: DecisionOptions & WaitOptions): Promise<void> {
  const { reason, wait } = options
  const administrator = readAdministrator(options)
  const revocation = await asAdministrator(administrator, ({ sessions }) =>
    sessions.endAll({ reason }),
  )
  // Their own session is over, so whoever waits signs in again.
  const revoked =
    wait === undefined ? { revocation } : await receiptsFor(administrator, revocation, options)
  await sayRevoked(options, {}, 'every session has ended; everybody signs in again', revoked)
}
