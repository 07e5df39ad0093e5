import { createHash } from 'node:crypto'
import type { AccessToken } from './access-tokens.ts'
import type { ClientAuthenticationParts, ClientCredential } from './client-authentication.ts'
import { authenticateClient } from './client-authentication.ts'
import type { Client } from './clients.ts'
import type { ExamineProof, RefusedProof } from './proofs.ts'
import { noProof, refusalOfUse } from './proofs.ts'
import type { IssuedRefreshToken, RefreshPeppers } from './refresh-tokens.ts'
import { isGenuine, issueRefreshToken, parseRefreshToken } from './refresh-tokens.ts'
import type { RequestedAccess } from './registry.ts'
import type { SessionTokenParts, SessionTokenRefusal } from './session-tokens.ts'
import { mintForSession } from './session-tokens.ts'
import type {
  Delivery,
  KnownSession,
  RotationOutcome,
  SessionLife,
  SessionStore,
} from './sessions.ts'
import { isLive } from './sessions.ts'
import type { Notice } from './anomalies/sightings.ts'
import { useOf } from './anomalies/sightings.ts'

export interface RefreshParts
  extends SessionTokenParts, ClientAuthenticationParts, Pick<SessionLife, 'sessionIdleSeconds'> {
  readonly sessions: Pick<SessionStore, 'find' | 'rotateRefresh'>
  readonly peppers: RefreshPeppers
  /** How long racing tabs and lost answers get the same successor. */
  readonly refreshGraceSeconds: number
  readonly notice?: Notice
}

export interface RefreshRequest extends RequestedAccess {
  readonly refreshToken: string
  /** How it came. Default: in the body. */
  readonly delivery?: Delivery | undefined
  /** The client that presents the token, by id or name, when it says so. */
  readonly clientId?: string | undefined
  /** What it shows of itself, which only public clients need not. */
  readonly credential?: ClientCredential | undefined
  /** Random text that the client kept before it sent: its retry is recognised at any time. */
  readonly attempt?: string | undefined
  /** The address that the token came from. */
  readonly network?: string | undefined
  /** Default: the request brings no proof along. */
  readonly examineProof?: ExamineProof
}

export type RefreshOutcome =
  | {
      readonly kind: 'refreshed'
      readonly token: AccessToken
      readonly refresh: IssuedRefreshToken
      readonly session: KnownSession
      readonly how: 'rotated' | 'repeated' | 'ahead'
    }
  | {
      readonly kind: 'refused'
      readonly why: RefreshRefusal
      readonly detail?: string
      /** Set when this very request ended a session, because its token had been used before. */
      readonly endedSessionId?: string
    }

/** `bad-client`: the client has a secret or keys, and has not shown the right one. */
export type RefreshRefusal = 'bad-grant' | 'bad-client' | SessionTokenRefusal | RefusedProof['why']

/**
 * Exchanges a refresh token (RFC 6749 section 6) for an access token and the derived successor. The
 * access token is signed before the rotation is committed: a refusal and a failed signer change nothing.
 *
 * A session that is bound to a key is refreshed by its holder only. To everybody else its tokens, old ones too,
 * are good for nothing, so that none of them is taken for a theft. An unbound session stays unbound, and an
 * access token that it gets with a proof is bound all the same.
 */
export async function refresh(
  parts: RefreshParts,
  request: RefreshRequest,
): Promise<RefreshOutcome> {
  const recognised = await recogniseRefreshToken(parts, request.refreshToken)
  if (recognised === undefined) return badGrant
  const { session, counter } = recognised
  const { credential } = request
  const client = credential && (await authenticateClient(parts, credential))
  if (credential !== undefined && client === undefined) return badClient
  if (!isFromClient(session, request, client)) return badGrant
  if (!session.client.isPublic && client === undefined) {
    return badClient
  }
  // What a browser keeps from its scripts is of no use in a form, should a script ever read it.
  if (session.delivery !== (request.delivery ?? 'body')) return badGrant
  if (!isLive(session) || !session.client.mayRefresh) return badGrant

  const proof = (request.examineProof ?? noProof)()
  if (proof.kind === 'refused') return proof
  const { key } = proof
  // RFC 9449 section 5: the refresh token is good, and not for whoever shows it.
  if (session.keyThumbprint !== undefined && key?.thumbprint !== session.keyThumbprint) {
    return { ...badGrant, detail: 'the refresh token needs a DPoP proof of the key it is bound to' }
  }

  const { audiences, scopes } = request
  const keyThumbprint = key?.thumbprint
  const token = await mintForSession(parts, session, { audiences, scopes, keyThumbprint })
  if (token.kind === 'refused') return token
  const used = await refusalOfUse(key)
  if (used !== undefined) return used

  const rotation = await parts.sessions.rotateRefresh({
    sessionId: session.id,
    network: request.network,
    counter,
    attemptHash: request.attempt === undefined ? undefined : hashAttempt(request.attempt),
    graceMs: parts.refreshGraceSeconds * 1000,
    idleMs: parts.sessionIdleSeconds * 1000,
  })
  const outcome = answerOf(rotation, parts, session, token)
  if (outcome.kind === 'refreshed') parts.notice?.(useOf(session, request.network))
  return outcome
}

export interface RecognisedRefreshToken {
  readonly session: KnownSession
  readonly counter: number
}

/**
 * Finds the session whose refresh token this is. Genuine is not current: says nothing about whether the
 * token is the newest, or the session still alive.
 */
export async function recogniseRefreshToken(
  {
    sessions,
    peppers,
  }: { readonly sessions: Pick<SessionStore, 'find'>; readonly peppers: RefreshPeppers },
  text: string,
): Promise<RecognisedRefreshToken | undefined> {
  const presented = parseRefreshToken(text)
  if (presented === undefined) return undefined
  const session = await sessions.find(presented.sessionId)
  if (session === undefined) return undefined
  const source = { sessionId: session.id, seed: session.seed }
  return isGenuine(presented, peppers, source) ? { session, counter: presented.counter } : undefined
}

const badGrant = { kind: 'refused', why: 'bad-grant' } as const
const badClient = { kind: 'refused', why: 'bad-client' } as const

function answerOf(
  rotation: RotationOutcome,
  parts: RefreshParts,
  session: KnownSession,
  token: AccessToken,
): RefreshOutcome {
  const { readAt } = session
  switch (rotation.kind) {
    case 'rotated':
    case 'repeated':
    case 'ahead': {
      // A repeated answer writes nothing, so it prolongs nothing.
      const idleExpiresAt =
        rotation.kind === 'repeated'
          ? session.idleExpiresAt
          : Math.min(readAt + parts.sessionIdleSeconds * 1000, session.expiresAt)
      const times = { idleExpiresAt, now: readAt }
      return {
        kind: 'refreshed',
        token,
        refresh: issueRefreshToken(parts.peppers, session, rotation.counter, times),
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

/** RFC 6749 section 10.4: a refresh token is bound to the client that it was given to. */
function isFromClient(
  session: KnownSession,
  { clientId }: RefreshRequest,
  authenticated: Client | undefined,
): boolean {
  const isNamed =
    clientId === undefined || clientId === session.clientId || clientId === session.client.name
  return isNamed && (authenticated === undefined || authenticated.id === session.clientId)
}

function hashAttempt(attempt: string): string {
  return createHash('sha256').update(attempt).digest('base64url')
}
