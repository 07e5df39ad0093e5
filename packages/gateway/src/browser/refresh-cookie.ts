import type { HeaderField } from '../headers/fields.ts'

/** No script reads it, and browsers take a cookie of this prefix from this very host only (RFC 6265bis 4.1.3). */
const cookieName = '__Host-portcullis_refresh'
const attributes = 'Path=/; HttpOnly; Secure; SameSite=Strict'

export type PresentedCookie =
  | { readonly kind: 'none' }
  | { readonly kind: 'token'; readonly token: string }
  /** There is one, and it cannot be a refresh token. */
  | { readonly kind: 'malformed' }
  /** There are several, or one that some reader takes for it and a browser does not. */
  | { readonly kind: 'ambiguous' }

/** A refresh token on its way to its browser. */
export interface IssuedCookie {
  readonly token: string
  readonly maxAgeSeconds: number
}

/** The value of `Set-Cookie` that hands out a refresh token, for as long as it can be used. */
export function refreshCookie({ token, maxAgeSeconds }: IssuedCookie): string {
  return `${cookieName}=${token}; Max-Age=${maxAgeSeconds}; ${attributes}`
}

/** The value of `Set-Cookie` that takes it away. */
export const clearedRefreshCookie: string = `${cookieName}=; Max-Age=0; ${attributes}`

/** What identity is sent. */
export function cookieField(token: string): string {
  return `${cookieName}=${token}`
}

/** What else is in the fields is the business of the services. */
export function readRefreshCookie(fields: readonly HeaderField[]): PresentedCookie {
  let found: PresentedCookie = none
  for (const { name, value } of fields) {
    if (name !== 'cookie' || !mayHold.test(value)) continue
    for (const pair of value.split(';')) {
      if (!similar.test(pair)) continue
      if (found !== none || !exactName.test(pair)) return { kind: 'ambiguous' }
      const token = exact.exec(pair)?.[1]
      found = token === undefined ? { kind: 'malformed' } : { kind: 'token', token }
    }
  }
  return found
}

const none: PresentedCookie = { kind: 'none' }

/** The same fields without the cookie, under each name that can be taken for its own. All else stays, to the octet. */
export function withoutRefreshCookie(fields: readonly HeaderField[]): readonly HeaderField[] {
  if (!fields.some(({ name, value }) => name === 'cookie' && mayHold.test(value))) return fields
  return fields.flatMap((field) => {
    if (field.name !== 'cookie') return [field]
    const kept = field.value.split(';').filter((pair) => !similar.test(pair))
    const value = kept.join(';').replace(/^[ \t]+/, '')
    return value === '' ? [] : [{ ...field, value }]
  })
}

/** True for a `Set-Cookie` that sets this cookie, or makes a browser say something that is taken for it. */
export function setsRefreshCookie(value: string): boolean {
  return similar.test(value)
}

/** Reads the cookie out of an answer of identity. */
export function issuedCookieIn(setCookies: readonly string[]): IssuedCookie | undefined {
  const [, token, maxAge] = setCookies.map((value) => issued.exec(value)).find(Boolean) ?? []
  return token === undefined ? undefined : { token, maxAgeSeconds: Number(maxAge) }
}

const issued = new RegExp(`^${cookieName}=([A-Za-z0-9._-]{1,512}); Max-Age=(\\d{1,10});`)

/** As long as identity takes one. */
const exact = new RegExp(`^[ \\t]*${cookieName}=([A-Za-z0-9._-]{1,512})$`)
const exactName = new RegExp(`^[ \\t]*${cookieName}=`)
/**
 * What some reader may take for it: white space and case that a browser would not have let through, and a cookie
 * without a name whose value looks like this one.
 */
const similar = new RegExp(`^[\\s=]*${cookieName}\\s*(?:[=;]|$)`, 'i')
const mayHold = /portcullis_refresh/i
