import type { JsonObject } from '@portcullis/protocol'
import { isJsonObject } from '@portcullis/protocol'
import { CommandError } from '../command-error.ts'
import { printable } from '../printable.ts'

/** What an OAuth endpoint has answered; no members where it was no JSON object. */
export interface FormAnswer {
  readonly status: number
  readonly members: JsonObject
}

const patienceMs = 10_000

/** Sends a form to an OAuth endpoint of identity. That nobody answers there is a `CommandError`. */
export async function postForm(
  issuer: string,
  path: '/revoke' | '/token',
  form: Readonly<Record<string, string>>,
): Promise<FormAnswer> {
  try {
    const response = await fetch(`${issuer}${path}`, {
      method: 'POST',
      body: new URLSearchParams(form),
      // Token and secret are for this address and no other.
      redirect: 'error',
      signal: AbortSignal.timeout(patienceMs),
    })
    const members: unknown = await response.json().catch(() => undefined)
    return { status: response.status, members: isJsonObject(members) ? members : {} }
  } catch {
    const remedy = 'Check --issuer, and that identity runs (npm start).'
    throw new CommandError(3, `${printable(issuer)} cannot be reached`, remedy)
  }
}

/** The error of RFC 6749 section 5.2, in words that are fit to be printed. */
export function wordsOf({ status, members }: FormAnswer): string {
  const { error, error_description: why } = members
  const said = [error, why].filter((text) => typeof text === 'string').join(': ')
  return said === '' ? `it answered ${status}` : printable(said)
}
