import { Buffer } from 'node:buffer'
import type { KeyObject } from 'node:crypto'
import { constants, createCipheriv, publicEncrypt, randomBytes } from 'node:crypto'
import type { TestKey } from './test-key.ts'

/**
 * A JWE (RFC 7516 section 3.1) that anybody can make: encrypted to the public key of the issuer, which
 * a library that picks the operation by the token's header decrypts and takes for signed.
 */
export function encryptedToIssuer(plaintext: string, { kid, publicKey }: TestKey): string {
  const header = { alg: 'RSA-OAEP-256', enc: 'A256GCM', typ: 'at+jwt', kid }
  return encryptedText({ plaintext: Buffer.from(plaintext), publicKey, header })
}

/** How the content key reaches the owner of the public key; `none` sends none. */
export type KeyWrap = 'RSA-OAEP-256' | 'RSA-OAEP' | 'RSA1_5' | 'none'

export interface EncryptionMaterial {
  readonly plaintext: Buffer
  readonly publicKey: KeyObject
  readonly header: object
  readonly wrap?: KeyWrap | undefined
  readonly token?: string | undefined
}

/** Encrypts with A256GCM, and says of it what the header says. */
export function encryptedText(material: EncryptionMaterial): string {
  const { plaintext, publicKey, wrap = 'RSA-OAEP-256' } = material
  const header = Buffer.from(JSON.stringify(material.header)).toString('base64url')
  const contentKey = randomBytes(32)
  const iv = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', contentKey, iv).setAAD(Buffer.from(header))
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()])
  const octets = {
    key: wrapped(contentKey, publicKey, wrap),
    iv,
    ciphertext,
    tag: cipher.getAuthTag(),
  }
  const parts = Object.entries(octets).map(([name, part]) => [name, part.toString('base64url')])
  const facts = new Map([['header', header], ...(parts as [string, string][])])
  const { token = '<header>.<key>.<iv>.<ciphertext>.<tag>' } = material
  return token.replaceAll(/<([a-z]+)>/g, (_whole, name: string) => facts.get(name) ?? unknown(name))
}

function unknown(name: string): never {
  throw new TypeError(`a recipe has no fact <${name}>`)
}

function wrapped(contentKey: Buffer, key: KeyObject, wrap: KeyWrap): Buffer {
  if (wrap === 'none') return Buffer.alloc(0)
  if (wrap === 'RSA1_5')
    return publicEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, contentKey)
  return publicEncrypt({ key, oaepHash: wrap === 'RSA-OAEP' ? 'sha1' : 'sha256' }, contentKey)
}
