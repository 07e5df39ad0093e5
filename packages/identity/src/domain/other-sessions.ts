import type { RevocationPosition } from '@portcullis/protocol/revocations'
import type { AccountStore } from './accounts.ts'
import { callerOf } from './callers.ts'
import type { FreshToken } from './fresh-token.ts'
import { mintFreshToken } from './fresh-token.ts'
import type { SessionTokenParts } from './session-tokens.ts'
import type { KnownSession, SessionStore, TooOften } from './sessions.ts'

export interface OtherSessionsParts extends SessionTokenParts {
  readonly accounts: Pick<AccountStore, 'endOtherSessions'>
  readonly sessions: Pick<SessionStore, 'find'>
}

export type OtherSessionsOutcome =
  | {
      readonly kind: 'ended'
      readonly position: RevocationPosition
      /** Undefined when there is none to be had; the session goes on by its refresh token all the same. */
      readonly fresh: FreshToken | undefined
    }
  | { readonly kind: 'superseded' }
  | TooOften

/**
 * Ends every session of the account but the caller's, which needs another access token then: those from
 * before are revoked, whosesoever they are. Where there is no other session nothing is.
 */
export async function endOtherSessions(
  parts: OtherSessionsParts,
  session: KnownSession,
  {
    network,
    keyThumbprint,
  }: { readonly network?: string; readonly keyThumbprint?: string | undefined } = {},
): Promise<OtherSessionsOutcome> {
  const ended = await parts.accounts.endOtherSessions(callerOf(session, network))
  if (ended.kind !== 'ended') return ended
  return { ...ended, fresh: await mintFreshToken(parts, session.id, keyThumbprint) }
}
