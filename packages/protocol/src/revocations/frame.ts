import { Buffer } from 'node:buffer'
import { parseJsonObject } from '../json.ts'

/** What the stream sends at once: new records, and the checkpoint that covers them. */
export interface Frame {
  /** Records one behind the other (see `encodeRecord`); empty when only time has passed. */
  readonly records: Buffer
  /** A JWS of type `revocation-checkpoint+jwt`. Nothing is believed before it verifies. */
  readonly checkpoint: string
}

/** The name of the event (WHATWG HTML section 9.2) that carries a frame. */
export const frameEvent = 'records'

/** The `data` of the event. */
export function formatFrame({ records, checkpoint }: Frame): string {
  return JSON.stringify({ records: records.toString('base64url'), checkpoint })
}

/** Undefined when this is no frame. */
export function parseFrame(data: string): Frame | undefined {
  const parsed = parseJsonObject(data, { depthMax: 2 })
  if (parsed.kind === 'malformed') return undefined
  const { records, checkpoint } = parsed.value
  if (typeof records !== 'string' || typeof checkpoint !== 'string') return undefined
  const bytes = Buffer.from(records, 'base64url')
  return bytes.toString('base64url') === records ? { records: bytes, checkpoint } : undefined
}
