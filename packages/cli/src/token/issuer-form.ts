import type { JsonObject } from '@portcullis/protocol'
import { parseJsonObject } from '@portcullis/protocol'
import { printable } from '../printable.ts'
import { unreachable } from '../unreachable.ts'
import { wholeBodyOf } from '../whole-body.ts'

/** What an OAuth endpoint has answered. */
export interface FormAnswer {
  readonly status: number
  /** Undefined where it was not one whole JSON object: too long, cut off or something else. */
  readonly members: JsonObject | undefined
  /** True where it was whole, and nothing was in it. */
  readonly isEmpty: boolean
}

const patienceMs = 10_000
const depthMax = 16

/** Sends a form to an OAuth endpoint of identity. That nobody answers there is a `CommandError`. */
export async function postForm(
  issuer: string,
  path: '/revoke' | '/token',
  form: Readonly<Record<string, string>>,
): Promise<FormAnswer> {
  const response = await fetch(`${issuer}${path}`, {
    method: 'POST',
    body: new URLSearchParams(form),
    // Token and secret are for this address and no other.
    redirect: 'error',
    signal: AbortSignal.timeout(patienceMs),
  }).catch((error: unknown) => {
    throw unreachable(issuer, error)
  })
  const text = await wholeBodyOf(response)
  const parsed = text === undefined ? undefined : parseJsonObject(text, { depthMax })
  return {
    status: response.status,
    members: parsed?.kind === 'object' ? parsed.value : undefined,
    isEmpty: text === '',
  }
}

/** The error of RFC 6749 section 5.2, in words that are fit to be printed. */
export function wordsOf({ status, members = {} }: FormAnswer): string {
  const { error, error_description: why } = members
  const said = [error, why].filter((text) => typeof text === 'string').join(': ')
  return said === '' ? `it answered ${status}` : printable(said)
}
