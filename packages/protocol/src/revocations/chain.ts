import { Buffer } from 'node:buffer'
import { hash } from 'node:crypto'
import type { RevocationRecord } from './record.ts'
import { encodeRecord, recordBytes } from './record.ts'

const label = 'portcullis revocations'

/** SHA-256 over a whole history, base64url: two logs with one chain have the same records. */
export type Chain = string

/** The chain of an epoch in which nothing was revoked yet. */
export function firstChain(epoch: string): Chain {
  return hash('sha256', `${label}\0${epoch}`, 'base64url')
}

/** The chain after one more record: SHA-256(previous ‖ record), over 32 and 33 raw octets. */
export function nextChain(previous: Chain, record: RevocationRecord): Chain {
  return chainAfter(previous, encodeRecord(record))
}

const chainBytes = 32

/**
 * The chain after all of these records, as they stand one behind the other on the wire. Of a length that
 * fits; whether they can be read is not looked at.
 */
export function chainAfter(previous: Chain, records: Buffer): Chain {
  // One buffer for all of them: a great many may come at once, while requests wait.
  const link = Buffer.alloc(chainBytes + recordBytes)
  link.write(previous, 'base64url')
  for (let at = 0; at < records.length; at += recordBytes) {
    records.copy(link, chainBytes, at, at + recordBytes)
    link.write(hash('sha256', link, 'latin1'), 'latin1')
  }
  return link.toString('base64url', 0, chainBytes)
}
