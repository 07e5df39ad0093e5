import type { AccessTokens } from './access-tokens.ts'
import type { Fetch } from './issuer-request.ts'

export interface AuthorizedFetchParts {
  readonly tokens: AccessTokens
  readonly fetch: Fetch
}

const loopbackHosts: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]'])

/**
 * A request with the access token (RFC 6750 section 2.1). When the service turns the token down, the
 * request is repeated once with another one, if its body can be sent a second time.
 * Does NOT look whether the address is one of yours: it gets the token, whoever it is.
 */
export async function authorizedFetch(
  { tokens, fetch }: AuthorizedFetchParts,
  address: string | URL,
  init: RequestInit = {},
): Promise<Response> {
  const url = requireConfidential(address)
  const send = (token: string): Promise<Response> => {
    const headers = new Headers(init.headers)
    headers.set('authorization', `Bearer ${token}`)
    return fetch(url, { ...init, headers })
  }
  const token = await tokens.current('services')
  const response = await send(token)
  if (!isInvalidToken(response) || !canBeSentAgain(init.body)) return response
  // Nobody will read it, and an unread body keeps its connection.
  await response.body?.cancel()
  return send(await tokens.otherThan(token, 'services'))
}

/** RFC 6750 section 5.3: never without TLS. Loopback is let through, as it is for the issuer. */
function requireConfidential(address: string | URL): string {
  const page = (globalThis as { readonly location?: { readonly href: string } }).location?.href
  const url = URL.canParse(String(address), page) ? new URL(address, page) : undefined
  if (url === undefined) throw new TypeError('the address is not a URL')
  const isConfidential =
    url.protocol === 'https:' || (url.protocol === 'http:' && loopbackHosts.has(url.hostname))
  if (!isConfidential)
    throw new TypeError(`${url.origin} would get the token without TLS: use https`)
  return url.href
}

/** RFC 6750 section 3.1. Another 401 is not about the token, and no other token mends it. */
function isInvalidToken({ status, headers }: Response): boolean {
  const challenge = status === 401 ? headers.get('www-authenticate') : null
  return (
    challenge !== null &&
    /(?:^|,)\s*Bearer\s/i.test(challenge) &&
    /[\s,]error="?invalid_token"?\s*(?:,|$)/i.test(challenge)
  )
}

/** A stream is gone once it was sent. */
function canBeSentAgain(body: unknown): boolean {
  return (
    body === undefined ||
    body === null ||
    typeof body === 'string' ||
    body instanceof URLSearchParams ||
    body instanceof FormData ||
    body instanceof Blob ||
    body instanceof ArrayBuffer ||
    ArrayBuffer.isView(body)
  )
}
