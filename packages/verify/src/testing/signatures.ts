import { Buffer } from 'node:buffer'
import { constants, createHmac, sign as signWith } from 'node:crypto'
import type { AlgorithmName } from '@portcullis/protocol/jws'
import { algorithmNamed } from '@portcullis/protocol/jws'
import type { PublicSecret } from './public-secrets.ts'
import { publicSecrets } from './public-secrets.ts'
import { ecdsaTwin, eddsaLargeS, withR, withS } from './signature-integers.ts'
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
  | 'own-key-RS256'
  | 'own-key-RS512'
  | 'own-key-PS256'
  | 'own-key-ES384'
  | 'pss-no-salt'
  | 'pss-long-salt'
  | 'flipped-bit'
  | 'truncated'
  | 'lengthened'
  | 'zeros'
  | 'ones'
  | 'der'
  | 'r-is-zero'
  | 'r-is-order'
  | 's-is-zero'
  | 's-is-order'
  | 'ecdsa-twin'
  | 'eddsa-large-s'
  | 'eddsa-neutral-point'

/** Makes the octets of the third part. */
type Sign = (signingInput: string, key: TestKey) => Buffer

const plain: Readonly<Record<PlainSignature, Sign>> = {
  valid,
  empty: () => Buffer.alloc(0),
  /** The right algorithm, by a key that the issuer never had. */
  stranger: (input, { algorithm }) => signAs(algorithm, input, strangerKey(algorithm)),
  'stranger-ES256': (input) => signAs('ES256', input, strangerKey('ES256')),
  'stranger-EdDSA': (input) => signAs('EdDSA', input, strangerKey('EdDSA')),
  /** The issuer's own key under an algorithm that it is not for. */
  'own-key-RS256': (input, key) => signAs('RS256', input, key),
  'own-key-RS512': (input, key) => signAs('RS512', input, key),
  'own-key-PS256': (input, key) => signAs('PS256', input, key),
  'own-key-ES384': (input, key) => signAs('ES384', input, key),
  /** RFC 7518 section 3.5: the salt is as long as the digest. */
  'pss-no-salt': (input, key) => pss(input, key, 0),
  'pss-long-salt': (input, key) => pss(input, key, constants.RSA_PSS_SALTLEN_MAX_SIGN),
  'flipped-bit': (input, key) => flipLastBit(valid(input, key)),
  truncated: (input, key) => valid(input, key).subarray(0, -1),
  lengthened: (input, key) => Buffer.concat([valid(input, key), Buffer.from([0])]),
  zeros: (input, key) => Buffer.alloc(valid(input, key).length),
  ones: (input, key) => Buffer.alloc(valid(input, key).length, 0xff),
  /** ECDSA as OpenSSL spells it, where JWS wants the two integers joined. */
  der: (input, key) => signWith('sha256', Buffer.from(input), key.privateKey),
  /** ECDSA with integers out of their range: both lie between zero and the order of the curve. */
  'r-is-zero': (input, key) => withR(valid(input, key), 0n),
  'r-is-order': (input, key) => withR(valid(input, key), 'order'),
  's-is-zero': (input, key) => withS(valid(input, key), 0n),
  's-is-order': (input, key) => withS(valid(input, key), 'order'),
  'ecdsa-twin': (input, key) => ecdsaTwin(valid(input, key)),
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
  return key.sign?.(algorithm, input) ?? algorithmNamed(algorithm).sign(key.privateKey, input)
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

function pss(input: string, { privateKey }: TestKey, saltLength: number): Buffer {
  const padding = constants.RSA_PKCS1_PSS_PADDING
  return signWith('sha256', Buffer.from(input), { key: privateKey, padding, saltLength })
}

function flipLastBit(bytes: Buffer): Buffer {
  const last = bytes.length - 1
  return Buffer.concat([bytes.subarray(0, last), Buffer.from([(bytes[last] ?? 0) ^ 1])])
}
