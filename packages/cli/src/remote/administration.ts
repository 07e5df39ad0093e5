import type { Client } from '@portcullis/client'
import { ClientError, createClient } from '@portcullis/client'
import type { Administration } from '@portcullis/client/admin'
import { createAdministration } from '@portcullis/client/admin'
import { CommandError } from '../command-error.ts'
import { printable } from '../printable.ts'
import type { Administrator } from './credentials.ts'

/** Signs in, does the job, and signs out again, so that no session of a command is left behind. */
export async function asAdministrator<Result>(
  { issuer, identifier, password }: Administrator,
  job: (administration: Administration) => Promise<Result>,
): Promise<Result> {
  const client = clientFor(issuer)
  await client.login({ identifier, password }).catch((error: unknown) => {
    throw loginErrorOf(error, issuer)
  })
  try {
    return await job(createAdministration(client))
  } catch (error) {
    throw jobErrorOf(error, issuer)
  } finally {
    await client.logout().catch(() => {})
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

function loginErrorOf(error: unknown, issuer: string): unknown {
  if (!(error instanceof ClientError)) return error
  if (error.code === 'account-blocked') {
    const remedy = 'Another administrator must unblock it, with: accounts unblock.'
    return new CommandError(1, 'refused: this account is blocked', remedy)
  }
  if (error.code === 'throttled') {
    const seconds = error.retryAfterSeconds ?? 60
    return new CommandError(
      1,
      `refused: ${printable(error.message)}`,
      `Try again in ${seconds} seconds.`,
    )
  }
  return error.code === 'issuer-unreachable'
    ? unreachable(issuer)
    : new CommandError(1, `refused: ${printable(error.message)}`, 'Check the credentials file.')
}

function jobErrorOf(error: unknown, issuer: string): unknown {
  if (!(error instanceof ClientError)) return error
  const { status } = error
  // No answer, or one that was cut off in the middle.
  if (status === undefined && error.code === 'issuer-unreachable') return unreachable(issuer)
  const why = whyOf(error)
  if (status !== undefined && status >= 500) {
    const remedy = 'Look what has become of it, then try again.'
    return new CommandError(1, `identity failed: ${why}`, remedy)
  }
  if (error.code === 'issuer-unreachable') {
    return new CommandError(1, 'identity has answered something else', 'Is it an older release?')
  }
  return new CommandError(1, `refused: ${why}`, remedyOf(error))
}

/** What a problem document says, with each member of the request that did not fit (RFC 9457). */
function whyOf({ detail, reason, status, message, faults }: ClientError): string {
  const word = reason?.replaceAll(/[-_]/g, ' ')
  const said = detail ?? word ?? (status === undefined ? message : `it answered ${status}`)
  const fields = faults.map((fault) => `${fault.field} ${fault.message}`)
  // Where one member is to blame, the detail often says the same.
  const more = fields.filter((field) => field !== `/${said}`)
  return printable([said, ...more].join('; '))
}

function remedyOf({ status }: ClientError): string {
  return status === 404
    ? 'Nothing was changed. Check that --issuer is that of identity, and not of the gateway.'
    : 'Nothing was changed.'
}

function unreachable(issuer: string): CommandError {
  return new CommandError(
    3,
    `${issuer} cannot be reached`,
    'Check --issuer, and that identity runs (npm start).',
  )
}
