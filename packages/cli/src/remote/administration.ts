import type { Client, ClientOptions } from '@portcullis/client'
import { ClientError, createClient } from '@portcullis/client'
import type { Administration } from '@portcullis/client/admin'
import { createAdministration } from '@portcullis/client/admin'
import { CommandError } from '../command-error.ts'
import { printable } from '../printable.ts'
import { unreachable } from '../unreachable.ts'
import type { Administrator } from './credentials.ts'
import { whyNotIssuer } from './other-issuer.ts'

/** Signs in, does the job, and signs out again, so that no session of a command is left behind. */
export async function asAdministrator<Result>(
  { issuer, identifier, password }: Administrator,
  job: (administration: Administration) => Promise<Result>,
): Promise<Result> {
  const asked = watchRequests()
  const client = clientFor(issuer, asked.fetch)
  await client.login({ identifier, password }).catch(async (error: unknown) => {
    throw await loginErrorOf(error, issuer, asked)
  })
  try {
    return await job(createAdministration(client))
  } catch (error) {
    throw jobErrorOf(error, issuer, asked)
  } finally {
    await client.logout().catch(() => {})
  }
}

/** What the last request was, and why nobody answered it, which the errors of the client do not say. */
interface Asked {
  readonly fetch: Fetch
  readonly isReading: () => boolean
  readonly failure: () => unknown
}

type Fetch = NonNullable<ClientOptions['fetch']>

function watchRequests(): Asked {
  let method: string | undefined
  let failure: unknown
  return {
    fetch: async (url, init) => {
      ;({ method } = init)
      failure = undefined
      try {
        return await fetch(url, init)
      } catch (error) {
        failure = error
        throw error
      }
    },
    isReading: () => method === 'GET',
    failure: () => failure,
  }
}

function clientFor(issuer: string, fetch: Fetch): Client {
  try {
    return createClient({ issuer, audience: issuer, fetch })
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw new CommandError(2, error.message, 'Write --issuer as identity has it in its settings.')
  }
}

async function loginErrorOf(error: unknown, issuer: string, asked: Asked): Promise<unknown> {
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
  if (error.status === undefined) return unreachable(issuer, asked.failure())
  const refused = new CommandError(
    1,
    `refused: ${printable(error.message)}`,
    'Check the credentials file.',
  )
  if (error.code === 'bad-credentials') return refused
  const other = await whyNotIssuer(issuer)
  if (other !== undefined) return other
  if (error.code !== 'issuer-unreachable') return refused
  const why = whyOf(error)
  return new CommandError(3, `identity failed: ${why}`, 'Look into its log, then try again.')
}

function jobErrorOf(error: unknown, issuer: string, asked: Asked): unknown {
  if (!(error instanceof ClientError)) return error
  const { status } = error
  // No answer, or one that was cut off in the middle.
  if (status === undefined && error.code === 'issuer-unreachable') {
    return unreachable(issuer, asked.failure())
  }
  const why = whyOf(error)
  if (status !== undefined && status >= 500) {
    const remedy = 'Look what has become of it, then try again.'
    return new CommandError(1, `identity failed: ${why}`, remedy)
  }
  if (error.code === 'issuer-unreachable') {
    return new CommandError(1, 'identity has answered something else', 'Is it an older release?')
  }
  return new CommandError(1, `refused: ${why}`, remedyOf(error, asked))
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

function remedyOf({ status, reason }: ClientError, asked: Asked): string {
  if (asked.isReading()) return 'Correct the command, and try again.'
  if (reason === 'no-email') {
    return 'Nothing was changed. Give it an address first: PATCH /admin/accounts/ID with {"email", "reason"}.'
  }
  return status === 404
    ? 'Nothing was changed. There is no such thing at this issuer, or it is an older release.'
    : 'Nothing was changed.'
}
