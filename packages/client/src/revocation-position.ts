import type { RevocationPosition } from '@portcullis/protocol'
import { isJsonObject } from '@portcullis/protocol'
import type { IssuerAnswer } from './issuer-request.ts'

/** The member `revocation` of an answer: whoever has applied the log that far refuses the tokens. */
export function parseRevocationPosition({ body }: IssuerAnswer): RevocationPosition | undefined {
  const position = body?.['revocation']
  if (!isJsonObject(position)) return undefined
  const { epoch, seq } = position
  if (typeof epoch !== 'string' || typeof seq !== 'number') return undefined
  return Number.isSafeInteger(seq) && seq >= 0 ? { epoch, seq } : undefined
}
