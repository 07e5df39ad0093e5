import process from 'node:process'

/** What an operator should look at, though no request fails because of it. Holds no token and no secret. */
export interface VerifierWarning {
  /**
   * - `PORTCULLIS_KEY_SET_FILE`, `PORTCULLIS_STATE_FILE`: a file is not used or cannot be written
   * - `PORTCULLIS_REVOCATION_FEED`: the feed brought what its issuer has not signed, what does not fit, or what is old
   * - `PORTCULLIS_REVOCATION_STALE`, `PORTCULLIS_REVOCATION_FRESH`: the issuer's last word is older than
   *   `maxStalenessSeconds`, and it is not any more
   * - `PORTCULLIS_CALLBACK`: `onRevoked` or `onEvent` has thrown, and with what
   * - `PORTCULLIS_REQUIRE_FRESH`: a `requireFresh` asks for less than the verifier does, and so changes nothing
   */
  readonly code:
    | 'PORTCULLIS_KEY_SET_FILE'
    | 'PORTCULLIS_STATE_FILE'
    | 'PORTCULLIS_REVOCATION_FEED'
    | 'PORTCULLIS_REVOCATION_STALE'
    | 'PORTCULLIS_REVOCATION_FRESH'
    | 'PORTCULLIS_CALLBACK'
    | 'PORTCULLIS_REQUIRE_FRESH'
  readonly message: string
}

export type Warn = (warning: VerifierWarning) => void

export const processWarning: Warn = ({ code, message }) => process.emitWarning(message, { code })

/** Tells of a mistake of the service itself, which would be seen by nobody otherwise. */
export function warnOfThrown(warn: Warn, callback: string, error: unknown): void {
  warn({ code: 'PORTCULLIS_CALLBACK', message: `${callback} has thrown ${String(error)}` })
}
