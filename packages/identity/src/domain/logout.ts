import type { RefreshPeppers } from './refresh-tokens.ts'
import type { RecognisedRefreshToken } from './refresh.ts'
import { recogniseRefreshToken } from './refresh.ts'
import type { KnownSession, SessionStore } from './sessions.ts'
import { isLive } from './sessions.ts'

export interface LogoutTokenParts {
  readonly sessions: Pick<SessionStore, 'find' | 'end'>
  readonly peppers: RefreshPeppers
}

export type RefreshTokenAtLogout =
  | { readonly kind: 'session'; readonly session: KnownSession }
  /** It was superseded long ago, so its session was ended as stolen, and for nothing else. */
  | { readonly kind: 'stolen'; readonly session: KnownSession }
  | { readonly kind: 'unknown' }

/**
 * Finds the session that a refresh token wants to end. The current token and the one before may do that:
 * the latter may be of somebody whose answer was lost. Every older one was kept by somebody else.
 */
export async function recogniseAtLogout(
  parts: LogoutTokenParts,
  refreshToken: string,
  network?: string,
): Promise<RefreshTokenAtLogout> {
  const recognised = await recogniseRefreshToken(parts, refreshToken)
  if (recognised === undefined) return { kind: 'unknown' }
  const { session } = recognised
  const why = reasonOfEnd(recognised)
  if (why === 'session-ended') return { kind: 'session', session }
  await parts.sessions.end(session.id, why, network)
  return { kind: 'stolen', session }
}

/** What it means that this refresh token is shown to end its session. */
export function reasonOfEnd({
  session,
  counter,
}: RecognisedRefreshToken): 'session-ended' | 'refresh-reuse' {
  return counter >= session.counter - 1 || !isLive(session) ? 'session-ended' : 'refresh-reuse'
}
