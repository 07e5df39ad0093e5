import { Buffer } from 'node:buffer'
import type { AccessTokenClaims } from '@portcullis/protocol'
import { aliasOf, defaultIdentityHeaders } from './names.ts'
import type { IdentityHeaderNames } from '../settings/settings.ts'

export interface IdentityHeaders {
  /** True for every name under which a service could take a header for one of ours. */
  readonly isIdentity: (alias: string) => boolean
  /** True for the very names that `ofAll` has, in any case. */
  readonly isManaged: (name: string) => boolean
  /** Name, value, name, value … of what is known about the caller; nothing for nobody. */
  readonly of: (claims: AccessTokenClaims | undefined) => string[]
  /** The same with every name that is wiped; empty is the value of what is not known. */
  readonly ofAll: (claims: AccessTokenClaims | undefined) => string[]
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
  // Those of the file first: where two are aliases, theirs is the spelling that counts.
  const byAlias = new Map<string, string>()
  for (const name of [...Object.values(names), ...defaultIdentityHeaders]) {
    if (!byAlias.has(aliasOf(name))) byAlias.set(aliasOf(name), name)
  }
  const managed = new Set([...byAlias.values()].map((name) => name.toLowerCase()))
  return {
    isIdentity: (alias) => byAlias.has(alias),
    isManaged: (name) => managed.has(name.toLowerCase()),
    of: (claims) => known(names, claims).flat(),
    ofAll: (claims) => {
      const values = new Map(known(names, claims))
      return [...byAlias.values()].flatMap((name) => [name, values.get(name) ?? ''])
    },
  }
}

function known(
  names: IdentityHeaderNames,
  claims: AccessTokenClaims | undefined,
): readonly (readonly [name: string, value: string])[] {
  if (claims === undefined) return []
  const values: readonly (readonly [string | undefined, string | undefined])[] = [
    [names.subject, encode(claims.sub)],
    [names.roles, claims.roles?.map(encode).join(',')],
    [names.scope, claims.scope],
    [names.session, claims.sid === undefined ? undefined : encode(claims.sid)],
  ]
  return values.flatMap(([name, value]) =>
    name === undefined || value === undefined ? [] : [[name, value] as const],
  )
}

function encode(text: string): string {
  return text.replaceAll(/[^\x21-\x7e]+|[%,]/g, (unsafe) =>
    Buffer.from(unsafe).toString('hex').toUpperCase().replaceAll(/../g, '%$&'),
  )
}
