import type { JsonObject } from '@portcullis/protocol'
import { isJsonObject } from '@portcullis/protocol'

/** An account by the id that its tokens have as `sub`; `elsewhere` is one of another issuer. */
export type ParsedSubject =
  | { readonly kind: 'account'; readonly accountId: string }
  | { readonly kind: 'elsewhere' }
  | { readonly kind: 'unfit'; readonly fault: string }

/** A subject identifier (RFC 9493) of a person: `iss_sub`, alone or as the `user` of a complex one. */
export function parseSubject(issuer: string, subject: JsonObject): ParsedSubject {
  const { format, user, ...others } = subject
  if (format === 'complex' && Object.keys(others).length === 0 && isJsonObject(user)) {
    return parseSubject(issuer, user)
  }
  if (format !== 'iss_sub') return { kind: 'unfit', fault: 'is not of the format iss_sub' }
  const { iss, sub } = others
  if (typeof iss !== 'string' || typeof sub !== 'string') {
    return { kind: 'unfit', fault: 'has no iss and sub' }
  }
  return iss === issuer ? { kind: 'account', accountId: sub } : { kind: 'elsewhere' }
}
