import type { PresentedCounter, RotationDecision } from './rotation.ts'

/** One login on one device. Its id is the `sid` of every token that comes out of it. */
export interface Session {
  readonly id: string
  readonly accountId: string
  readonly clientId: string
  /** What the session may ever ask for; identity itself is always among it. */
  readonly audiences: readonly string[]
  /** The scopes that the login asked for; undefined for all that the roles grant. */
  readonly scopes: readonly string[] | undefined
  /** The account's generation, read together with the credential that authenticated it. */
  readonly generation: number
  /** 32 random bytes, base64url, immutable: what the session's refresh tokens are derived from. */
  readonly seed: string
  /** Milliseconds since 1970, like every time in the store. */
  readonly authenticatedAt: number
  readonly idleExpiresAt: number
  readonly expiresAt: number
}

/** What a refresh must know before it signs, read in one step. */
export interface RefreshableSession extends Session {
  readonly isEnded: boolean
  readonly account: { readonly generation: number; readonly roles: readonly string[] }
  readonly client: {
    readonly name: string
    /** It is enabled and may refresh. */
    readonly mayRefresh: boolean
    readonly generation: number
  }
}

export interface RotationRequest extends PresentedCounter {
  readonly sessionId: string
  readonly now: number
  readonly graceMs: number
  readonly idleMs: number
}

/** `gone`: the session ended, expired or lost its client's consent since it was read. */
export type RotationOutcome = RotationDecision | { readonly kind: 'gone' }

export interface SessionStore {
  readonly insert: (session: Session) => Promise<void>
  readonly readForRefresh: (sessionId: string) => Promise<RefreshableSession | undefined>
  /**
   * The whole rotation as one atomic step: decides, moves the row, and on theft ends the session and
   * writes the event. When it returns, the outcome is durable.
   */
  readonly rotateRefresh: (request: RotationRequest) => Promise<RotationOutcome>
}

/** 90 days: after this the person signs in again, however active the session was. */
export const sessionSecondsMax: number = 90 * 24 * 3600
/** 14 days without a refresh end a session. */
export const idleSecondsMax: number = 14 * 24 * 3600

/** Whether a session may go on. Expiry is by the clock, never by a clean-up job. */
export function isLive(session: RefreshableSession, now: number): boolean {
  return (
    !session.isEnded &&
    now < session.idleExpiresAt &&
    now < session.expiresAt &&
    session.client.mayRefresh
  )
}
