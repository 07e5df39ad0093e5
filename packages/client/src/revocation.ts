import { isJsonObject } from '@portcullis/protocol'
import type { IssuerAnswer } from './issuer-request.ts'

/** Where the revocation stands in the issuer's log: whoever has applied that far refuses the tokens. */
export interface Revocation {
  readonly epoch: string
  readonly seq: number
}

/** The member `revocation` of an answer. */
export function parseRevocation({ body }: IssuerAnswer): Revocation | undefined {
  const revocation = body?.['revocation']
  if (!isJsonObject(revocation)) return undefined
  const { epoch, seq } = revocation
  if (typeof epoch !== 'string' || typeof seq !== 'number') return undefined
  return Number.isSafeInteger(seq) && seq >= 0 ? { epoch, seq } : undefined
}
