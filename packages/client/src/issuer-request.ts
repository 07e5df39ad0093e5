import type { JsonObject, JsonValue } from '@portcullis/protocol'
import { isJsonObject, parseJsonObject } from '@portcullis/protocol'

/** The part of `fetch` that is used, so that a test or a proxy can stand in for it. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>

export interface IssuerRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** Below the issuer: `/login`. */
  readonly path: string
  readonly bearer?: string | undefined
  /** Sends the cookie of the issuer, and takes the one that is answered. */
  readonly isByCookie?: boolean
  readonly json?: Readonly<Record<string, unknown>>
  readonly form?: Readonly<Record<string, string>>
  /** For connection, headers and body together, so that a body that drips is bounded too. */
  readonly timeoutMs: number
  /** Default: 256 KiB. */
  readonly answerBytesMax?: number
}

export interface FieldFault {
  /** A JSON pointer into the request, empty for the whole. */
  readonly field: string
  readonly message: string
}

export interface IssuerAnswer {
  readonly kind: 'answer'
  readonly status: number
  /** Undefined when the body is not one JSON object. */
  readonly body: JsonObject | undefined
  /** `code` of a problem document (RFC 9457), or `error` of an OAuth answer (RFC 6749 section 5.2). */
  readonly reason: string | undefined
  readonly detail: string | undefined
  /** What does not fit of the request, member by member (`errors` of the problem document). */
  readonly faults: readonly FieldFault[]
  readonly retryAfterSeconds: number | undefined
  /** A token is at least as old as this, on the local clock. */
  readonly sentAtMs: number
}

/** Whether the issuer acted on it is not known. */
export interface LostAnswer {
  readonly kind: 'lost'
  readonly why: string
}

export type AskIssuer = (request: IssuerRequest) => Promise<IssuerAnswer | LostAnswer>

export interface IssuerRequestParts {
  readonly issuer: string
  readonly fetch: Fetch
  readonly now: () => number
}

const bodyBytesMax = 256 * 1024
const depthMax = 16
const secretPrefixLength = 12
/** Ample for the values that a member may have, one by one. */
const detailLengthMax = 2000

/**
 * Requests to the issuer, and to nobody else: redirects are refused, so that no credential follows
 * one. Cookies are not sent but where a request says so; what the issuer has to know stands in the request.
 */
export function createAskIssuer({ issuer, fetch, now }: IssuerRequestParts): AskIssuer {
  return async (request) => {
    const sentAtMs = now()
    try {
      const response = await fetch(`${issuer}${request.path}`, initOf(request))
      const { answerBytesMax = bodyBytesMax } = request
      const text = await readAtMost(response, answerBytesMax)
      if (text === undefined) return lost(`it answered more than ${answerBytesMax} bytes`)
      return answerOf(request, response, text, sentAtMs)
    } catch (error) {
      return lost(networkReason(error, request.timeoutMs))
    }
  }
}

/** 4xx says that the issuer did not act; after anything of these it may have, or may later. */
export function isLost(answer: IssuerAnswer | LostAnswer): boolean {
  return answer.kind === 'lost' || answer.status >= 500 || answer.status === 408
}

function initOf(request: IssuerRequest): RequestInit {
  const { method, bearer, isByCookie = false, json, form, timeoutMs } = request
  const body = json === undefined ? form && new URLSearchParams(form) : JSON.stringify(json)
  return {
    method,
    headers: {
      accept: 'application/json, application/problem+json',
      ...(json === undefined ? {} : { 'content-type': 'application/json' }),
      ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
    },
    ...(body === undefined ? {} : { body }),
    cache: 'no-store',
    credentials: isByCookie ? 'include' : 'omit',
    redirect: 'error',
    // A logout is still delivered when the page is left right after it.
    keepalive: method !== 'GET',
    signal: AbortSignal.timeout(timeoutMs),
  }
}

function answerOf(
  request: IssuerRequest,
  { status, headers }: Response,
  text: string,
  sentAtMs: number,
): IssuerAnswer {
  const parsed = parseJsonObject(text, { depthMax })
  const body = parsed.kind === 'object' ? parsed.value : undefined
  return {
    kind: 'answer',
    status,
    body,
    reason: [body?.['code'], body?.['error']].find(isReason),
    detail: [body?.['detail'], body?.['error_description']].find((value) =>
      isHarmless(value, request),
    ),
    faults: faultsIn(body?.['errors'], request),
    retryAfterSeconds: delaySecondsOf(headers.get('retry-after')),
    sentAtMs,
  }
}

const faultsMax = 20

function faultsIn(errors: JsonValue | undefined, request: IssuerRequest): readonly FieldFault[] {
  const found = (Array.isArray(errors) ? errors : []).slice(0, faultsMax)
  return found.flatMap((error) => {
    const { field, message } = isJsonObject(error) ? error : {}
    return isHarmless(field, request) && isHarmless(message, request) ? [{ field, message }] : []
  })
}

function isReason(value: unknown): value is string {
  return typeof value === 'string' && /^[a-z]+(?:[-_][a-z]+)*$/.test(value) && value.length <= 64
}

/**
 * A detail becomes part of an error's text, so one that repeats a secret of the request is dropped,
 * also when it repeats only the beginning.
 */
function isHarmless(value: unknown, { bearer, json, form }: IssuerRequest): value is string {
  if (typeof value !== 'string' || value.length > detailLengthMax) return false
  const members = { ...json, ...form, bearer }
  return ['password', 'current', 'new', 'refresh_token', 'attempt', 'bearer'].every((name) => {
    const secret = Object.hasOwn(members, name) ? Reflect.get(members, name) : undefined
    return (
      typeof secret !== 'string' ||
      secret === '' ||
      !value.includes(secret.slice(0, secretPrefixLength))
    )
  })
}

/** RFC 9110 section 10.2.3. The form with a date is left out: it would need a right local clock. */
function delaySecondsOf(value: string | null): number | undefined {
  return value !== null && /^\d{1,9}$/.test(value) ? Number(value) : undefined
}

/** With a reader, because not every browser can iterate over a body. */
async function readAtMost(response: Response, bytesMax: number): Promise<string | undefined> {
  const reader = response.body?.getReader()
  if (reader === undefined) return ''
  const decoder = new TextDecoder()
  let text = ''
  let length = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return text + decoder.decode()
    length += value.length
    if (length > bytesMax) {
      await reader.cancel()
      return undefined
    }
    text += decoder.decode(value, { stream: true })
  }
}

/** A system's error code at most: what else `fetch` says may repeat parts of the request. */
function networkReason(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error)) return 'the network failed'
  if (error.name === 'TimeoutError') return `no complete answer within ${timeoutMs} ms`
  const code: unknown = error.cause instanceof Error && Reflect.get(error.cause, 'code')
  return typeof code === 'string' && /^[A-Z][A-Z_0-9]{0,40}$/.test(code)
    ? `the network failed with ${code}`
    : 'the network failed'
}

function lost(why: string): LostAnswer {
  return { kind: 'lost', why }
}
