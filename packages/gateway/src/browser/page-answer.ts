import { requestIdHeader } from '../headers/names.ts'
import type { Exchange } from '../exchange/exchange.ts'
import { endAnswer } from '../exchange/end-answer.ts'
import { setsRefreshCookie } from './refresh-cookie.ts'

/** What is still to be said in the answer to a browser, whoever writes it. */
export interface PageAnswer {
  /** The value of `Set-Cookie`. */
  setCookie?: string
  /** The browser has another session by now, or none: what became of the former one is not said any more. */
  isOutdated?: () => boolean
  /** The answer is this person's alone. */
  isPrivate?: boolean
  /** Another cookie may get another answer, and so may none. */
  isVaried?: boolean
}

/**
 * Changes the header fields (name, value, name, value …) of an answer. No service sets or takes away the refresh
 * cookie. Caches in front know by `Authorization` that an answer is for one person (RFC 9111 section 3.5); a cookie
 * tells them nothing, so what was judged by it is made private, and what carries a refresh token is kept by nobody.
 */
export function amend(answer: PageAnswer, headers: readonly string[]): string[] {
  const { isPrivate, isVaried } = answer
  const setCookie = answer.isOutdated?.() === true ? undefined : answer.setCookie
  const kept: string[] = []
  const cacheControls: string[] = []
  let isVariedAlready = false
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const [spelling = '', value = ''] = headers.slice(at, at + 2)
    const name = spelling.toLowerCase()
    if (name === 'set-cookie' && setsRefreshCookie(value)) continue
    if (isPrivate === true && isForOneCache.test(name)) continue
    if (name === 'cache-control' && (isPrivate === true || setCookie !== undefined)) {
      cacheControls.push(value)
      continue
    }
    if (name === 'clear-site-data') {
      const others = withoutCookies(value)
      if (others !== '') kept.push(spelling, others)
      continue
    }
    if (name === 'vary' && variesByCookie.test(value)) isVariedAlready = true
    kept.push(spelling, value)
  }
  if (setCookie !== undefined) kept.push('Set-Cookie', setCookie, 'Cache-Control', 'no-store')
  else if (isPrivate === true) kept.push('Cache-Control', privately(cacheControls))
  if (isVaried === true && !isVariedAlready) kept.push('Vary', 'Cookie')
  return kept
}

/** Targeted at caches in front, which obey it before all others (RFC 9213; nginx and Akamai have names of their own). */
const isForOneCache =
  /(?:^|-)(?:cdn-cache-control|surrogate-control)$|^(?:x-accel-expires|edge-control)$/
const variesByCookie = /(?:^|,)[ \t]*(?:\*|cookie)[ \t]*(?:,|$)/i

const directive = /(?:[^,"]|"(?:\\.|[^"\\])*")+/g
const forSharedCaches = /^(?:public|private|s-maxage|proxy-revalidate|must-understand)(?:=|$)/i

function privately(values: readonly string[]): string {
  const given = [...values.join(',').matchAll(directive)].map(([text]) => text.trim())
  const others = given.filter((text) => text !== '' && !forSharedCaches.test(text))
  // Stronger than everything else.
  if (others.some((text) => /^no-store$/i.test(text))) return 'no-store'
  return ['private', ...others].join(', ')
}

/** By "cookies" or "*" a browser would lose the refresh cookie too. What nobody knows is left out. */
function withoutCookies(value: string): string {
  const types = value.split(',').map((type) => type.trim())
  const all = types.includes('"*"') ? [...otherSiteData] : types
  return all.filter((type) => otherSiteData.has(type)).join(', ')
}

/** W3C Clear Site Data, section 3.1, and what browsers have beside it. */
const otherSiteData: ReadonlySet<string> = new Set([
  '"cache"',
  '"clientHints"',
  '"executionContexts"',
  '"prefetchCache"',
  '"prerenderCache"',
  '"storage"',
])

/** Answers a page by the gateway itself. */
export function sendMembers(
  exchange: Exchange,
  members: object,
  more: readonly string[] = [],
): void {
  const { request, response, requestId } = exchange
  const body = Buffer.from(JSON.stringify(members))
  const headers = [
    'Content-Type',
    'application/json',
    'Content-Length',
    String(body.length),
    'Cache-Control',
    'no-store',
    'X-Content-Type-Options',
    'nosniff',
    'Cross-Origin-Resource-Policy',
    'same-origin',
    requestIdHeader,
    requestId,
    ...more,
  ]
  if (request.headers.expect !== undefined) response.shouldKeepAlive = false
  response.writeHead(200, exchange.amend?.(headers) ?? headers)
  response.write(body)
  endAnswer(response)
}
