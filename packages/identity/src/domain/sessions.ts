import type { RevocationPosition } from '@portcullis/protocol/revocations'
import type { Attributes } from './attributes.ts'
import type { PresentedCounter, RotationDecision, RotationPace } from './rotation.ts'
import type { TokenMarks } from './token-marks.ts'

/** How the refresh tokens of a session reach their holder. They come back the same way, or not at all. */
export type Delivery = 'body' | 'cookie'

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
  readonly delivery: Delivery
  /**
   * The key that the login has proved (RFC 9449 section 5): no refresh token of the session is of any use without
   * it. Undefined when there was none. It never changes.
   */
  readonly keyThumbprint: string | undefined
}

/** A session with the account and the client it hangs on, read in one step. */
export interface KnownSession extends Session {
  /** The store's clock from before this was read: see `mintAccessToken`. */
  readonly readAt: number
  /** For a token that is minted by this reading alone: see `mintAccessToken`. */
  readonly vouchedAt: number
  /** The counter of its one current refresh token. */
  readonly counter: number
  readonly lastUsedAt: number
  /** When the password was last asked for again; undefined as long as the login was enough. */
  readonly reauthenticatedAt: number | undefined
  readonly isEnded: boolean
  /** The access token that it was found by. */
  readonly foundBy?: TokenMarks
  readonly account: {
    readonly generation: number
    /** Sessions of a lower generation are over. */
    readonly loginFloor: number
    readonly isBlocked: boolean
    readonly roles: readonly string[]
    readonly attributes: Attributes
  }
  readonly client: {
    readonly name: string
    readonly isEnabled: boolean
    /** One that is not authenticates itself at each refresh (RFC 6749 section 6). */
    readonly isPublic: boolean
    /** What it may ask for by now, whatever it could when the session began. */
    readonly audiences: readonly string[]
    readonly mayRefresh: boolean
    readonly generation: number
  }
}

export interface RotationRequest extends PresentedCounter, RotationPace {
  readonly sessionId: string
  /** The address that the token came from, for the audit record. */
  readonly network?: string | undefined
}

/** `gone`: since it was read, the session ended or expired, or its account or client was stopped. */
export type RotationOutcome = RotationDecision | { readonly kind: 'gone' }

/** Takes away what nobody needs of sessions that are over, in small steps (`jobs/dead-sessions`). */
export interface SessionSweep {
  /**
   * Looks at a bounded number of sessions that follow this id. Those that a floor has ended are marked as ended;
   * those that have been over for so long are removed. Answers the last id, undefined at the end of the table.
   */
  readonly sweep: (after: string, overMs: number) => Promise<string | undefined>
}

export interface SessionStore {
  /**
   * Keeps a new session, unless its credential has lost its worth since it was checked. Where there is a
   * maximum, the oldest logins beyond it end in the same step.
   */
  readonly open: (session: Session, perAccountMax?: number) => Promise<OpenedSession>
  /** With the marks of an access token also undefined when that token was taken back by itself. */
  readonly find: (sessionId: string, foundBy?: TokenMarks) => Promise<KnownSession | undefined>
  /** The live sessions of an account, the newest login first. */
  readonly listOf: (accountId: string, page: SessionPage) => Promise<SessionList>
  /**
   * The whole rotation as one atomic step: decides, moves the row, and on theft ends the session,
   * revokes its tokens and writes the event. When it returns, the outcome is durable.
   */
  readonly rotateRefresh: (request: RotationRequest) => Promise<RotationOutcome>
  /** Notes that the person has proved again who they are, unless that has lost its worth meanwhile. */
  readonly reauthenticate: (proof: Reauthentication) => Promise<ReauthenticationOutcome>
  /** Ends a session and revokes its tokens. One that has ended stays so, and the log as it is. */
  readonly end: (
    sessionId: string,
    why?: 'session-ended' | 'refresh-reuse',
    network?: string,
  ) => Promise<RevocationPosition>
  /** The same by the owner, who may be signed in with another one. */
  readonly endOwn: (caller: Caller, sessionId: string) => Promise<OwnSessionEnd | TooOften>
}

/**
 * A person whose token was good when the request came. It may have been taken back by the time that something
 * is written, after a password was hashed for instance; so whoever writes asks again, in the same step.
 */
export interface Caller {
  readonly accountId: string
  readonly sessionId: string
  /** What the access token was judged by; a refresh token is as good as its session. */
  readonly judgedBy?: Generations
  readonly foundBy?: TokenMarks
  /** The address that the request came from, for the audit record. */
  readonly network?: string
}

export interface Generations {
  readonly account: number
  readonly client: number
}

/**
 * How often somebody ends other sessions of theirs: each stays in the log for good. Enough for whoever tidies up a
 * whole page one by one. A logout, also everywhere, and a change of the password are never held back, so
 * that no thief can use up what an owner needs; they cost a login or two hashes each.
 */
export const endingPace = { burst: 100, refillMs: 10_000 }

export interface TooOften {
  readonly kind: 'too-often'
  readonly retryAfterSeconds: number
}

/** The session that a page ends with. */
export type SessionCursor = Pick<Session, 'authenticatedAt' | 'id'>

export interface SessionList {
  readonly sessions: readonly KnownSession[]
  /**
   * Where the next page goes on; undefined when there is none. A page looks at so many sessions and not
   * further, so when many of them are over it is shorter than was asked for, and there is a next one.
   */
  readonly next?: SessionCursor | undefined
}

export type OwnSessionEnd =
  | { readonly kind: 'ended'; readonly position: RevocationPosition }
  /** The account has no such session. */
  | { readonly kind: 'unknown' }
  /** The caller's own session has ended meanwhile, or the token was taken back; nothing was changed. */
  | { readonly kind: 'superseded' }

export type OpenedSession =
  | { readonly kind: 'opened' }
  | { readonly kind: 'blocked' }
  /** The password was changed, or every session ended, while this one's credential was checked. */
  | { readonly kind: 'superseded' }

/** A part of a list whose order never changes: sessions that are used meanwhile stay where they are. */
export interface SessionPage {
  readonly limit: number
  /** The `next` of the page before. */
  readonly after?: SessionCursor | undefined
}

export interface Reauthentication {
  readonly sessionId: string
  readonly accountId: string
  /** The account's, read together with the password hash that was checked. */
  readonly generation: number
}

/** `superseded`: since then the password was changed, the account blocked, or the session ended. */
export interface ReauthenticationOutcome {
  readonly kind: 'reauthenticated' | 'superseded'
}

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
