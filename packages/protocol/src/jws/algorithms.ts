import { Buffer } from 'node:buffer'
import type { KeyObject } from 'node:crypto'
import { constants, generateKeyPairSync, sign, verify } from 'node:crypto'
import { derFromJoined, joinedFromDer } from './ecdsa-signature.ts'

export type AlgorithmName =
  | 'RS256'
  | 'RS384'
  | 'RS512'
  | 'PS256'
  | 'PS384'
  | 'PS512'
  | 'ES256'
  | 'ES384'
  | 'ES512'
  | 'EdDSA'
  | 'Ed25519'

/** All that is known about one JWS algorithm (RFC 7518 section 3, RFC 8037 section 3.1, RFC 9864). */
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
/**
 * Up to the length of its modulus an exponent may be, and then a check costs as much as a signature: 11 ms
 * for 8192 bits. Some platforms cannot even hold one of more than 32 bits, and nearly all keys have 65537.
 */
const rsaExponentMax = 2n ** 32n - 1n
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
  if (exponent > rsaExponentMax) return 'has a public exponent of more than 32 bits'
  return undefined
}

function generateRsaKeyPair(): ReturnType<Algorithm['generateKeyPair']> {
  return generateKeyPairSync('rsa', { modulusLength: rsaModulusBitsGenerated })
}

type Digest = 'sha256' | 'sha384' | 'sha512'

// A bare KeyObject, not one inside an options object, keeps Node on its fast path (measured: 30 to
// 70 µs a call on Node 24), so the ECDSA signature is turned to DER here and not by an option.

/** What is signed is ASCII, which latin1 copies without looking. */
function octetsOf(signingInput: string): Buffer {
  return Buffer.from(signingInput, 'latin1')
}

const rsa = {
  keyType: 'RSA',
  keyFault: rsaKeyFault,
  generateKeyPair: generateRsaKeyPair,
} as const satisfies Partial<Algorithm>

function rsaPkcs1(name: AlgorithmName, digest: Digest): Algorithm {
  return {
    ...rsa,
    name,
    sign: (key, input) => sign(digest, octetsOf(input), key),
    verify: (key, input, signature) => verify(digest, octetsOf(input), key, signature),
  }
}

/** RFC 7518 section 3.5: the salt is as long as the digest. */
function rsaPss(name: AlgorithmName, digest: Digest, saltLength: number): Algorithm {
  const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }
  return {
    ...rsa,
    name,
    sign: (key, input) => sign(digest, octetsOf(input), { key, ...pss }),
    verify: (key, input, signature) => verify(digest, octetsOf(input), { key, ...pss }, signature),
  }
}

/** `namedCurve` is what OpenSSL calls the curve. */
function ecdsa(
  name: AlgorithmName,
  digest: Digest,
  curve: string,
  namedCurve: string,
  signatureBytes: number,
): Algorithm {
  return {
    name,
    keyType: 'EC',
    curve,
    keyFault: (key) =>
      key.asymmetricKeyDetails?.namedCurve === namedCurve ? undefined : `is not on ${curve}`,
    generateKeyPair: () => generateKeyPairSync('ec', { namedCurve }),
    sign: (key, input) => joinedFromDer(sign(digest, octetsOf(input), key), signatureBytes),
    verify: (key, input, signature) =>
      signature.length === signatureBytes &&
      verify(digest, octetsOf(input), key, derFromJoined(signature)),
  }
}

const ed25519SignatureBytes = 64

/**
 * The points of small order (RFC 8032 section 5.1.7), without their sign, and the two spellings of them that
 * are not reduced. Under such a key one signature may fit every message; not every OpenSSL refuses it.
 */
const smallOrderPoints: ReadonlySet<string> = new Set([
  '00'.repeat(32),
  `01${'00'.repeat(31)}`,
  `ec${'ff'.repeat(30)}7f`,
  `ed${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(30)}7f`,
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
])

function ed25519KeyFault(key: KeyObject): string | undefined {
  if (key.asymmetricKeyType !== 'ed25519') return 'is not an Ed25519 key'
  const point = Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url')
  const signOctet = point.length - 1
  point[signOctet] = (point[signOctet] ?? 0) & 0x7f
  return smallOrderPoints.has(point.toString('hex')) ? 'is a point of small order' : undefined
}

function ed25519(name: AlgorithmName): Algorithm {
  return {
    name,
    keyType: 'OKP',
    curve: 'Ed25519',
    keyFault: ed25519KeyFault,
    generateKeyPair: () => generateKeyPairSync('ed25519'),
    sign: (key, input) => sign(null, octetsOf(input), key),
    verify: (key, input, signature) =>
      signature.length === ed25519SignatureBytes && verify(null, octetsOf(input), key, signature),
  }
}

/** A key without `alg` is for the first entry that fits its type and curve. */
const table: readonly Algorithm[] = [
  rsaPkcs1('RS256', 'sha256'),
  rsaPkcs1('RS384', 'sha384'),
  rsaPkcs1('RS512', 'sha512'),
  rsaPss('PS256', 'sha256', 32),
  rsaPss('PS384', 'sha384', 48),
  rsaPss('PS512', 'sha512', 64),
  ecdsa('ES256', 'sha256', 'P-256', 'prime256v1', 64),
  ecdsa('ES384', 'sha384', 'P-384', 'secp384r1', 96),
  ecdsa('ES512', 'sha512', 'P-521', 'secp521r1', 132),
  ed25519('EdDSA'),
  ed25519('Ed25519'),
]

/**
 * A Map, so that no name reaches anything through a prototype. `none` is nowhere, and HMAC,
 * which has no public keys, stands apart.
 */
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
