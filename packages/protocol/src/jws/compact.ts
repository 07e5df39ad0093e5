import { Buffer, isAscii } from 'node:buffer'
import type { JsonFault, JsonObject } from '../json.ts'
import { parseJsonObject } from '../json.ts'

/** A compact JWS (RFC 7515 section 7.1) that was read, and of which nothing is believed yet. */
export interface CompactJws {
  readonly kind: 'jws'
  /** Frozen at every depth, like the payload. */
  readonly header: JsonObject
  readonly payload: JsonObject
  /** The octets the signature covers (RFC 7515 section 5.1): `header.payload` as they were sent. */
  readonly signingInput: string
  readonly signature: Buffer
}

export interface MalformedJws {
  readonly kind: 'malformed'
  readonly why: JwsFault
}

export type JwsFault =
  | 'not-a-string'
  | 'too-long'
  | 'not-three-parts'
  | 'not-canonical-base64url'
  | 'not-utf8'
  | `header-${JsonFault}`
  | `payload-${JsonFault}`

/** 8 KiB: four times the budget for minted tokens. Read before anything is decoded. */
const tokenCharactersMax = 8192
/** Claims are flat; an actor chain or an address claim needs a few levels. */
const depthMax = 16

/**
 * Reads the one form that is accepted: three non-empty parts of canonical base64url (no padding, no
 * white space, no stray trailing bits), header and payload each one UTF-8 JSON object without
 * duplicate members. One token therefore has one spelling, except for ECDSA signatures, where (r, s)
 * and (r, n−s) are both valid.
 *
 * Checks NEITHER the signature NOR any header parameter or claim.
 */
export function parseCompactJws(token: unknown): CompactJws | MalformedJws {
  if (typeof token !== 'string') return malformed('not-a-string')
  if (token.length > tokenCharactersMax) return malformed('too-long')

  const firstDot = token.indexOf('.')
  const secondDot = token.indexOf('.', firstDot + 1)
  if (firstDot < 1 || secondDot <= firstDot + 1) return malformed('not-three-parts')
  if (secondDot === token.length - 1 || token.includes('.', secondDot + 1)) {
    return malformed('not-three-parts')
  }

  const header = readHeader(token.slice(0, firstDot))
  if (typeof header === 'string') return malformed(header)
  const payload = readPart(token.slice(firstDot + 1, secondDot), 'payload')
  if (typeof payload === 'string') return malformed(payload)
  const signature = decodeCanonical(token.slice(secondDot + 1))
  if (signature === undefined) return malformed('not-canonical-base64url')

  return { kind: 'jws', header, payload, signingInput: token.slice(0, secondDot), signature }
}

/** Tokens of one key share one header, so a few are kept. They are frozen. */
const headersRead = new Map<string, JsonObject>()
const headersReadMax = 32
const headerReadCharactersMax = 512

function readHeader(part: string): JsonObject | JwsFault {
  const known = headersRead.get(part)
  if (known !== undefined) return known
  const header = readPart(part, 'header')
  if (typeof header === 'string' || part.length > headerReadCharactersMax) return header
  if (headersRead.size >= headersReadMax) headersRead.clear()
  headersRead.set(part, header)
  return header
}

function readPart(part: string, name: 'header' | 'payload'): JsonObject | JwsFault {
  const bytes = decodeCanonical(part)
  if (bytes === undefined) return 'not-canonical-base64url'
  const text = decodeUtf8(bytes)
  if (text === undefined) return 'not-utf8'
  const parsed = parseJsonObject(text, { depthMax })
  return parsed.kind === 'object' ? parsed.value : `${name}-${parsed.why}`
}

/** Node decodes leniently, so what it decoded is encoded again: only the canonical text survives. */
function decodeCanonical(part: string): Buffer | undefined {
  const bytes = Buffer.from(part, 'base64url')
  return bytes.toString('base64url') === part ? bytes : undefined
}

// ignoreBOM keeps a byte order mark in the text, where the JSON parser then refuses it.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decodeUtf8(bytes: Buffer): string | undefined {
  if (isAscii(bytes)) return bytes.toString('latin1')
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

function malformed(why: JwsFault): MalformedJws {
  return { kind: 'malformed', why }
}
