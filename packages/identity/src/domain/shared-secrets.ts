import { createHmac } from 'node:crypto'
import type { AccessTokenClaims } from '@portcullis/protocol'
import { accessTokenType } from '@portcullis/protocol'
import { sharedSecretAlgorithm, sharedSecretKid } from '@portcullis/protocol/jws'

/** What HS256 signs with and, while it is rolled, the secret that is still accepted beside it. */
export type SharedSecrets = readonly [present: SharedSecret, ...accepted: SharedSecret[]]

export interface SharedSecret {
  readonly kid: string
  readonly secret: Buffer
}

export function createSharedSecret(secret: Buffer): SharedSecret {
  return { kid: sharedSecretKid(secret), secret }
}

/** Signs claims as an `at+jwt` with HMAC and SHA-256 (RFC 7518 section 3.2). */
export function signWithSharedSecret(
  claims: AccessTokenClaims,
  { kid, secret }: SharedSecret,
): string {
  const header = { alg: sharedSecretAlgorithm, typ: accessTokenType, kid }
  const signingInput = `${encode(header)}.${encode(claims)}`
  return `${signingInput}.${createHmac('sha256', secret).update(signingInput).digest('base64url')}`
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}
