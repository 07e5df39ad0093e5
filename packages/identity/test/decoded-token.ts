import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'

export interface DecodedToken {
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
}

/** Reads a compact JWS without any check, so that a test sees exactly what was sent. */
export function decodeToken(token: unknown): DecodedToken {
  assert.ok(typeof token === 'string')
  const [header = '', claims = '', signature = '', ...more] = token.split('.')
  assert.ok(signature !== '' && more.length === 0)
  return { header: decode(header), claims: decode(claims) }
}

function decode(part: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>
}
