import type { JsonObject } from '@portcullis/protocol'
import { parseJsonObject } from '@portcullis/protocol'

/** The part of `fetch` that is used, so that a test or a proxy can stand in for it. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>

export interface JsonRequest {
  /** Default GET. */
  readonly method?: 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export type JsonAnswer =
  | {
      readonly kind: 'answer'
      readonly status: number
      readonly headers: Headers
      /** Undefined when the body is not one JSON object. */
      readonly body: JsonObject | undefined
    }
  | DocumentFailure

export interface DocumentFailure {
  readonly kind: 'failed'
  readonly why: string
}

/** For connection, headers and body together, so that a body that drips is bounded too. */
const timeoutMs = 5_000
/** A hundred RSA keys would fit. */
export const documentBytesMax: number = 64 * 1024
const depthMax = 16

/**
 * A connection that is kept may be dead without anybody knowing, and the next request on it is lost.
 * Requests to the issuer are few, so each has its own. And it is the issuer who is asked, no cache on the way
 * (RFC 9111 section 5.2.1.4).
 */
export const askDirectly: Readonly<Record<string, string>> = {
  connection: 'close',
  'cache-control': 'no-cache',
}

/**
 * One request to the issuer for a JSON object. Redirects are refused: only the issuer's own answer
 * counts. `why` names the address and what happened, never a header or body that was sent.
 *
 * Does NOT look at the `Content-Type`: many issuers serve their keys from a bucket, as text or octets.
 * It would tell nothing more, because the issuer named the address and the body must be an object.
 */
export async function requestJson(
  fetch: Fetch,
  url: string,
  init: JsonRequest = {},
): Promise<JsonAnswer> {
  try {
    const response = await fetch(url, {
      ...init,
      headers: { accept: 'application/json', ...askDirectly, ...init.headers },
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    })
    const bytes = await readAtMost(response, documentBytesMax)
    if (bytes === undefined) return failed(`${url} answered more than ${documentBytesMax} bytes`)
    const { status, headers } = response
    return { kind: 'answer', status, headers, body: parseDocument(bytes) }
  } catch (error) {
    return failed(`${url} cannot be read: ${networkReason(error)}`)
  }
}

export async function readAtMost(
  response: Response,
  bytesMax: number,
): Promise<Uint8Array | undefined> {
  const bytes = new Uint8Array(bytesMax)
  let length = 0
  // Leaving the loop early cancels the stream, so the rest is never downloaded.
  for await (const chunk of response.body ?? []) {
    if (length + chunk.length > bytesMax) return undefined
    bytes.set(chunk, length)
    length += chunk.length
  }
  return bytes.subarray(0, length)
}

/** Undefined when this is not one JSON object. */
export function parseDocument(bytes: Uint8Array): JsonObject | undefined {
  const parsed = parseJsonObject(new TextDecoder().decode(bytes), { depthMax })
  return parsed.kind === 'object' ? parsed.value : undefined
}

/** `fetch` says only that it failed; the system error behind it says how. */
export function networkReason(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error'
  if (error.name === 'TimeoutError') return `no complete answer within ${timeoutMs} ms`
  const { cause } = error
  if (!(cause instanceof Error)) return error.message
  return 'code' in cause ? String(cause.code) : cause.message
}

export function failed(why: string): DocumentFailure {
  return { kind: 'failed', why }
}
