import { Buffer } from 'node:buffer'
import { selfSignedCertificate } from './certificate.ts'
import { encryptedToIssuer } from './encrypted.ts'
import type { SignatureName } from './signatures.ts'
import { signatureNamed, strangerKey } from './signatures.ts'
import type { TestKey } from './test-key.ts'

/**
 * How to build one token, as data. An empty recipe builds a valid token; each member spoils one thing.
 * `vectors/README.md` describes the language; in short: in every text `<name>` stands for a fact
 * about the token or its issuer, and as a value `{"fromNow": -6}` stands for a time in seconds.
 */
export interface TokenRecipe {
  readonly header?: PartRecipe
  readonly payload?: PartRecipe
  /** Default `valid`. */
  readonly signature?: SignatureName
  /** The whole token's text. Default `<header>.<payload>.<signature>`. */
  readonly token?: string
}

/** How to spoil the header or the payload of a token. */
export interface PartRecipe {
  readonly set?: Readonly<Record<string, unknown>>
  readonly remove?: readonly string[]
  /** The part's exact text before base64url. Default `{<members>}`. */
  readonly text?: string
  /** Default utf8; latin1 makes text outside ASCII invalid UTF-8. */
  readonly encoding?: 'utf8' | 'latin1' | 'utf16le'
  /** Spells the same octets with stray bits at the end, which base64url decoders tend to drop. */
  readonly strayBits?: boolean
}

/** What a recipe is executed against: an issuer's key and what a valid token of it says. */
export interface ForgeMaterial {
  readonly issuer: string
  readonly key: TestKey
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** The parts as they are spelled in a token that is there, for recipes that leave them alone. */
  readonly given?: { readonly header: string; readonly payload: string }
}

/** Executes a recipe. A member that recipes do not have is an error: it would spoil nothing. */
export function forgeToken(recipe: TokenRecipe, material: ForgeMaterial): string {
  rejectUnknown(recipe, ['header', 'payload', 'signature', 'token'])
  const part = (name: 'header' | 'payload', valid: ForgeMaterial['claims']): string =>
    (recipe[name] === undefined ? material.given?.[name] : undefined) ??
    encodePart(recipe[name] ?? {}, valid, material)
  const header = part('header', material.header)
  const payload = part('payload', material.claims)
  const sign = signatureNamed(recipe.signature ?? 'valid')
  const signature = sign(`${header}.${payload}`, material.key).toString('base64url')
  const own = {
    header: () => header,
    payload: () => payload,
    signature: () => signature,
    straysignature: () => withStrayBits(signature),
    standardpayload: () => payload.replaceAll('-', '+').replaceAll('_', '/'),
    jwe: () => encryptedToIssuer(JSON.stringify(material.claims), material.key),
    nestedjwe: () => encryptedToIssuer(`${header}.${payload}.${signature}`, material.key),
  }
  return fill(recipe.token ?? '<header>.<payload>.<signature>', material, own)
}

function encodePart(
  recipe: PartRecipe,
  valid: Readonly<Record<string, unknown>>,
  material: ForgeMaterial,
): string {
  rejectUnknown(recipe, ['set', 'remove', 'text', 'encoding', 'strayBits'])
  const { set = {}, remove = [], text = '{<members>}', encoding = 'utf8', strayBits } = recipe
  const all = [...Object.entries(valid), ...Object.entries(set)]
  const kept = all.filter(([name]) => !remove.includes(name))
  // Entries, not assignment: a member named `__proto__` must become a member.
  const members = JSON.stringify(resolve(Object.fromEntries(kept), material)).slice(1, -1)
  const octets = Buffer.from(fill(text, material, { members: () => members }), encoding)
  if (strayBits !== true) return octets.toString('base64url')
  const spare = octets.length % 3 === 0 ? Buffer.from(' ') : Buffer.alloc(0)
  return withStrayBits(Buffer.concat([octets, spare]).toString('base64url'))
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** The canonical last character has its unused bits at zero, so the next one differs in those only. */
function withStrayBits(part: string): string {
  return part.slice(0, -1) + alphabet.charAt(alphabet.indexOf(part.at(-1) ?? '') + 1)
}

/** Called when a text wants them: some are costly. */
type Facts = Readonly<Record<string, () => string>>

/** Fills texts and times anywhere inside a value. */
function resolve(value: unknown, material: ForgeMaterial): unknown {
  if (typeof value === 'string') return fill(value, material, {})
  if (Array.isArray(value)) return value.map((entry) => resolve(entry, material))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value)
  const [first] = entries
  if (entries.length === 1 && first?.[0] === 'fromNow') {
    return Math.floor(material.now() / 1000) + Number(first[1])
  }
  return Object.fromEntries(entries.map(([name, member]) => [name, resolve(member, material)]))
}

function fill(text: string, material: ForgeMaterial, own: Facts): string {
  const { issuer, key } = material
  const stranger = (): TestKey => strangerKey(key.algorithm)
  const facts: ReadonlyMap<string, () => string> = new Map(
    Object.entries({
      issuer: () => issuer,
      kid: () => key.kid,
      jwk: () => JSON.stringify(key.jwk),
      strangerkid: () => stranger().kid,
      strangerjwk: () => JSON.stringify(stranger().jwk),
      strangercertificate: () => selfSignedCertificate(stranger()).toString('base64'),
      ...own,
    }),
  )
  return text.replaceAll(
    /<(?:repeat:([^:]+):(\d+)|numbered:(\d+)|([a-z]+))>/g,
    (_whole, repeated: string | undefined, count: string, numbered: string, name: string) => {
      if (repeated !== undefined) return repeated.repeat(Number(count))
      if (numbered !== undefined) return numberedMembers(Number(numbered))
      const fact = facts.get(name)
      if (fact === undefined) throw new TypeError(`a recipe has no fact <${name}>`)
      return fact()
    },
  )
}

/** So many members, none of which is there twice. */
function numberedMembers(count: number): string {
  return Array.from({ length: count }, (_member, at) => `"${at}":0`).join(',')
}

function rejectUnknown(recipe: object, known: readonly string[]): void {
  const unknown = Object.keys(recipe).find((name) => !known.includes(name))
  if (unknown !== undefined) throw new TypeError(`a recipe has no member "${unknown}"`)
}
