import { Buffer } from 'node:buffer'
import type { KeyObject } from 'node:crypto'
import { generateKeyPairSync } from 'node:crypto'
import { deflateRawSync } from 'node:zlib'
import { thumbprintOf } from '@portcullis/protocol/jws'
import type { KeyWrap } from './encrypted.ts'
import { encryptedText } from './encrypted.ts'
import type { TokenRecipe } from './recipe.ts'
import type { TestIssuer } from './test-issuer.ts'

/** How to build one encrypted token, as data. An empty recipe builds a valid one; each member spoils one thing. */
export interface EncryptedRecipe {
  /** The signed token inside. Default a valid one. */
  readonly signed?: TokenRecipe
  /** What is encrypted: `<signed>`, `<claims>` (raw JSON), `<encrypted>` (the signed token, encrypted), or any text. */
  readonly plaintext?: string
  readonly header?: { readonly set?: object; readonly remove?: readonly string[] }
  /** How the content key is wrapped, whatever the header says. Default `RSA-OAEP-256`. */
  readonly wrap?: KeyWrap
  /** Whose key it is encrypted to, whatever the header says. Default `service`. */
  readonly to?: 'service' | 'stranger'
  readonly isDeflated?: boolean
  /** The whole text. Default `<header>.<key>.<iv>.<ciphertext>.<tag>`. */
  readonly token?: string
}

/** One entry of the corpus in `vectors/encrypted-tokens.json`. */
export interface EncryptedVector {
  readonly id: string
  readonly forges: string
  readonly why: string
  readonly source: string
  readonly recipe: EncryptedRecipe
  /** The same without the defect. Default: the plain valid one. */
  readonly twin?: EncryptedRecipe
  /** The reason of our verifier's 401; none for what is accepted. */
  readonly reason?: string
}

/**
 * Encrypts a signed token to an RSA key as a nested JWT: RSA-OAEP-256, A256GCM. For tests of a service that has a
 * `decryption`; its `kid` is the key's thumbprint.
 */
export function encryptToken(token: string, publicKey: KeyObject): string {
  return encryptedText({ plaintext: Buffer.from(token), publicKey, header: headerFor(publicKey) })
}

/** Executes a recipe: signed by this issuer, encrypted to this RSA key. */
export function buildEncryptedVector(
  recipe: EncryptedRecipe,
  issuer: Pick<TestIssuer, 'forge'>,
  publicKey: KeyObject,
): string {
  const { header = {}, wrap, to = 'service', plaintext = '<signed>', isDeflated = false } = recipe
  const signed = issuer.forge(recipe.signed ?? {})
  const claims = (): string => Buffer.from(signed.split('.')[1] ?? '', 'base64url').toString()
  const text = plaintext
    .replace('<signed>', () => signed)
    .replace('<claims>', claims)
    .replace('<encrypted>', () => encryptToken(signed, publicKey))
  const octets = Buffer.from(text)
  const all = Object.entries({ ...headerFor(publicKey), ...header.set })
  return encryptedText({
    plaintext: isDeflated ? deflateRawSync(octets) : octets,
    publicKey: to === 'service' ? publicKey : strangerKey(),
    header: Object.fromEntries(all.filter(([name]) => header.remove?.includes(name) !== true)),
    wrap,
    token: recipe.token?.replace('<signed>', () => signed),
  })
}

function headerFor(publicKey: KeyObject): object {
  const kid = thumbprintOf(publicKey)
  return { alg: 'RSA-OAEP-256', enc: 'A256GCM', typ: 'at+jwt', cty: 'JWT', kid }
}

let stranger: KeyObject | undefined

function strangerKey(): KeyObject {
  stranger ??= generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey
  return stranger
}
