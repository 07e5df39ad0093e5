import { rawFieldValues } from '@portcullis/verify'
import type { FastifyRequest } from 'fastify'
import type { IssuedRefreshToken } from '../domain/refresh-tokens.ts'

/** No script reads it, and browsers take a cookie of this prefix from this very host only (RFC 6265bis 4.1.3). */
const cookieName = '__Host-portcullis_refresh'
const attributes = 'Path=/; HttpOnly; Secure; SameSite=Strict'

export type PresentedCookie =
  | { readonly kind: 'none' }
  | { readonly kind: 'token'; readonly refreshToken: string }
  /** More than one, or one that no browser has from here. */
  | { readonly kind: 'unreadable' }

/** The value of `Set-Cookie` that hands out a refresh token, for as long as it can be used. */
export function refreshCookie({ token, expiresInSeconds }: IssuedRefreshToken): string {
  return `${cookieName}=${token}; Max-Age=${expiresInSeconds}; ${attributes}`
}

/** The value of `Set-Cookie` that takes it away. */
export const clearedRefreshCookie: string = `${cookieName}=; Max-Age=0; ${attributes}`

/** What else is in the field is the business of others on this host, in whatever form. */
export function readRefreshCookie({ raw }: FastifyRequest): PresentedCookie {
  const pairs = rawFieldValues(raw.rawHeaders)('cookie').flatMap((field) => field.split(';'))
  const [pair, ...others] = pairs.filter((candidate) => similar.test(candidate))
  if (pair === undefined) return { kind: 'none' }
  const refreshToken = others.length === 0 ? exact.exec(pair)?.[1] : undefined
  return refreshToken === undefined ? { kind: 'unreadable' } : { kind: 'token', refreshToken }
}

/** As long as the one in a body may be. */
const exact = new RegExp(`^[ \t]*${cookieName}=([A-Za-z0-9._-]{1,512})$`)
/** What some reader may take for it: white space and case that a browser would not have let through. */
const similar = new RegExp(`^\\s*${cookieName}\\s*(?:=|$)`, 'i')
