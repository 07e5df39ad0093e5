import { createHash } from 'node:crypto'
import type { RevocationRecord } from './record.ts'
import { encodeRecord } from './record.ts'

const label = 'portcullis revocations'

/** SHA-256 over a whole history, base64url: two logs with one chain have the same records. */
export type Chain = string

/** The chain of an epoch in which nothing was revoked yet. */
export function firstChain(epoch: string): Chain {
  return createHash('sha256').update(`${label}\0${epoch}`).digest('base64url')
}

/** The chain after one more record: SHA-256(previous ‖ record), over 32 and 33 raw octets. */
export function nextChain(previous: Chain, record: RevocationRecord): Chain {
  const bytes = encodeRecord(record)
  return createHash('sha256').update(previous, 'base64url').update(bytes).digest('base64url')
}
