import { Buffer } from 'node:buffer'
import { createCipheriv, publicEncrypt, randomBytes } from 'node:crypto'
import type { TestKey } from './test-key.ts'

/**
 * A JWE (RFC 7516 section 3.1) that anybody can make: encrypted to the public key of the issuer, which
 * a library that picks the operation by the token's header decrypts and takes for signed.
 */
export function encryptedToIssuer(plaintext: string, { kid, publicKey }: TestKey): string {
  const members = { alg: 'RSA-OAEP-256', enc: 'A256GCM', typ: 'at+jwt', kid }
  const header = Buffer.from(JSON.stringify(members)).toString('base64url')
  const contentKey = randomBytes(32)
  const iv = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', contentKey, iv).setAAD(Buffer.from(header))
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()])
  const wrapped = publicEncrypt({ key: publicKey, oaepHash: 'sha256' }, contentKey)
  const parts = [wrapped, iv, ciphertext, cipher.getAuthTag()]
  return [header, ...parts.map((part) => part.toString('base64url'))].join('.')
}
