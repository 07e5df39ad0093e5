import type { Client } from '@portcullis/client'
import { ClientError, createClient } from '@portcullis/client'
import { CommandError } from '../command-error.ts'
import type { Administrator } from './credentials.ts'

/** Identity's admin routes, for the life of one command. */
export interface Administration {
  /** Answers the members of a 2xx answer; none for 204. Every other answer is a `CommandError`. */
  readonly ask: (method: 'GET' | 'POST', path: string, json?: object) => Promise<Members>
}

export type Members = Readonly<Record<string, unknown>>

/** Signs in, does the job, and signs out again, so that no session of a command is left behind. */
export async function asAdministrator<Result>(
  { issuer, identifier, password }: Administrator,
  job: (administration: Administration) => Promise<Result>,
): Promise<Result> {
  try {
    const client = createClient({ issuer, audience: issuer })
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

interface AdminRequest {
  readonly method: 'GET' | 'POST'
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
  const response = await client.fetch(`${issuer}${path}`, { method, headers, ...body })
  const members = await membersOf(response)
  if (response.ok) return members
  const { detail } = members
  const why = typeof detail === 'string' ? detail : `it answered ${response.status}`
  throw new CommandError(1, `refused: ${why}`, 'Nothing was changed.')
}

async function membersOf(response: Response): Promise<Members> {
  const text = await response.text()
  try {
    return text === '' ? {} : (JSON.parse(text) as Members)
  } catch {
    return {}
  }
}

function commandErrorOf(error: unknown, issuer: string): unknown {
  if (error instanceof TypeError) {
    // The client's word for an address that is none, and fetch's for one that nobody answers at.
    return new CommandError(3, `${issuer} cannot be asked: ${error.message}`, unreachableRemedy)
  }
  if (!(error instanceof ClientError)) return error
  return error.code === 'issuer-unreachable'
    ? new CommandError(3, `${issuer} cannot be reached`, unreachableRemedy)
    : new CommandError(1, `refused: ${error.message}`, 'Check the credentials file.')
}

const unreachableRemedy = 'Check --issuer, and that identity runs.'
