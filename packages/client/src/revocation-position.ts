import type { JsonValue, RevocationPosition } from '@portcullis/protocol'
import { isJsonObject } from '@portcullis/protocol'
import type { IssuerAnswer } from './issuer-request.ts'

/** The member `revocation` of an answer: whoever has applied the log that far refuses the tokens. */
export function parseRevocationPosition({ body }: IssuerAnswer): RevocationPosition | undefined {
  return parsePosition(body?.['revocation'])
}

export function parsePosition(position: JsonValue | undefined): RevocationPosition | undefined {
  if (!isJsonObject(position)) return undefined
  const { epoch, seq } = position
  if (typeof epoch !== 'string' || typeof seq !== 'number') return undefined
  return Number.isSafeInteger(seq) && seq >= 0 ? { epoch, seq } : undefined
}
