import type { JsonObject } from '@portcullis/protocol'
import { judgeHeader, parseCompactJws } from '@portcullis/protocol/jws'
import type { Checkpoint, SnapshotManifest } from '@portcullis/protocol/revocations'
import {
  checkpointType,
  parseCheckpoint,
  parseSnapshotManifest,
  snapshotType,
} from '@portcullis/protocol/revocations'
import type { KeySource } from '../issuer/key-source.ts'

export type Opened<Document> =
  | { readonly kind: 'opened'; readonly document: Document }
  /** Not by the issuer, or not of this type. */
  | { readonly kind: 'forged'; readonly why: string }
  /** The feed's keys cannot be had, so nothing can be said. */
  | { readonly kind: 'unavailable'; readonly why: string }

/** Opens what the issuer signs with its feed keys, which are other keys than those for tokens. */
export interface CheckpointKeys {
  readonly openCheckpoint: (jws: string) => Promise<Opened<Checkpoint>>
  readonly openManifest: (jws: string) => Promise<Opened<SnapshotManifest>>
}

const algorithms: ReadonlySet<string> = new Set(['ES256'])

export function createCheckpointKeys(issuer: string, keys: KeySource): CheckpointKeys {
  async function open<Document extends Checkpoint>(
    text: string,
    typ: string,
    parse: (payload: JsonObject) => Document | undefined,
  ): Promise<Opened<Document>> {
    const jws = parseCompactJws(text)
    if (jws.kind === 'malformed') return forged('it is not a compact JWS')
    const header = judgeHeader(jws.header, { typ, algorithms })
    if (header.kind === 'refused') return forged(`its header is refused: ${header.why}`)
    const lookup = await keys.find(header.kid)
    if (lookup.kind === 'unavailable') return lookup
    if (lookup.kind === 'unknown') return forged('its key is not one of the feed')
    const { algorithm, publicKey } = lookup.key
    if (!algorithms.has(algorithm.name)) return forged('its key is not for ES256')
    if (!algorithm.verify(publicKey, jws.signingInput, jws.signature)) {
      return forged('its signature is wrong')
    }
    const document = parse(jws.payload)
    if (document === undefined) return forged('its claims are malformed')
    return document.iss === issuer
      ? { kind: 'opened', document }
      : forged('it is from another issuer')
  }

  return {
    openCheckpoint: (jws) => open(jws, checkpointType, parseCheckpoint),
    openManifest: (jws) => open(jws, snapshotType, parseSnapshotManifest),
  }
}

function forged(why: string): { readonly kind: 'forged'; readonly why: string } {
  return { kind: 'forged', why }
}
