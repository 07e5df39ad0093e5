import type { RevocationPosition } from '@portcullis/protocol/revocations'
import { issuedTo } from './actor-chain.ts'
import type { Client } from './clients.ts'
import type { IssuedToken, IssuedTokenParts, ReadIssuedToken } from './issued-tokens.ts'
import { findStanding } from './issued-tokens.ts'
import { reasonOfEnd } from './logout.ts'
import type { RefreshPeppers } from './refresh-tokens.ts'
import { recogniseRefreshToken } from './refresh.ts'
import type { KnownSession, SessionStore, TooOften } from './sessions.ts'
import type { TokenMarks } from './token-marks.ts'
import { marksOf } from './token-marks.ts'

/** One access token that is to be taken back by itself. */
export interface TokenRevocation {
  /** Its `jti`. */
  readonly tokenId: string
  readonly marks: TokenMarks
  /** Absent for a token of a machine. */
  readonly session?: Pick<KnownSession, 'id' | 'accountId'>
  /** The client that it was issued to, and that takes it back. */
  readonly clientId: string
  /**
   * Whose pace it counts against. A public client is everybody who uses it: there each account pays for itself,
   * so that nobody can use up what the others need.
   */
  readonly paidBy: 'account' | 'client'
}

/** Also for one that was taken back before: there is one record of it. */
export interface TokenRevoked {
  readonly kind: 'revoked'
  readonly position: RevocationPosition
}

export interface RevokedTokens {
  /** Writes the record and the event in one step, unless the token has a record already. */
  readonly revoke: (revocation: TokenRevocation) => Promise<TokenRevoked | TooOften>
}

/**
 * How often a client takes single tokens back. Every follower holds each record for as long as the longest token
 * lives; so of one client there are never more than about ten thousand at fifteen minutes.
 */
export const clientRevocationPace = { burst: 1000, refillMs: 100 }

export interface TokenRevocationParts extends IssuedTokenParts {
  readonly sessions: Pick<SessionStore, 'find' | 'end'>
  readonly peppers: RefreshPeppers
  readonly revokedTokens: RevokedTokens
  readonly readIssuedToken: ReadIssuedToken
}

export type TokenRevocationOutcome =
  | TokenRevoked
  | {
      readonly kind: 'session-ended'
      readonly position: RevocationPosition
      readonly sessionId: string
    }
  /** There was nothing that anybody could still use. */
  | { readonly kind: 'nothing' }
  /** The token is another client's. */
  | { readonly kind: 'foreign' }
  | TooOften

/**
 * RFC 7009: a client takes back a token of its own. A refresh token ends its session, also an old one; an access
 * token is taken back by itself. The two kinds cannot be mistaken for each other, so no hint is needed.
 */
export async function revokeToken(
  parts: TokenRevocationParts,
  client: Client,
  text: string,
): Promise<TokenRevocationOutcome> {
  const recognised = await recogniseRefreshToken(parts, text)
  if (recognised !== undefined) {
    const { session } = recognised
    if (session.clientId !== client.id) return { kind: 'foreign' }
    const position = await parts.sessions.end(session.id, reasonOfEnd(recognised))
    return { kind: 'session-ended', position, sessionId: session.id }
  }
  const issued = await parts.readIssuedToken(text)
  if (issued === undefined) return { kind: 'nothing' }
  return issuedTo(issued.claims) === client.id
    ? revokeAccessToken(parts, client, issued)
    : { kind: 'foreign' }
}

async function revokeAccessToken(
  parts: TokenRevocationParts,
  client: Client,
  issued: IssuedToken,
): Promise<TokenRevocationOutcome> {
  // What is over already needs no record: the log would grow by what nobody can use.
  const standing = await findStanding(parts, issued)
  if (standing === undefined) return { kind: 'nothing' }
  const { claims, kid } = issued
  return parts.revokedTokens.revoke({
    tokenId: claims.jti,
    marks: marksOf(claims, kid),
    ...(standing.session === undefined ? {} : { session: standing.session }),
    clientId: client.id,
    paidBy: client.isPublic ? 'account' : 'client',
  })
}
