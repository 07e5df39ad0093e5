import type { AccessTokenClaims } from '@portcullis/protocol'
import type { Fingerprint } from '@portcullis/protocol/revocations'
import { fingerprintOf } from '@portcullis/protocol/revocations'

/** What the log is asked about one verified access token, besides its session, account and client. */
export interface TokenMarks {
  readonly token: Fingerprint
  /** Of the key that signed it, where that is known. */
  readonly key?: Fingerprint
}

export function marksOf({ iss, jti }: AccessTokenClaims, kid?: string): TokenMarks {
  const token = fingerprintOf(iss, 'token', jti)
  return kid === undefined ? { token } : { token, key: fingerprintOf(iss, 'key', kid) }
}
