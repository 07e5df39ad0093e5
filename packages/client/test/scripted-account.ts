import { Buffer } from 'node:buffer'
import type { Fate, Seen } from './wire.ts'

/** What identity's owner routes answer, by `METHOD /path`; everything else goes through. */
export type AccountScript = Readonly<Record<string, (seen: Seen, token: string) => Fate>>

/** A member of the token's payload, unverified: the test only looks which token it was. */
export function claimOf(token: string, name: string): unknown {
  const [, payload = ''] = token.split('.')
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object
  return Reflect.get(claims, name)
}

export function playAccount(issuer: string, script: AccountScript): (seen: Seen) => Fate {
  return (seen) => {
    const play = script[`${seen.method} ${seen.path}`]
    if (play === undefined) return 'through'
    const token = seen.headers['authorization']?.replace('Bearer ', '') ?? ''
    return claimOf(token, 'aud') === issuer ? play(seen, token) : turnedDown
  }
}

export const turnedDown: Fate = {
  status: 401,
  headers: { 'www-authenticate': 'Bearer realm="id", error="invalid_token"' },
  body: { code: 'invalid-token', detail: 'not for here' },
}
