import type { AccessTokenClaims } from '@portcullis/protocol'
import type { Caller, Generations, KnownSession, SessionStore } from './sessions.ts'
import { isLive } from './sessions.ts'
import type { TokenMarks } from './token-marks.ts'
import { marksOf } from './token-marks.ts'

/**
 * Finds the live session behind the verified claims of a token. Undefined when the session is over or
 * the token was taken back: identity asks its own store, so it knows without delay what other services
 * learn from the feed. Machine clients have no session.
 */
export async function findCaller(
  sessions: Pick<SessionStore, 'find'>,
  claims: AccessTokenClaims,
  marks: TokenMarks = marksOf(claims),
): Promise<KnownSession | undefined> {
  const { sub, sid, gen, cgen } = claims
  if (sid === undefined || gen === undefined || cgen === undefined) return undefined
  const session = await sessions.find(sid, marks)
  if (session === undefined || session.accountId !== sub || !isLive(session)) return undefined
  const isCurrent = gen >= session.account.generation && cgen >= session.client.generation
  return isCurrent ? session : undefined
}

/** Somebody with an access token. */
export function callerOf(session: KnownSession, network?: string): Caller {
  const { foundBy } = session
  const judgedBy = generationsOf(session)
  return { ...holderOf(session, network), judgedBy, ...(foundBy === undefined ? {} : { foundBy }) }
}

/** Somebody with a refresh token. */
export function holderOf({ id, accountId }: KnownSession, network?: string): Caller {
  return { accountId, sessionId: id, ...(network !== undefined && { network }) }
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
