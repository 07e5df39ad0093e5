import type { RevocationPosition } from '@portcullis/protocol/revocations'
import type { Actor, Superseded } from './actors.ts'
import type { KnownSession, SessionCursor, SessionPage } from './sessions.ts'

/** A session with whose it is. */
export interface ListedSession extends KnownSession {
  readonly identifier: string
  /** When it ended; undefined too for one that has expired, or that a floor has ended and no sweep has seen. */
  readonly endedAt: number | undefined
}

export interface SessionFilter {
  readonly accountId?: string | undefined
  /** The id or the name of a client. */
  readonly client?: string | undefined
  /** With those that are over, as long as they are kept. */
  readonly withDead: boolean
}

export interface ListedSessions {
  readonly sessions: readonly ListedSession[]
  /** As of `SessionList`: a page may be shorter than was asked for, and have a next one. */
  readonly next?: SessionCursor | undefined
}

export interface SessionDecision {
  readonly sessionId: string
  readonly actor: Actor
  readonly reason: string
}

export type DecidedSessionEnd =
  /** Also one that was over already: then nothing is written, and the position is the present one. */
  | { readonly kind: 'ended'; readonly accountId: string; readonly position: RevocationPosition }
  | { readonly kind: 'unknown' }
  | Superseded

/** Everybody's sessions, for administrators. */
export interface SessionAdministration {
  /** The newest login first, in an order that never changes. */
  readonly list: (filter: SessionFilter, page: SessionPage) => Promise<ListedSessions>
  /** One atomic change with its event and record. */
  readonly end: (decision: SessionDecision) => Promise<DecidedSessionEnd>
}
