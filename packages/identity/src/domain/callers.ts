import type { AccessTokenClaims } from '@portcullis/protocol'
import type { Caller, Generations, KnownSession, SessionStore } from './sessions.ts'
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

/** Somebody with an access token. */
export function callerOf(session: KnownSession): Caller {
  return { ...holderOf(session), judgedBy: generationsOf(session) }
}

/** Somebody with a refresh token. */
export function holderOf({ id, accountId }: KnownSession): Caller {
  return { accountId, sessionId: id }
}

/** Whether that holds still, by the session as it is now. */
export function isStillCaller({ accountId, judgedBy }: Caller, session: KnownSession): boolean {
  if (session.accountId !== accountId || !isLive(session)) return false
  const { account, client } = generationsOf(session)
  return judgedBy === undefined || (judgedBy.account >= account && judgedBy.client >= client)
}

function generationsOf({ account, client }: KnownSession): Generations {
  return { account: account.generation, client: client.generation }
}
