import type { KeyObject } from 'node:crypto'
import { createPublicKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { JsonObject, JsonValue } from '@portcullis/protocol'
import { isJsonObject } from '@portcullis/protocol'
import { kidCharactersMax, thumbprintOf } from '@portcullis/protocol/jws'
import { systemErrorCode } from '@portcullis/runtime'
import type { EncryptionKey } from '../domain/token-encryption.ts'
import {
  contentEncryptions,
  encryptionAlgorithms,
  encryptionKeyFault,
} from '../domain/token-encryption.ts'

/** What an audience says of the encryption of its tokens, as the schema of the file has it. */
export const encryptionSchema: {
  readonly type: 'object'
  readonly additionalProperties: false
  readonly required: readonly ['algorithm']
  readonly properties: {
    readonly keyFile: { readonly type: 'string'; readonly minLength: 1 }
    readonly jwk: { readonly type: 'object' }
    readonly algorithm: { readonly enum: typeof encryptionAlgorithms }
    readonly content: { readonly enum: typeof contentEncryptions }
  }
} = {
  type: 'object',
  additionalProperties: false,
  required: ['algorithm'],
  properties: {
    keyFile: { type: 'string', minLength: 1 },
    jwk: { type: 'object' },
    algorithm: { enum: encryptionAlgorithms },
    content: { enum: contentEncryptions },
  },
}

export type ReadEncryptionKey =
  | { readonly kind: 'key'; readonly key: EncryptionKey }
  /** `member` is where: `keyFile`, `jwk`, or undefined for the whole. */
  | { readonly kind: 'mistaken'; readonly member?: 'keyFile' | 'jwk'; readonly why: string }

/** Reads the public key that an audience has registered, out of the file that it names or as it stands there. */
export function readEncryptionKey(declared: JsonObject): ReadEncryptionKey | undefined {
  const { keyFile, jwk, content = 'A256GCM' } = declared
  const algorithm = encryptionAlgorithms.find((name) => name === declared['algorithm'])
  const chosen = contentEncryptions.find((name) => name === content)
  // What the schema has found already.
  if (algorithm === undefined || chosen === undefined) return undefined
  if ((keyFile === undefined) === (jwk === undefined)) {
    return { kind: 'mistaken', why: 'needs keyFile or jwk, and not both' }
  }
  const member = jwk === undefined ? 'keyFile' : 'jwk'
  const read = jwk === undefined ? readKeyFile(keyFile) : readJwk(jwk, algorithm)
  if (read === undefined) return undefined
  if (typeof read === 'string') return { kind: 'mistaken', member, why: read }
  const fault = encryptionKeyFault(read.publicKey, algorithm)
  if (fault !== undefined) return { kind: 'mistaken', member, why: fault }
  const { publicKey, kid = thumbprintOf(publicKey) } = read
  return { kind: 'key', key: { kid, algorithm, content: chosen, publicKey } }
}

interface PublicHalf {
  readonly publicKey: KeyObject
  readonly kid?: string
}

const isPrivate = 'holds a private key: register the public half only'

/** A public key in PEM. A text says what is wrong. */
function readKeyFile(path: JsonValue | undefined): PublicHalf | string | undefined {
  if (typeof path !== 'string') return undefined
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    return `points to ${path}, which cannot be read (${systemErrorCode(error) ?? 'error'})`
  }
  // Node would make the public half of it.
  if (text.includes('PRIVATE KEY')) return isPrivate
  try {
    return { publicKey: createPublicKey(text) }
  } catch {
    return `points to ${path}, which holds no public key in PEM`
  }
}

const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

function readJwk(
  jwk: JsonValue | undefined,
  algorithm: EncryptionKey['algorithm'],
): PublicHalf | string | undefined {
  if (!isJsonObject(jwk)) return undefined
  if (privateMembers.some((member) => Object.hasOwn(jwk, member))) return isPrivate
  const { use = 'enc', alg = algorithm, kid } = jwk
  if (use !== 'enc') return 'is not for encryption: its use is not enc'
  if (alg !== algorithm) return 'is for another algorithm: its alg is not that of the audience'
  if (kid !== undefined && !isKid(kid)) return 'has a kid that is no text, empty or too long'
  try {
    const publicKey = createPublicKey({ key: jwk, format: 'jwk' })
    return kid === undefined ? { publicKey } : { publicKey, kid }
  } catch {
    return 'is not a public key'
  }
}

function isKid(value: JsonValue): value is string {
  return typeof value === 'string' && value !== '' && value.length <= kidCharactersMax
}
