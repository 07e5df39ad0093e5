import type { RevocationPosition } from '@portcullis/protocol/revocations'
import type { PresentedCounter, RotationDecision, RotationPace } from './rotation.ts'

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
  /** What the owner knows it by: the `User-Agent` and the address of the login. */
  readonly device: string | undefined
  readonly network: string | undefined
}

/** A session with the account and the client it hangs on, read in one step. */
export interface KnownSession extends Session {
  /** The store's clock from before this was read: see `mintAccessToken`. */
  readonly readAt: number
  /** The counter of its one current refresh token. */
  readonly counter: number
  readonly lastUsedAt: number
  readonly isEnded: boolean
  readonly account: {
    readonly generation: number
    /** Sessions of a lower generation are over. */
    readonly loginFloor: number
    readonly isBlocked: boolean
    readonly roles: readonly string[]
  }
  readonly client: {
    readonly name: string
    readonly isEnabled: boolean
    readonly mayRefresh: boolean
    readonly generation: number
  }
}

export interface RotationRequest extends PresentedCounter, RotationPace {
  readonly sessionId: string
}

/** `gone`: since it was read, the session ended or expired, or its account or client was stopped. */
export type RotationOutcome = RotationDecision | { readonly kind: 'gone' }

export interface SessionStore {
  /** Keeps a new session, unless its credential has lost its worth since it was checked. */
  readonly open: (session: Session) => Promise<OpenedSession>
  readonly find: (sessionId: string) => Promise<KnownSession | undefined>
  /** Those of an account that have not ended, expired ones included; the last used comes first. */
  readonly listOf: (accountId: string) => Promise<readonly KnownSession[]>
  /**
   * The whole rotation as one atomic step: decides, moves the row, and on theft ends the session,
   * revokes its tokens and writes the event. When it returns, the outcome is durable.
   */
  readonly rotateRefresh: (request: RotationRequest) => Promise<RotationOutcome>
  /** Ends a session and revokes its tokens. One that has ended stays so, and the log as it is. */
  readonly end: (
    sessionId: string,
    why?: 'session-ended' | 'refresh-reuse',
  ) => Promise<RevocationPosition>
}

export type OpenedSession =
  | { readonly kind: 'opened' }
  | { readonly kind: 'blocked' }
  /** The password was changed, or every session ended, while this one's credential was checked. */
  | { readonly kind: 'superseded' }

/** How long sessions live. */
export interface SessionLife {
  /** So long without a refresh ends a session. */
  readonly sessionIdleSeconds: number
  /** After this the person signs in again, however active the session was. */
  readonly sessionSeconds: number
}

/** Whether a session might go on when it was read. Expiry is by the clock, never by a clean-up job. */
export function isLive(session: KnownSession): boolean {
  const { account, client } = session
  return (
    !session.isEnded &&
    session.readAt < session.idleExpiresAt &&
    session.readAt < session.expiresAt &&
    session.generation >= account.loginFloor &&
    !account.isBlocked &&
    client.isEnabled
  )
}
