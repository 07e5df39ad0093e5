import { Buffer } from 'node:buffer'
import type { KeyObject } from 'node:crypto'
import { createPrivateKey, createPublicKey } from 'node:crypto'
import type { JsonObject } from '@portcullis/protocol'
import { accessTokenType } from '@portcullis/protocol'
import { parseCompactJws, thumbprintOf } from '@portcullis/protocol/jws'
import { compactDecrypt } from 'jose'
import { demand, rejectUnknown, requireObject, requireText } from './option-checks.ts'

/** Opens the encrypted tokens of one audience. */
export interface TokenDecrypter {
  /** The signed token that is inside. Undefined for whatever cannot be opened here, and never why. */
  readonly open: (token: string) => Promise<string | undefined>
}

/** What a decrypter opens with. Unknown names and wrong values are a TypeError. */
export interface DecrypterOptions {
  /** Those of the audience: several while one follows another. */
  readonly keys: readonly DecryptionKey[]
}

/** A private key, and the one way in which it is used. */
export interface DecryptionKey {
  /** RSA of 2048 bits or more; or P-256, P-384 or X25519. A text is PEM. */
  readonly privateKey: KeyObject | string
  readonly algorithm: 'RSA-OAEP-256' | 'ECDH-ES+A256KW'
  /** Default A256GCM. */
  readonly content?: 'A256GCM' | 'A128GCM'
  /** What tokens name it by. Default: the RFC 7638 thumbprint of its public half. */
  readonly kid?: string
}

type UsableKey = Required<DecryptionKey> & { readonly privateKey: KeyObject }

/**
 * Opens compact JWEs (RFC 7516) that hold a signed token, with these keys and nothing else: the key that the `kid`
 * names says which `alg` and `enc` it is for, and a header may only agree. Compression, passwords and
 * extensions are refused before anything is decrypted. Throws a TypeError for a key or a name that is wrong.
 *
 * Does NOT say who has made the token: anybody can encrypt to a public key. The verifier judges what is inside.
 */
export function createDecrypter(options: DecrypterOptions): TokenDecrypter {
  const { keys, ...unknown } = requireObject(options, 'options')
  rejectUnknown(unknown)
  demand(Array.isArray(keys) && keys.length > 0, 'keys', 'must be a list of one key or more')
  const byKid = new Map(keys.map(requireKey).map((key): [unknown, UsableKey] => [key.kid, key]))
  demand(byKid.size === keys.length, 'keys', 'has two keys of one kid')

  return Object.freeze({
    open: async (token: string) => {
      const header = readHeader(token)
      const key = header && byKid.get(header['kid'])
      return key && isFor(key, header) ? decrypt(token, key) : undefined
    },
  })
}

/** As a verifier caps signed tokens. */
const tokenCharactersMax = 8192

/** Of exactly five parts, each canonical base64url: one token has one spelling. */
function readHeader(token: unknown): JsonObject | undefined {
  if (typeof token !== 'string' || token.length > tokenCharactersMax) return undefined
  const parts = token.split('.', 6)
  if (parts.length !== 5 || !parts.every(isCanonical)) return undefined
  // By the one strict parser that there is, which wants a payload and a signature too.
  const read = parseCompactJws(`${parts[0]}.e30.AA`)
  return read.kind === 'jws' ? read.header : undefined
}

function isCanonical(part: string): boolean {
  return part !== '' && Buffer.from(part, 'base64url').toString('base64url') === part
}

const unwanted = ['zip', 'crit', 'b64', 'p2c', 'p2s']

/** RFC 7519 section 5.2 wants the `cty`; a `typ` may be there (RFC 8725 section 3.11). */
function isFor({ algorithm, content }: UsableKey, header: JsonObject): boolean {
  const { alg, enc, cty, typ = accessTokenType } = header
  return (
    alg === algorithm &&
    enc === content &&
    isText(cty, 'jwt') &&
    isText(typ, accessTokenType) &&
    !unwanted.some((name) => Object.hasOwn(header, name))
  )
}

function isText(value: unknown, expected: string): boolean {
  return typeof value === 'string' && value.toLowerCase() === expected
}

async function decrypt(token: string, key: UsableKey): Promise<string | undefined> {
  try {
    const { plaintext } = await compactDecrypt(token, key.privateKey, {
      keyManagementAlgorithms: [key.algorithm],
      contentEncryptionAlgorithms: [key.content],
    })
    return Buffer.from(plaintext).toString('latin1')
  } catch {
    // Whichever step it was that failed: nobody is to learn it.
    return undefined
  }
}

function requireKey(value: DecryptionKey): UsableKey {
  const {
    privateKey,
    algorithm,
    content = 'A256GCM',
    kid,
    ...unknown
  } = requireObject(value, 'option "keys"')
  rejectUnknown(unknown, 'keys.')
  const key = typeof privateKey === 'string' ? createPrivateKey(privateKey) : privateKey
  const areFit = ['A256GCM', 'A128GCM'].includes(content) && isFit(key, algorithm)
  demand(areFit, 'keys', 'has a private key, an algorithm and a content that do not fit')
  const name = kid ?? thumbprintOf(createPublicKey(key))
  return { privateKey: key, algorithm, content, kid: requireText(name, 'keys.kid') }
}

function isFit(
  { type, asymmetricKeyType, asymmetricKeyDetails }: KeyObject,
  algorithm: string,
): boolean {
  const { modulusLength = 0, namedCurve = '' } = asymmetricKeyDetails ?? {}
  if (type !== 'private') return false
  if (algorithm === 'RSA-OAEP-256') return asymmetricKeyType === 'rsa' && modulusLength >= 2048
  if (algorithm !== 'ECDH-ES+A256KW') return false
  return asymmetricKeyType === 'x25519' || ['prime256v1', 'secp384r1'].includes(namedCurve)
}
