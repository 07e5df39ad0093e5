import { Buffer } from 'node:buffer'
import type { KeyObject } from 'node:crypto'
import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto'
import type { VerificationKey } from './jwk.ts'
import { thumbprint } from './jwk.ts'

/** HMAC with SHA-256 (RFC 7518 section 3.2), for one issuer and one service that share a secret. */
export const sharedSecretAlgorithm = 'HS256'

/** RFC 7518 section 3.2: as long as the digest, or longer. */
export const sharedSecretBytesMin = 32

/**
 * The RFC 7638 thumbprint of the secret as a JWK, which is its kid here. It is no secret itself, and tells
 * nothing of one that is random (section 7).
 */
export function sharedSecretKid(secret: Uint8Array): string {
  return thumbprint({ k: Buffer.from(secret).toString('base64url'), kty: 'oct' })
}

/**
 * Whoever can verify with it can also mint. It has a type and an algorithm of its own, so that a
 * public key of an issuer never becomes one (RFC 8725 section 2.1).
 */
export function sharedSecretKey(kid: string, secret: Uint8Array): VerificationKey {
  if (secret.length < sharedSecretBytesMin) {
    throw new TypeError(`a shared secret needs ${sharedSecretBytesMin} bytes or more`)
  }
  return {
    kid,
    algorithm: { name: sharedSecretAlgorithm, verify },
    publicKey: createSecretKey(secret),
  }
}

function verify(key: KeyObject, signingInput: string, signature: Buffer): boolean {
  const expected = createHmac('sha256', key).update(signingInput, 'latin1').digest()
  return signature.length === expected.length && timingSafeEqual(signature, expected)
}
