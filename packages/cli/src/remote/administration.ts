import type { Client } from '@portcullis/client'
import { ClientError, createClient } from '@portcullis/client'
import { CommandError } from '../command-error.ts'
import type { Administrator } from './credentials.ts'

/** Identity's admin routes, for the life of one command. */
export interface Administration {
  /** Answers the members of a 2xx answer; none for 204. Every other answer is a `CommandError`. */
  readonly ask: (method: AdminRequest['method'], path: string, json?: object) => Promise<Members>
}

export type Members = Readonly<Record<string, unknown>>

/** Signs in, does the job, and signs out again, so that no session of a command is left behind. */
export async function asAdministrator<Result>(
  { issuer, identifier, password }: Administrator,
  job: (administration: Administration) => Promise<Result>,
): Promise<Result> {
  const client = clientFor(issuer)
  try {
    await client.login({ identifier, password })
    try {
      return await job({ ask: (method, path, json) => ask(client, issuer, { method, path, json }) })
    } finally {
      await client.logout().catch(() => {})
    }
  } catch (error) {
    throw commandErrorOf(error, issuer)
  }
}

function clientFor(issuer: string): Client {
  try {
    return createClient({ issuer, audience: issuer })
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw new CommandError(2, error.message, 'Write --issuer as identity has it in its settings.')
  }
}

interface AdminRequest {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly path: string
  readonly json: object | undefined
}

async function ask(
  client: Client,
  issuer: string,
  { method, path, json }: AdminRequest,
): Promise<Members> {
  const body = json === undefined ? {} : { body: JSON.stringify(json) }
  const headers = json === undefined ? {} : { 'content-type': 'application/json' }
  const response = await client
    .fetch(`${issuer}${path}`, { method, headers, ...body })
    .catch((error: unknown) => {
      // The fetch that went out is not the client's own, so its failure is fetch's.
      throw error instanceof TypeError ? unreachable(issuer) : error
    })
  const members = await membersOf(response).catch(() => {
    // Its answer was cut off in the middle.
    throw unreachable(issuer)
  })
  if (response.ok) return members
  const why = whyOf(members) ?? `it answered ${response.status}`
  throw response.status < 500
    ? new CommandError(1, `refused: ${why}`, remedyOf(response.status))
    : new CommandError(1, `identity failed: ${why}`, 'Look what has become of it, then try again.')
}

/** What a problem document says, with each member of the body that did not fit (RFC 9457). */
function whyOf({ detail, title, errors }: Members): string | undefined {
  const said = detail ?? title
  if (typeof said !== 'string') return undefined
  const faults = (Array.isArray(errors) ? errors : []).map(
    ({ field, message }: Members) => `${String(field)} ${String(message)}`,
  )
  return printable([said, ...faults].join('; '))
}

function remedyOf(status: number): string {
  return status === 404
    ? 'Nothing was changed. Check that --issuer is that of identity, and not of the gateway.'
    : 'Nothing was changed.'
}

async function membersOf(response: Response): Promise<Members> {
  const text = await response.text()
  try {
    return text === '' ? {} : (JSON.parse(text) as Members)
  } catch {
    return {}
  }
}

/** What somebody else wrote, without what a terminal would obey. */
export function printable(text: string): string {
  return text.replaceAll(/[^\p{L}\p{M}\p{N}\p{P}\p{S}\p{Zs}]/gu, '?')
}

function commandErrorOf(error: unknown, issuer: string): unknown {
  if (!(error instanceof ClientError)) return error
  if (error.code === 'account-blocked') {
    const remedy = 'Another administrator must unblock it, with: accounts unblock.'
    return new CommandError(1, 'refused: this account is blocked', remedy)
  }
  if (error.code === 'throttled') {
    const seconds = error.retryAfterSeconds ?? 60
    return new CommandError(1, `refused: ${error.message}`, `Try again in ${seconds} seconds.`)
  }
  return error.code === 'issuer-unreachable'
    ? unreachable(issuer)
    : new CommandError(1, `refused: ${error.message}`, 'Check the credentials file.')
}

function unreachable(issuer: string): CommandError {
  return new CommandError(
    3,
    `${issuer} cannot be reached`,
    'Check --issuer, and that identity runs (npm start).',
  )
}
