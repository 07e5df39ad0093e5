import type { Query } from './database.ts'

/** Something that happened to a session and that somebody will ask about later. */
export interface SessionEvent {
  /** `refresh-reuse`: an old refresh token came back, and the session was ended for it. */
  readonly kind: 'refresh-reuse' | 'history-lost'
  readonly accountId: string
  readonly sessionId: string
}

/** Writes an event in the transaction of its cause, so that neither exists without the other. */
export function appendEvent(query: Query, event: SessionEvent, now: number): void {
  query('INSERT INTO events (at, kind, account_id, session_id) VALUES ($1, $2, $3, $4)', [
    now,
    event.kind,
    event.accountId,
    event.sessionId,
  ])
}
