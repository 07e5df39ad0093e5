import { createCipheriv, createDecipheriv, createHash } from 'node:crypto'
import type { RandomBytes } from './random.ts'

/** Encrypts secrets at rest with a key that lives outside the database. */
export interface Sealer {
  /** `context` is bound to the sealed text: it opens under the same context only. */
  readonly seal: (plaintext: string, context: string) => string
  /** Opens what any of its keys has sealed. */
  readonly open: (sealed: string, context: string) => OpenedSeal
  /** The same under the present key. Undefined for what is so already, and for what does not open. */
  readonly reseal: (sealed: string, context: string) => string | undefined
}

export type OpenedSeal =
  | { readonly kind: 'opened'; readonly plaintext: string }
  | { readonly kind: 'sealed-with-another-key' }
  | { readonly kind: 'damaged' }

const nonceBytes = 12
const tagBytes = 16
const format = 'v1'

/**
 * AES-256-GCM with a fresh 96-bit nonce for each sealing (NIST SP 800-38D section 8.2.2). What `others` have
 * sealed it opens as well: the key before, or the next one, while they are exchanged.
 */
export function createSealer(
  key: Buffer,
  randomBytes: RandomBytes,
  others: readonly Buffer[] = [],
): Sealer {
  const presentId = keyIdOf(key)
  const keys = new Map([...others, key].map((one) => [keyIdOf(one), one]))
  const seal: Sealer['seal'] = (plaintext, context) => {
    const nonce = randomBytes(nonceBytes)
    const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(context))
    const ciphertext = [cipher.update(plaintext, 'utf8'), cipher.final(), cipher.getAuthTag()]
    const box = Buffer.concat([nonce, ...ciphertext]).toString('base64url')
    return `${format}.${presentId}.${box}`
  }
  const open: Sealer['open'] = (sealed, context) => {
    const [usedFormat, usedKeyId = '', box] = sealed.split('.')
    if (usedFormat !== format || box === undefined) return { kind: 'damaged' }
    const usedKey = keys.get(usedKeyId)
    if (usedKey === undefined) return { kind: 'sealed-with-another-key' }
    const plaintext = decrypt(usedKey, Buffer.from(box, 'base64url'), context)
    return plaintext === undefined ? { kind: 'damaged' } : { kind: 'opened', plaintext }
  }
  const reseal: Sealer['reseal'] = (sealed, context) => {
    if (sealed.startsWith(`${format}.${presentId}.`)) return undefined
    const opened = open(sealed, context)
    return opened.kind === 'opened' ? seal(opened.plaintext, context) : undefined
  }
  return { seal, open, reseal }
}

/** Tells a wrong key from a damaged row. It reveals nothing: the key is 256 random bits. */
function keyIdOf(key: Buffer): string {
  const hash = createHash('sha256').update('portcullis sealing key').update(key)
  return hash.digest('hex').slice(0, 8)
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
