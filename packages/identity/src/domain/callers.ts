import type { AccessTokenClaims } from '@portcullis/protocol'
import type { KnownSession, SessionStore } from './sessions.ts'
import { isLive } from './sessions.ts'

/**
 * Finds the live session behind the verified claims of a token. Undefined when the session is over or
 * the token was taken back: identity asks its own store, so it knows without delay what other services
 * learn from the feed. Machine clients have no session.
 */
export async function findCaller(
  sessions: Pick<SessionStore, 'find'>,
  { sub, sid, gen, cgen }: AccessTokenClaims,
): Promise<KnownSession | undefined> {
  if (sid === undefined || gen === undefined || cgen === undefined) return undefined
  const session = await sessions.find(sid)
  if (session === undefined || session.accountId !== sub || !isLive(session)) return undefined
  const isCurrent = gen >= session.account.generation && cgen >= session.client.generation
  return isCurrent ? session : undefined
}
