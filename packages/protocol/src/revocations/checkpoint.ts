import type { JsonObject } from '../json.ts'
import { parseCompactJws } from '../jws/compact.ts'
import type { Chain } from './chain.ts'
import type { RevocationPosition } from './position.ts'

/**
 * What the issuer vouches for: everything that was acknowledged before `at` is at or below `seq`, and
 * the records up to there have this chain.
 */
export interface Checkpoint extends RevocationPosition {
  readonly iss: string
  readonly chain: Chain
  /** Milliseconds since 1970, by the store's clock. */
  readonly at: number
  /** Every signing key that lives, waiting ones included. A key that is not among them is withdrawn. */
  readonly kids: readonly string[]
}

/** A checkpoint that covers a snapshot's records too. */
export interface SnapshotManifest extends Checkpoint {
  /** SHA-256 of the records as they follow the manifest, base64url. */
  readonly sha256: string
}

/** The `typ` of the two documents (RFC 8725 section 3.11): neither can stand for the other. */
export const checkpointType = 'revocation-checkpoint+jwt'
export const snapshotType = 'revocation-snapshot+jwt'

const epochForm = /^[A-Za-z0-9_-]{22}$/
const sha256Form = /^[A-Za-z0-9_-]{43}$/
const kidsMax = 64

/** Reads a verified payload. Undefined when a member is missing or of another form. */
export function parseCheckpoint(payload: JsonObject): Checkpoint | undefined {
  const { iss, epoch, seq, chain, at, kids } = payload
  if (typeof iss !== 'string') return undefined
  if (typeof epoch !== 'string' || !epochForm.test(epoch)) return undefined
  if (typeof chain !== 'string' || !sha256Form.test(chain)) return undefined
  if (!isCount(seq) || !isCount(at)) return undefined
  if (!Array.isArray(kids) || kids.length > kidsMax) return undefined
  if (!kids.every((kid) => typeof kid === 'string')) return undefined
  return { iss, epoch, seq, chain, at, kids }
}

/**
 * What a checkpoint says of itself, for whoever hands it on or looks for a place in a log. Does NOT check its signature,
 * nor its `typ`: whoever sends it can write what it likes. To believe one, verify it and read its payload.
 */
export function unverifiedCheckpoint(text: string): Checkpoint | undefined {
  const jws = parseCompactJws(text)
  return jws.kind === 'jws' ? parseCheckpoint(jws.payload) : undefined
}

export function parseSnapshotManifest(payload: JsonObject): SnapshotManifest | undefined {
  const checkpoint = parseCheckpoint(payload)
  const { sha256 } = payload
  if (checkpoint === undefined || typeof sha256 !== 'string') return undefined
  return sha256Form.test(sha256) ? { ...checkpoint, sha256 } : undefined
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0
}
