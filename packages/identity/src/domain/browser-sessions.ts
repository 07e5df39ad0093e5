import type { RefreshParts } from './refresh.ts'
import { recogniseRefreshToken } from './refresh.ts'
import { decideRotation } from './rotation.ts'
import type { KnownSession } from './sessions.ts'
import { isLive } from './sessions.ts'

export type BrowserSessionParts = Pick<RefreshParts, 'peppers' | 'refreshGraceSeconds'> & {
  readonly sessions: Pick<RefreshParts['sessions'], 'find'>
}

/**
 * The session that a browser is in, by the refresh token in its cookie: whoever could refresh with it and show nothing
 * else. Undefined for everybody who could not: a superseded token outside the window, a session that is over, bound to
 * a key, or of a client that would have to authenticate itself. Rotates nothing, writes nothing, and takes no
 * superseded token for a theft: a page that is opened changes nothing.
 */
export async function recogniseInBrowser(
  parts: BrowserSessionParts,
  refreshToken: string,
): Promise<KnownSession | undefined> {
  const recognised = await recogniseRefreshToken(parts, refreshToken)
  if (recognised === undefined) return undefined
  const { session, counter } = recognised
  const { client } = session
  if (session.delivery !== 'cookie' || session.keyThumbprint !== undefined) return undefined
  if (!isLive(session) || !client.isPublic || !client.mayRefresh) return undefined
  // A rotation is the last use of a session that had any.
  const rotatedAt = session.counter === 0 ? undefined : session.lastUsedAt
  const { kind } = decideRotation(
    { counter: session.counter, rotatedAt, attemptHash: undefined },
    { counter, attemptHash: undefined },
    { now: session.readAt, graceMs: parts.refreshGraceSeconds * 1000 },
  )
  return kind === 'reused' ? undefined : session
}
