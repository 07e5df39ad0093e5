import type { AccessTokenClaims } from '@portcullis/protocol'
import { readActors } from './actor-chain.ts'
import { findCaller } from './callers.ts'
import type { Client, ClientStore } from './clients.ts'
import type { KnownSession, SessionStore } from './sessions.ts'
import { marksOf } from './token-marks.ts'

/** An access token that this issuer has signed, for whatever audience, and whose time is not over. */
export interface IssuedToken {
  readonly claims: AccessTokenClaims
  readonly kid: string
}

/** Undefined for everything else. Says nothing about what was taken back (`findStanding`). */
export type ReadIssuedToken = (text: string) => Promise<IssuedToken | undefined>

export interface IssuedTokenParts {
  readonly sessions: Pick<SessionStore, 'find'>
  readonly clients: ClientStore
}

/** What a token stands on, as it is now. */
export interface Standing {
  /** The store's clock from before its holder was read. */
  readonly readAt: number
  /** The least of all that was read for it: see `mintAccessToken`. */
  readonly vouchedAt: number
  /** Absent for a token of a machine. */
  readonly session?: KnownSession
  /** The machine whose token it is. */
  readonly client?: Client
}

/**
 * Asks the store whether a token is good still: its session, account and client, the key that signed it, the
 * token by itself, and everybody who acts in it. Undefined when one of them was stopped or taken back.
 */
export async function findStanding(
  parts: IssuedTokenParts,
  token: IssuedToken,
): Promise<Standing | undefined> {
  const [holder, actorsVouchedAt] = await Promise.all([
    findHolder(parts, token),
    readActors(parts.clients, token.claims),
  ])
  if (holder === undefined || actorsVouchedAt === undefined) return undefined
  const vouchedAt = Math.min(holder.vouchedAt, ...actorsVouchedAt)
  // Identity's own clock has let it pass a little longer, for services whose clock is behind.
  return token.claims.exp * 1000 > holder.readAt ? { ...holder, vouchedAt } : undefined
}

async function findHolder(
  { sessions, clients }: IssuedTokenParts,
  { claims, kid }: IssuedToken,
): Promise<Standing | undefined> {
  const marks = marksOf(claims, kid)
  if (claims.sid !== undefined) {
    const session = await findCaller(sessions, claims, marks)
    return session && { readAt: session.readAt, vouchedAt: session.vouchedAt, session }
  }
  const client = await clients.find(claims.client_id, marks)
  const isCurrent =
    client !== undefined &&
    client.id === claims.client_id &&
    claims.sub === client.id &&
    (claims.cgen ?? -1) >= client.generation
  if (!isCurrent) return undefined
  return { readAt: client.readAt, vouchedAt: client.vouchedAt, client }
}
