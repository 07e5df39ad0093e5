import type { AccessToken } from './access-tokens.ts'
import type { SessionTokenParts } from './session-tokens.ts'
import { mintForSession } from './session-tokens.ts'
import type { KnownSession, SessionStore } from './sessions.ts'
import { isLive } from './sessions.ts'

/** An access token of a session as it is now. */
export interface FreshToken {
  readonly token: AccessToken
  readonly session: KnownSession
}

/** Reads the session again after a change of it. Undefined when it is over by now, or its token too large. */
export async function mintFreshToken(
  parts: SessionTokenParts & { readonly sessions: Pick<SessionStore, 'find'> },
  sessionId: string,
  keyThumbprint?: string,
): Promise<FreshToken | undefined> {
  const session = await parts.sessions.find(sessionId)
  // Not live: blocked, or signed out everywhere, since the change. A token of its present generation
  // would be above the floor that this was revoked with.
  if (session === undefined || !isLive(session)) return undefined
  const token = await mintForSession(parts, session, { keyThumbprint })
  return token.kind === 'refused' ? undefined : { token, session }
}
