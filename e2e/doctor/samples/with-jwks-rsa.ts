import jsonwebtoken from 'jsonwebtoken'
import jwksRsa from 'jwks-rsa'
import type { Trust } from '@portcullis/doctor'
import type { Sample } from './sample.ts'
import { serviceFor } from './sample.ts'

/** As the README of jwks-rsa shows it, and what jsonwebtoken leaves to its callers. */
async function verifyWith(jwksUri: string, token: string, trust: Trust): Promise<boolean> {
  const { header } = jsonwebtoken.decode(token, { complete: true }) ?? {}
  const client = clientFor(jwksUri)
  const key = (await client.getSigningKey(header?.kid)).getPublicKey()
  const { issuer, audience } = trust
  const claims = jsonwebtoken.verify(token, key, { issuer, audience, algorithms: ['RS256'] })
  const typ = String(header?.typ)
    .toLowerCase()
    .replace(/^application\//, '')
  const hasExpiry = typeof claims === 'object' && claims.exp !== undefined
  return typ === 'at+jwt' && header?.crit === undefined && hasExpiry
}

const clients = new Map<string, jwksRsa.JwksClient>()

function clientFor(jwksUri: string): jwksRsa.JwksClient {
  const known = clients.get(jwksUri)
  if (known !== undefined) return known
  const client = jwksRsa({ jwksUri, cache: true })
  clients.set(jwksUri, client)
  return client
}

export const strongJwksRsa: Sample = (trust) =>
  serviceFor((token) => verifyWith(trust.jwks, token, trust))

/** The key set is where the token says. */
export const namedKeySetWithJwksRsa: Sample = (trust) =>
  serviceFor((token) => {
    const { header } = jsonwebtoken.decode(token, { complete: true }) ?? {}
    return verifyWith(header?.jku ?? trust.jwks, token, trust)
  })
