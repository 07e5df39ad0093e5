import { callerOf } from './callers.ts'
import type { Caller, KnownSession } from './sessions.ts'

/** A person whose token had the role when the request came. */
export interface Administrator extends Caller {
  readonly kind: 'administrator'
}

/** Who decides about others, or about what belongs to everybody. */
export type Actor =
  | Administrator
  /** Whoever opens the database itself: there is no session that could have ended meanwhile. */
  | { readonly kind: 'command-line' }
  /** A rule that operators let act by itself (docs/anomalies.md). */
  | { readonly kind: 'rule' }

/** The right was taken back before the decision was written; nothing was changed. */
export interface Superseded {
  readonly kind: 'superseded'
}

export function administratorOf(session: KnownSession, network?: string): Administrator {
  return { kind: 'administrator', ...callerOf(session, network) }
}

/** From where; a command that opens the database itself comes from no address. */
export function networkOf(actor: Actor): string | undefined {
  return actor.kind === 'administrator' ? actor.network : undefined
}

/** How events name who has decided: by the id of an account, which is longer than this word. */
export function actorName(actor: Actor): string {
  return actor.kind === 'administrator' ? actor.accountId : actor.kind
}
