import { Buffer } from 'node:buffer'
import type { AccessTokenClaims } from '@portcullis/protocol'
import { aliasOf, defaultIdentityHeaders } from './header-names.ts'
import type { IdentityHeaderNames } from './settings.ts'

export interface IdentityHeaders {
  /** True for every name under which a service could take a header for one of ours. */
  readonly isIdentity: (alias: string) => boolean
  /** Name, value, name, value … of what is known about the caller; nothing for nobody. */
  readonly of: (claims: AccessTokenClaims | undefined) => string[]
}

/**
 * What the gateway tells services about the caller, for those that do not read the token
 * themselves. Off by default, but the default names are wiped even then: a service may listen to
 * them.
 *
 * A claim that the token lacks has no header. In a value each character outside visible ASCII is
 * percent-encoded as UTF-8, and so are `%` and, in a role, the comma that separates roles: nothing
 * in a claim can end the header or add a role, and `decodeURIComponent` gives it back. In a scope
 * the separator is a space and stays one (RFC 6749 section 3.3).
 */
export function createIdentityHeaders(names: IdentityHeaderNames): IdentityHeaders {
  const wiped = new Set([...defaultIdentityHeaders, ...Object.values(names)].map(aliasOf))
  return {
    isIdentity: (alias) => wiped.has(alias),
    of: (claims) => {
      if (claims === undefined) return []
      const values: readonly (readonly [string | undefined, string | undefined])[] = [
        [names.subject, encode(claims.sub)],
        [names.roles, claims.roles?.map(encode).join(',')],
        [names.scope, claims.scope],
        [names.session, claims.sid === undefined ? undefined : encode(claims.sid)],
      ]
      return values.flatMap(([name, value]) =>
        name === undefined || value === undefined ? [] : [name, value],
      )
    },
  }
}

function encode(text: string): string {
  return text.replaceAll(/[^\x21-\x7e]+|[%,]/g, (unsafe) =>
    Buffer.from(unsafe).toString('hex').toUpperCase().replaceAll(/../g, '%$&'),
  )
}
