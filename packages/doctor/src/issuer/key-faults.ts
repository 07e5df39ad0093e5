import { Buffer } from 'node:buffer'
import type { KeyObject } from 'node:crypto'
import { createPublicKey, X509Certificate } from 'node:crypto'
import type { JsonObject } from '@portcullis/protocol'
import { isJsonObject } from '@portcullis/protocol'
import { hasEndlessNumbers } from './endless-numbers.ts'
import type { FaultId, Seen } from './faults.ts'

/** A published key, as far as it can be told. */
export interface PublishedKey {
  readonly kid: string | undefined
  readonly kty: string
  readonly alg: string | undefined
  readonly bits: number | undefined
  readonly curve: string | undefined
  /** Where the key or its certificate tells. */
  readonly ageDays: number | undefined
}

export interface KeySetFaults {
  readonly keys: readonly PublishedKey[]
  readonly seen: readonly Seen[]
}

const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']
const rsaBitsMin = 2048
const usualExponent = 65_537n
const dayMs = 86_400_000

/** Looks at each entry of a key set, and at all of them together. */
export function faultsOfKeys(
  entries: readonly unknown[],
  { nowMs, ageDaysMax }: { readonly nowMs: number; readonly ageDaysMax: number },
): KeySetFaults {
  const seen: Seen[] = []
  const keys: PublishedKey[] = []
  for (const [at, entry] of entries.entries()) {
    const where = nameOf(entry, at)
    const note = (fault: FaultId): void => void seen.push({ fault, where })
    if (!isJsonObject(entry)) note('unreadable-key')
    else keys.push(examineKey(entry, nowMs, ageDaysMax, note))
  }
  return { keys, seen: [...seen, ...repeatedNames(keys)] }
}

function nameOf(entry: unknown, at: number): string {
  const kid = isJsonObject(entry) ? entry['kid'] : undefined
  return typeof kid === 'string' ? `key ${kid}` : `entry ${at + 1}`
}

type Note = (fault: FaultId) => void

function examineKey(jwk: JsonObject, nowMs: number, ageDaysMax: number, note: Note): PublishedKey {
  const { kty } = jwk
  const isSecret = kty === 'oct'
  if (isSecret) note('shared-secret')
  else if (privateMembers.some((name) => name in jwk)) note('private-key')
  if (typeof jwk['kid'] !== 'string' || jwk['kid'] === '') note('no-kid')
  const key = isSecret ? undefined : readKey(jwk, note)
  if (key !== undefined) {
    noteRsa(key, note)
    noteUse(jwk, key, note)
  }
  const age = ageOf(jwk, nowMs, note)
  if (age !== undefined && age > ageDaysMax) note('old-key')
  return {
    kid: textOf(jwk['kid']),
    kty: textOf(kty) ?? '',
    alg: textOf(jwk['alg']),
    bits: key?.asymmetricKeyDetails?.modulusLength,
    curve: textOf(jwk['crv']),
    ageDays: age,
  }
}

/** OpenSSL itself refuses a point that is not on the curve. */
function readKey(jwk: JsonObject, note: Note): KeyObject | undefined {
  const { kty, n, e, crv, x, y } = jwk
  if (hasEndlessNumbers(jwk)) {
    note('unreadable-key')
    return undefined
  }
  try {
    return createPublicKey({
      key: { kty, n, e, crv, x, y } as Record<string, string>,
      format: 'jwk',
    })
  } catch {
    const isWhole = kty === 'EC' && [crv, x, y].every((member) => typeof member === 'string')
    // Node makes no key of an exponent of 1, or of an even one.
    const isRsa = kty === 'RSA' && typeof n === 'string' && typeof e === 'string'
    if (isRsa && isWorthless(exponentIn(e))) note('weak-exponent')
    else note(isWhole ? 'bad-point' : 'unreadable-key')
    return undefined
  }
}

function exponentIn(e: string): bigint {
  return BigInt(`0x0${Buffer.from(e, 'base64url').toString('hex')}`)
}

function isWorthless(exponent: bigint): boolean {
  return exponent < 3n || exponent % 2n === 0n
}

function noteRsa({ asymmetricKeyType, asymmetricKeyDetails = {} }: KeyObject, note: Note): void {
  if (asymmetricKeyType !== 'rsa') return
  const { modulusLength = 0, publicExponent = 0n } = asymmetricKeyDetails
  if (modulusLength < rsaBitsMin) note('weak-rsa')
  if (isWorthless(publicExponent)) note('weak-exponent')
  else if (publicExponent < usualExponent) note('small-exponent')
}

/** RFC 7518 section 3.1, RFC 8037 and RFC 9864: what signs with which kind of key. */
const signingAlgorithms: ReadonlyMap<string, readonly string[]> = new Map([
  ['rsa', ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']],
  ['ec P-256', ['ES256']],
  ['ec P-384', ['ES384']],
  ['ec P-521', ['ES512']],
  ['ec secp256k1', ['ES256K']],
  ['ed25519', ['EdDSA', 'Ed25519']],
  ['ed448', ['EdDSA', 'Ed448']],
])

function noteUse(jwk: JsonObject, { asymmetricKeyType }: KeyObject, note: Note): void {
  const { alg, use, key_ops: operations, crv } = jwk
  if (use === 'enc') return
  const kind = asymmetricKeyType === 'ec' ? `ec ${textOf(crv) ?? ''}` : String(asymmetricKeyType)
  if (alg === undefined) note('no-alg')
  else if (signingAlgorithms.get(kind)?.includes(textOf(alg) ?? '') !== true) note('unfit-alg')
  const isUnfit =
    (use !== undefined && use !== 'sig') ||
    (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify')))
  if (isUnfit) note('unfit-use')
}

/** By `iat` or `nbf`, which some issuers add (RFC 7517 allows other members), or by the certificate. */
function ageOf(jwk: JsonObject, nowMs: number, note: Note): number | undefined {
  const told = [jwk['iat'], jwk['nbf']].find((time) => typeof time === 'number')
  const from = told === undefined ? certificateStart(jwk['x5c'], nowMs, note) : told * 1000
  return from === undefined ? undefined : Math.floor((nowMs - from) / dayMs)
}

function certificateStart(x5c: unknown, nowMs: number, note: Note): number | undefined {
  const first: unknown = Array.isArray(x5c) ? x5c[0] : undefined
  if (typeof first !== 'string') return undefined
  try {
    const { validFrom, validTo } = new X509Certificate(Buffer.from(first, 'base64'))
    if (Date.parse(validTo) < nowMs) note('expired-certificate')
    return Date.parse(validFrom)
  } catch {
    note('unreadable-key')
    return undefined
  }
}

function repeatedNames(keys: readonly PublishedKey[]): readonly Seen[] {
  const groups = Map.groupBy(keys, ({ kid }) => kid)
  return [...groups].flatMap(([kid, group]): Seen[] =>
    kid !== undefined && group.length > 1 ? [{ fault: 'kid-twice', where: `key ${kid}` }] : [],
  )
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
