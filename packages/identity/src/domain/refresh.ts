import { createHash } from 'node:crypto'
import type { AccessToken, AccessTokenMinter, MintedToken } from './access-tokens.ts'
import { mintAccessToken } from './access-tokens.ts'
import type { RefreshPeppers } from './refresh-tokens.ts'
import { deriveRefreshToken, isGenuine, parseRefreshToken } from './refresh-tokens.ts'
import type { RefusedTarget, Registry, RequestedAccess } from './registry.ts'
import { chooseTarget, narrowScopes, rolesAtAudiences, scopesOfRoles } from './registry.ts'
import type { RefreshableSession, RotationOutcome, SessionStore } from './sessions.ts'
import { idleSecondsMax, isLive } from './sessions.ts'

export interface RefreshParts extends AccessTokenMinter {
  readonly registry: Registry
  readonly sessions: SessionStore
  readonly peppers: RefreshPeppers
  /** How long racing tabs and lost answers get the same successor. */
  readonly refreshGraceSeconds: number
  /** The store's clock, in milliseconds. */
  readonly now: () => number
}

export interface RefreshRequest extends RequestedAccess {
  readonly refreshToken: string
  /** The client that presents the token, by id or name, when it says so. */
  readonly clientId?: string | undefined
  /** Random text that the client kept before it sent: its retry is recognised at any time. */
  readonly attempt?: string | undefined
}

export type RefreshOutcome =
  | {
      readonly kind: 'refreshed'
      readonly token: AccessToken
      readonly refreshToken: string
      readonly refreshExpiresInSeconds: number
      readonly session: RefreshableSession
      readonly how: 'rotated' | 'repeated' | 'ahead'
    }
  | {
      readonly kind: 'refused'
      readonly why: RefreshRefusal
      readonly detail?: string
      /** Set when this very request ended a session, because its token had been used before. */
      readonly endedSessionId?: string
    }

export type RefreshRefusal =
  'bad-grant' | 'unknown-audience' | 'unknown-scope' | 'token-over-budget'

/**
 * Exchanges a refresh token (RFC 6749 section 6) for an access token and the derived successor. The
 * access token is signed before the rotation is committed: a refusal and a failed signer change nothing.
 */
export async function refresh(
  parts: RefreshParts,
  request: RefreshRequest,
): Promise<RefreshOutcome> {
  const presented = parseRefreshToken(request.refreshToken)
  if (presented === undefined) return badGrant
  // Before the read: see mintAccessToken.
  const readAt = parts.now()
  const session = await parts.sessions.readForRefresh(presented.sessionId)
  if (session === undefined) return badGrant
  const source = { sessionId: session.id, seed: session.seed }
  if (!isGenuine(presented, parts.peppers, source)) return badGrant
  if (!isFromClient(session, request.clientId) || !isLive(session, readAt)) return badGrant

  const token = mintFor(parts, session, request, readAt)
  if (token.kind === 'refused') return token

  const rotation = await parts.sessions.rotateRefresh({
    sessionId: session.id,
    counter: presented.counter,
    attemptHash: request.attempt === undefined ? undefined : hashAttempt(request.attempt),
    now: parts.now(),
    graceMs: parts.refreshGraceSeconds * 1000,
    idleMs: idleSecondsMax * 1000,
  })
  return answerOf(rotation, parts, session, token, readAt)
}

const badGrant = { kind: 'refused', why: 'bad-grant' } as const

function answerOf(
  rotation: RotationOutcome,
  parts: RefreshParts,
  session: RefreshableSession,
  token: AccessToken,
  readAt: number,
): RefreshOutcome {
  switch (rotation.kind) {
    case 'rotated':
    case 'repeated':
    case 'ahead': {
      const [pepper] = parts.peppers
      const source = { sessionId: session.id, seed: session.seed }
      const idleExpiresAt = Math.min(readAt + idleSecondsMax * 1000, session.expiresAt)
      return {
        kind: 'refreshed',
        token,
        refreshToken: deriveRefreshToken(pepper, source, rotation.counter),
        refreshExpiresInSeconds: Math.floor((idleExpiresAt - readAt) / 1000),
        session,
        how: rotation.kind,
      }
    }
    case 'reused':
      return { ...badGrant, endedSessionId: session.id }
    case 'gone':
      return badGrant
  }
}

function mintFor(
  parts: RefreshParts,
  session: RefreshableSession,
  requested: RequestedAccess,
  readAt: number,
): MintedToken | RefusedTarget {
  const allowed = { audiences: session.audiences.filter((name) => name !== parts.registry.issuer) }
  const chosen = chooseTarget(parts.registry, allowed, requested)
  if (chosen.kind === 'refused') return chosen
  const { audiences } = chosen.target
  // RFC 6749 section 6: never more than was granted at login.
  const granted = narrowScopes(
    scopesOfRoles(parts.registry, session.account.roles, audiences),
    session.scopes,
  )
  return mintAccessToken(
    parts,
    {
      target: chosen.target,
      subject: session.accountId,
      clientId: session.clientId,
      clientGeneration: session.client.generation,
      scopes: narrowScopes(granted, requested.scopes),
      roles: rolesAtAudiences(parts.registry, session.account.roles, audiences),
      // The token vouches for the account as it is now, not as it was at login.
      session: { ...session, generation: session.account.generation },
    },
    readAt,
  )
}

function isFromClient(session: RefreshableSession, clientId: string | undefined): boolean {
  return clientId === undefined || clientId === session.clientId || clientId === session.client.name
}

function hashAttempt(attempt: string): string {
  return createHash('sha256').update(attempt).digest('base64url')
}
