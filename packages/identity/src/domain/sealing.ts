import { createCipheriv, createDecipheriv, createHash } from 'node:crypto'
import type { RandomBytes } from './random.ts'

/** Encrypts private keys at rest with a key that lives outside the database. */
export interface Sealer {
  /** `context` is bound to the sealed text: it opens under the same context only. */
  readonly seal: (plaintext: string, context: string) => string
  readonly open: (sealed: string, context: string) => OpenedSeal
}

export type OpenedSeal =
  | { readonly kind: 'opened'; readonly plaintext: string }
  | { readonly kind: 'sealed-with-another-key' }
  | { readonly kind: 'damaged' }

const nonceBytes = 12
const tagBytes = 16
const format = 'v1'
/** AES-256-GCM with a fresh 96-bit nonce for each sealing (NIST SP 800-38D section 8.2.2). */
export function createSealer(key: Buffer, randomBytes: RandomBytes): Sealer {
  // Tells a wrong key from a damaged row. It reveals nothing: the key is 256 random bits.
  const keyId = createHash('sha256').update('portcullis sealing key').update(key).digest('hex')
  const shortKeyId = keyId.slice(0, 8)
  return {
    seal: (plaintext, context) => {
      const nonce = randomBytes(nonceBytes)
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(context))
      const ciphertext = [cipher.update(plaintext, 'utf8'), cipher.final(), cipher.getAuthTag()]
      const box = Buffer.concat([nonce, ...ciphertext]).toString('base64url')
      return `${format}.${shortKeyId}.${box}`
    },
    open: (sealed, context) => {
      const [usedFormat, usedKeyId, box] = sealed.split('.')
      if (usedFormat !== format || box === undefined) return { kind: 'damaged' }
      if (usedKeyId !== shortKeyId) return { kind: 'sealed-with-another-key' }
      const plaintext = decrypt(key, Buffer.from(box, 'base64url'), context)
      return plaintext === undefined ? { kind: 'damaged' } : { kind: 'opened', plaintext }
    },
  }
}

function decrypt(key: Buffer, box: Buffer, context: string): string | undefined {
  if (box.length < nonceBytes + tagBytes) return undefined
  const decipher = createDecipheriv('aes-256-gcm', key, box.subarray(0, nonceBytes), {
    authTagLength: tagBytes,
  })
  decipher.setAAD(Buffer.from(context)).setAuthTag(box.subarray(-tagBytes))
  try {
    const ciphertext = box.subarray(nonceBytes, -tagBytes)
    return Buffer.concat([decipher.update(ciphertext), decipher.final()]).toString('utf8')
  } catch {
    return undefined
  }
}
