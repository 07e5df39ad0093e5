import { Buffer } from 'node:buffer'
import type { KeyObject } from 'node:crypto'
import { constants, generateKeyPairSync, sign, verify } from 'node:crypto'
import { derFromJoined, joinedFromDer } from './ecdsa-signature.ts'

export type AlgorithmName = 'RS256' | 'PS256' | 'ES256' | 'EdDSA'

/** All that is known about one JWS algorithm (RFC 7518 section 3, RFC 8037 section 3.1). */
export interface Algorithm {
  readonly name: AlgorithmName
  /** JWK `kty`. */
  readonly keyType: 'RSA' | 'EC' | 'OKP'
  /** JWK `crv`, where the key type has one. */
  readonly curve?: string
  /** What is wrong with this key for this algorithm; undefined when it fits. */
  readonly keyFault: (key: KeyObject) => string | undefined
  readonly generateKeyPair: () => { readonly publicKey: KeyObject; readonly privateKey: KeyObject }
  readonly sign: (privateKey: KeyObject, signingInput: string) => Buffer
  /** False for a wrong signature and for one of wrong length or encoding. Never throws on input. */
  readonly verify: (publicKey: KeyObject, signingInput: string, signature: Buffer) => boolean
}

/** RFC 7518 section 3.3 asks for 2048 bits or more; above 8192 a check costs a caller's whole budget. */
const rsaModulusBitsMin = 2048
const rsaModulusBitsMax = 8192
/** What we generate: NIST SP 800-57 rates 2048 for use until 2030, and a JWT lives minutes. */
const rsaModulusBitsGenerated = 2048

function rsaKeyFault(key: KeyObject): string | undefined {
  const details = key.asymmetricKeyDetails
  const bits = details?.modulusLength ?? 0
  const exponent = details?.publicExponent ?? 0n
  if (key.asymmetricKeyType !== 'rsa') return 'is not an RSA key'
  if (bits < rsaModulusBitsMin) return `has ${bits} bits, fewer than ${rsaModulusBitsMin}`
  if (bits > rsaModulusBitsMax) return `has ${bits} bits, more than ${rsaModulusBitsMax}`
  if (exponent < 3n || exponent % 2n === 0n) return 'has an unsafe public exponent'
  return undefined
}

function generateRsaKeyPair(): ReturnType<Algorithm['generateKeyPair']> {
  return generateKeyPairSync('rsa', { modulusLength: rsaModulusBitsGenerated })
}

const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }

const p256SignatureBytes = 64
const ed25519SignatureBytes = 64

// A bare KeyObject, not one inside an options object, keeps Node on its fast path (measured: 30 to
// 70 µs a call on Node 24), so the ECDSA signature is turned to DER here and not by an option.
const table: readonly Algorithm[] = [
  {
    name: 'RS256',
    keyType: 'RSA',
    keyFault: rsaKeyFault,
    generateKeyPair: generateRsaKeyPair,
    sign: (key, input) => sign('sha256', Buffer.from(input), key),
    verify: (key, input, signature) => verify('sha256', Buffer.from(input), key, signature),
  },
  {
    name: 'PS256',
    keyType: 'RSA',
    keyFault: rsaKeyFault,
    generateKeyPair: generateRsaKeyPair,
    sign: (key, input) => sign('sha256', Buffer.from(input), { key, ...pss }),
    verify: (key, input, signature) =>
      verify('sha256', Buffer.from(input), { key, ...pss }, signature),
  },
  {
    name: 'ES256',
    keyType: 'EC',
    curve: 'P-256',
    keyFault: (key) =>
      key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? undefined : 'is not on P-256',
    generateKeyPair: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    sign: (key, input) =>
      joinedFromDer(sign('sha256', Buffer.from(input), key), p256SignatureBytes),
    verify: (key, input, signature) =>
      signature.length === p256SignatureBytes &&
      verify('sha256', Buffer.from(input), key, derFromJoined(signature)),
  },
  {
    name: 'EdDSA',
    keyType: 'OKP',
    curve: 'Ed25519',
    keyFault: (key) => (key.asymmetricKeyType === 'ed25519' ? undefined : 'is not an Ed25519 key'),
    generateKeyPair: () => generateKeyPairSync('ed25519'),
    sign: (key, input) => sign(null, Buffer.from(input), key),
    verify: (key, input, signature) =>
      signature.length === ed25519SignatureBytes &&
      verify(null, Buffer.from(input), key, signature),
  },
]

/** A Map, so that no name reaches anything through a prototype. `none` and HMAC are not in it. */
export const algorithms: ReadonlyMap<AlgorithmName, Algorithm> = new Map(
  table.map((algorithm) => [algorithm.name, algorithm]),
)

export function isAlgorithmName(name: unknown): name is AlgorithmName {
  return (algorithms as ReadonlyMap<unknown, Algorithm>).has(name)
}

/** The table's entry; every name of the union has one. */
export function algorithmNamed(name: AlgorithmName): Algorithm {
  const algorithm = algorithms.get(name)
  if (algorithm === undefined) throw new TypeError(`no such algorithm: ${name}`)
  return algorithm
}
