import { Buffer } from 'node:buffer'
import { createHmac, sign as signWith } from 'node:crypto'
import type { AlgorithmName } from '@portcullis/protocol/jws'
import { algorithmNamed } from '@portcullis/protocol/jws'
import type { TestKey } from './test-key.ts'
import { generateTestKey } from './test-key.ts'

/** How a forged token is signed: by whom, or in which wrong form. */
export type SignatureName = PlainSignature | `hmac-${PublicSecret}`

type PlainSignature =
  | 'valid'
  | 'empty'
  | 'stranger'
  | 'stranger-ES256'
  | 'stranger-EdDSA'
  | 'own-key-PS256'
  | 'own-key-RS512'
  | 'flipped-bit'
  | 'truncated'
  | 'lengthened'
  | 'zeros'
  | 'der'
  | 'r-is-order'
  | 'ecdsa-twin'
  | 'eddsa-large-s'
  | 'eddsa-neutral-point'

type PublicSecret =
  | 'pem'
  | 'pem-crlf'
  | 'pem-untrimmed'
  | 'pem-trimmed'
  | 'pem-in-junk'
  | 'pem-pkcs1'
  | 'der'
  | 'jwk'
  | 'jwks'
  | 'modulus'
  | 'kid'
  | 'empty'
  | 'text-null'
  | 'text-undefined'

/** Makes the octets of the third part. */
type Sign = (signingInput: string, key: TestKey) => Buffer

/** What an algorithm-confusion attack uses as HMAC secret: a public fact about the issuer's key. */
const publicSecrets: Readonly<Record<PublicSecret, (key: TestKey) => string | Buffer>> = {
  pem: (key) => spkiPem(key),
  'pem-crlf': (key) => spkiPem(key).replaceAll('\n', '\r\n'),
  'pem-untrimmed': (key) => ` \n${spkiPem(key)}`,
  'pem-trimmed': (key) => spkiPem(key).trim(),
  'pem-in-junk': (key) => `key:\n${spkiPem(key)}`,
  'pem-pkcs1': (key) => key.publicKey.export({ type: 'pkcs1', format: 'pem' }),
  der: (key) => key.publicKey.export({ type: 'spki', format: 'der' }),
  jwk: (key) => JSON.stringify(key.jwk),
  jwks: (key) => JSON.stringify({ keys: [key.jwk] }),
  modulus: (key) => Buffer.from(String(key.jwk['n']), 'base64url'),
  kid: (key) => key.kid,
  empty: () => '',
  'text-null': () => 'null',
  'text-undefined': () => 'undefined',
}

const plain: Readonly<Record<PlainSignature, Sign>> = {
  valid,
  empty: () => Buffer.alloc(0),
  /** The right algorithm, by a key that the issuer never had. */
  stranger: (input, { algorithm }) => signAs(algorithm, input, strangerKey(algorithm)),
  'stranger-ES256': (input) => signAs('ES256', input, strangerKey('ES256')),
  'stranger-EdDSA': (input) => signAs('EdDSA', input, strangerKey('EdDSA')),
  /** The issuer's own RSA key under an algorithm that it is not for. */
  'own-key-PS256': (input, key) => signAs('PS256', input, key),
  'own-key-RS512': (input, key) => signWith('sha512', Buffer.from(input), key.privateKey),
  'flipped-bit': (input, key) => flipLastBit(valid(input, key)),
  truncated: (input, key) => valid(input, key).subarray(0, -1),
  lengthened: (input, key) => Buffer.concat([valid(input, key), Buffer.from([0])]),
  zeros: (input, key) => Buffer.alloc(valid(input, key).length),
  /** ECDSA as OpenSSL spells it, where JWS wants the two integers joined. */
  der: (input, key) => signWith('sha256', Buffer.from(input), key.privateKey),
  /** ECDSA with `r` at the order of the curve, out of its range. */
  'r-is-order': (input, key) =>
    Buffer.concat([fromInteger(p256Order), valid(input, key).subarray(32)]),
  /** ECDSA's other valid spelling `(r, n - s)`. */
  'ecdsa-twin': (input, key) => ecdsaTwin(valid(input, key)),
  /** Ed25519 with `S + L`, which RFC 8032 section 5.1.7 refuses. */
  'eddsa-large-s': (input, key) => eddsaLargeS(valid(input, key)),
  /** Ed25519 with the neutral point as `R` and zero as `S`. */
  'eddsa-neutral-point': () => Buffer.concat([Buffer.from([1]), Buffer.alloc(63)]),
}

const signatures: ReadonlyMap<string, Sign> = new Map<string, Sign>([
  ...Object.entries(plain),
  ...Object.entries(publicSecrets).map(([name, secretOf]): [string, Sign] => [
    `hmac-${name}`,
    (input, key) => createHmac('sha256', secretOf(key)).update(input).digest(),
  ]),
])

export function signatureNamed(name: SignatureName): Sign {
  const sign = signatures.get(name)
  if (sign === undefined) throw new TypeError(`a recipe has no signature "${name}"`)
  return sign
}

function valid(input: string, key: TestKey): Buffer {
  return signAs(key.algorithm, input, key)
}

function signAs(algorithm: AlgorithmName, input: string, key: TestKey): Buffer {
  return algorithmNamed(algorithm).sign(key.privateKey, input)
}

const strangers = new Map<AlgorithmName, TestKey>()

/** A key that no issuer publishes. */
export function strangerKey(algorithm: AlgorithmName): TestKey {
  const known = strangers.get(algorithm)
  if (known !== undefined) return known
  const stranger = generateTestKey(algorithm)
  strangers.set(algorithm, stranger)
  return stranger
}

function spkiPem(key: TestKey): string {
  return key.publicKey.export({ type: 'spki', format: 'pem' })
}

function flipLastBit(bytes: Buffer): Buffer {
  const last = bytes.length - 1
  return Buffer.concat([bytes.subarray(0, last), Buffer.from([(bytes[last] ?? 0) ^ 1])])
}

// FIPS 186-5 (P-256) and RFC 8032 section 5.1 (Ed25519): the orders of the two groups.
const p256Order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
const ed25519Order = 0x1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3edn

function ecdsaTwin(joined: Buffer): Buffer {
  const s = BigInt(`0x${joined.subarray(32).toString('hex')}`)
  return Buffer.concat([joined.subarray(0, 32), fromInteger(p256Order - s)])
}

function eddsaLargeS(signature: Buffer): Buffer {
  const s = BigInt(`0x${reversed(signature.subarray(32)).toString('hex')}`)
  return Buffer.concat([signature.subarray(0, 32), reversed(fromInteger(s + ed25519Order))])
}

/** Ed25519 writes integers with the least significant byte first. */
function reversed(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toReversed())
}

function fromInteger(integer: bigint): Buffer {
  return Buffer.from(integer.toString(16).padStart(64, '0'), 'hex')
}
