import { isJsonObject } from '@portcullis/protocol'
import type { HeldToken } from './held-token.ts'
import { isBearerToken } from './held-token.ts'

/** One person's session at one issuer. Plain JSON, and as secret as a password. */
export interface StoredSession {
  readonly issuer: string
  readonly clientId: string
  readonly sessionId: string
  /** Undefined when the client may not refresh: such a session ends with its access token. */
  readonly refreshToken?: string | undefined
  /** Of the refresh that was sent with this refresh token and whose answer has not arrived. */
  readonly attempt?: string | undefined
  /** For the services. */
  readonly accessToken: HeldToken
  /** For the issuer's own routes, which take only tokens for the issuer alone. */
  readonly issuerToken?: HeldToken | undefined
}

/**
 * Keeps one session. `write` has to be durable when it resolves, and `read` has to see what another
 * holder of the same store has written. What `read` answers is checked, so text that was parsed may
 * be handed back as it is.
 */
export interface SessionStore {
  readonly read: () => Promise<StoredSession | undefined>
  readonly write: (session: StoredSession | undefined) => Promise<void>
}

export function createMemoryStore(): SessionStore {
  let kept: StoredSession | undefined
  return {
    read: async () => kept,
    write: async (session) => {
      kept = session
    },
  }
}

/**
 * The session that a store answered, if it is one. A session of another issuer or client counts as
 * none: its tokens must never be sent to this one.
 */
export function parseStoredSession(
  value: unknown,
  expected: Pick<StoredSession, 'issuer' | 'clientId'>,
): StoredSession | undefined {
  if (!isJsonObject(value)) return undefined
  const { issuer, clientId, sessionId, refreshToken, attempt, accessToken, issuerToken } = value
  if (issuer !== expected.issuer || clientId !== expected.clientId) return undefined
  if (typeof sessionId !== 'string' || !isHeldToken(accessToken)) return undefined
  return {
    issuer,
    clientId,
    sessionId,
    refreshToken: typeof refreshToken === 'string' ? refreshToken : undefined,
    attempt: typeof attempt === 'string' ? attempt : undefined,
    accessToken,
    issuerToken: isHeldToken(issuerToken) ? issuerToken : undefined,
  }
}

function isHeldToken(value: unknown): value is HeldToken {
  if (!isJsonObject(value) || !isBearerToken(value['token'])) return false
  const times = [value['obtainedAtMs'], value['refreshAtMs'], value['expiresAtMs']]
  return times.every((time) => Number.isFinite(time))
}
