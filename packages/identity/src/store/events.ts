import type { Query } from './database.ts'

/** Something that happened and that somebody will ask about later. */
export interface StoredEvent {
  readonly kind: EventKind
  readonly accountId?: string
  readonly sessionId?: string
  /** The account that did it, where it was somebody else. */
  readonly actor?: string | undefined
  /** Why, in the words of whoever did it. */
  readonly reason?: string | undefined
}

/**
 * `refresh-reuse`: an old refresh token came back, and the session was ended for it. `session-limit`: it
 * was the oldest one when a login opened one too many. `login-throttled`: so many tries failed that those
 * which follow are delayed.
 */
export type EventKind =
  | 'refresh-reuse'
  | 'history-lost'
  | 'session-ended'
  | 'session-limit'
  | 'other-sessions-ended'
  | 'all-sessions-ended'
  | 'password-changed'
  | 'account-blocked'
  | 'account-unblocked'
  | 'login-throttled'
  | 'account-created'
  | 'account-deleted'
  | 'roles-changed'
  | 'attributes-changed'
  | 'email-changed'
  | 'email-verified'
  | 'link-sent'
  | 'password-reset'
  | 'reset-forced'

/** Writes an event in the transaction of its cause, so that neither exists without the other. */
export async function appendEvent(query: Query, event: StoredEvent): Promise<void> {
  await query(
    `INSERT INTO events (at, kind, account_id, session_id, actor, reason)
     VALUES (statement_now(), $1, $2, $3, $4, $5)`,
    [
      event.kind,
      event.accountId ?? null,
      event.sessionId ?? null,
      event.actor ?? null,
      event.reason ?? null,
    ],
  )
}
