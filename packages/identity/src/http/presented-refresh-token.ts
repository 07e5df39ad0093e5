import type { FastifyRequest } from 'fastify'
import type { Delivery } from '../domain/sessions.ts'
import { isFromOwnPage } from './own-pages.ts'
import { readRefreshCookie } from './refresh-cookie.ts'

export type PresentedRefreshToken =
  | { readonly kind: 'none' }
  | { readonly kind: 'token'; readonly refreshToken: string; readonly delivery: Delivery }
  | {
      readonly kind: 'refused'
      readonly why: 'invalid-request' | 'cross-origin'
      readonly detail: string
    }

/**
 * The one refresh token of a request: in its body, or in the cookie, which browsers also send where nobody
 * asked them to. So that one counts only with a proof of origin, and never beside another token.
 */
export function presentedRefreshToken(
  request: FastifyRequest,
  inBody: string | undefined,
  ownOrigins: ReadonlySet<string>,
): PresentedRefreshToken {
  const cookie = readRefreshCookie(request)
  switch (cookie.kind) {
    case 'none':
      return inBody === undefined
        ? { kind: 'none' }
        : { kind: 'token', refreshToken: inBody, delivery: 'body' }
    case 'unreadable':
      return refused(
        'invalid-request',
        'the cookie can be read in more than one way, or not at all',
      )
    case 'token':
      if (inBody !== undefined) {
        return refused('invalid-request', 'both a cookie and a refresh token in the body')
      }
      if (!isFromOwnPage(request.raw, ownOrigins)) return refused('cross-origin', crossOriginDetail)
      return { kind: 'token', refreshToken: cookie.refreshToken, delivery: 'cookie' }
  }
}

export const crossOriginDetail =
  'a cookie counts only with an Origin that is known here, or Sec-Fetch-Site: same-origin'

function refused(why: 'invalid-request' | 'cross-origin', detail: string): PresentedRefreshToken {
  return { kind: 'refused', why, detail }
}
