import type { KeyObject } from 'node:crypto'

/** How the content key is wrapped (RFC 7518 sections 4.3 and 4.6). */
export const encryptionAlgorithms = ['RSA-OAEP-256', 'ECDH-ES+A256KW'] as const

export const contentEncryptions = ['A256GCM', 'A128GCM'] as const

/** The public key that an audience registers, and the one way in which it is used. */
export interface EncryptionKey {
  readonly kid: string
  readonly algorithm: (typeof encryptionAlgorithms)[number]
  readonly content: (typeof contentEncryptions)[number]
  readonly publicKey: KeyObject
}

/** Makes a nested JWT (RFC 7519 section 5.2) of a signed one. Nobody here can open it again. */
export type EncryptToken = (token: string, key: EncryptionKey) => Promise<string>

/** Whether one token can be for both, or is for neither of them encrypted. */
export function isSameEncryption(
  one: EncryptionKey | undefined,
  other: EncryptionKey | undefined,
): boolean {
  if (one === undefined || other === undefined) return one === other
  return (
    one.kid === other.kid &&
    one.algorithm === other.algorithm &&
    one.content === other.content &&
    one.publicKey.equals(other.publicKey)
  )
}

const rsaModulusBitsMin = 2048
const curves: ReadonlySet<string | undefined> = new Set(['prime256v1', 'secp384r1'])

/** What is wrong with a public key for this algorithm; undefined when it fits. */
export function encryptionKeyFault(
  key: KeyObject,
  algorithm: EncryptionKey['algorithm'],
): string | undefined {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key
  if (algorithm === 'RSA-OAEP-256') {
    if (type !== 'rsa') return 'is not an RSA key, which RSA-OAEP-256 needs'
    const bits = details?.modulusLength ?? 0
    return bits < rsaModulusBitsMin
      ? `has ${bits} bits, fewer than ${rsaModulusBitsMin}`
      : undefined
  }
  const fits = type === 'x25519' || (type === 'ec' && curves.has(details?.namedCurve))
  return fits ? undefined : 'is not on P-256, P-384 or X25519, one of which ECDH-ES+A256KW needs'
}

/** Whether it is a JWE in the compact form (RFC 7516 section 3.1), which only the service can open that it is for. */
export function isEncryptedToken(token: string): boolean {
  return token.split('.', 6).length === 5
}
