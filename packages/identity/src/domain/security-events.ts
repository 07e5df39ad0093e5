import type { JsonObject } from '@portcullis/protocol'
import type { EventKind } from './audit-vocabulary.ts'

/*
 * What receivers of the Shared Signals Framework are told, and in which words: CAEP and RISC have a type of event for
 * it, and `sharedKinds` says which of ours is which.
 */

/** Every type of event, by the end of its name: what a receiver may ask for. */
export const eventTypes = {
  'session-revoked': 'https://schemas.openid.net/secevent/caep/event-type/session-revoked',
  'credential-change': 'https://schemas.openid.net/secevent/caep/event-type/credential-change',
  'account-disabled': 'https://schemas.openid.net/secevent/risc/event-type/account-disabled',
  'account-enabled': 'https://schemas.openid.net/secevent/risc/event-type/account-enabled',
  'account-purged': 'https://schemas.openid.net/secevent/risc/event-type/account-purged',
} as const

/** For operators alone: streams that administrators have made may have it, and no partner's. */
export const operatorEventTypes = {
  'anomaly-found': 'urn:portcullis:event-type:anomaly-found',
} as const

/** Says that a stream works (SSF 1.0 section 8.1.4). Nobody asks for it in advance, and every stream has it. */
export const verificationEvent = 'verification'

type PartnerEvent = keyof typeof eventTypes
export type SharedEvent = PartnerEvent | keyof typeof operatorEventTypes
export type StreamEvent = typeof verificationEvent

const everyType: Readonly<Record<SharedEvent, string>> = { ...eventTypes, ...operatorEventTypes }

export const sharedEventNames: readonly SharedEvent[] = Object.keys(everyType) as SharedEvent[]

/** Those that exist, by their names or their whole types. What else was asked for is ignored, as the standard says. */
export function sharedEventsAmong(texts: readonly string[]): readonly SharedEvent[] {
  return sharedEventNames.filter((name) => texts.includes(name) || texts.includes(everyType[name]))
}

/** The same of what partners may hear. */
export function partnerEventsAmong(texts: readonly string[]): readonly SharedEvent[] {
  return sharedEventsAmong(texts).filter((name) => Object.hasOwn(eventTypes, name))
}

export function typeOfEvent(event: SharedEvent | StreamEvent): string {
  return event === verificationEvent
    ? 'https://schemas.openid.net/secevent/ssf/event-type/verification'
    : everyType[event]
}

/** CAEP section 2: who began it. */
export type Initiator = 'user' | 'admin' | 'policy' | 'system'

interface SharedKind {
  /** Each becomes a token of its own; all of one transaction have the same `txn`. */
  readonly events: readonly SharedEvent[]
  /** Whether it is about the one session, about everything that the account has, or about anything there is. */
  readonly about: 'session' | 'account' | 'anything'
  /** Of what nobody decided; default: the owner, unless somebody else is named. */
  readonly initiator?: Initiator
  /** Never in the words of whoever decided: those were not meant for partners. */
  readonly reason: string
  /** CAEP section 3.2. */
  readonly credentialChange?: 'update' | 'revoke'
}

/** What happens to one person, and ends what others hold of it. The rest of the audit record is nobody else's business. */
const sharedKinds: Readonly<Partial<Record<EventKind, SharedKind>>> = {
  'session-ended': {
    events: ['session-revoked'],
    about: 'session',
    reason: 'The session was ended',
  },
  'session-limit': {
    events: ['session-revoked'],
    about: 'session',
    initiator: 'policy',
    reason: 'The account has too many sessions, and this was the oldest',
  },
  'refresh-reuse': {
    events: ['session-revoked'],
    about: 'session',
    initiator: 'policy',
    reason: 'A refresh token was used twice, so somebody else may have it',
  },
  'other-sessions-ended': {
    events: ['session-revoked'],
    about: 'account',
    reason: 'Every session but one was ended',
  },
  'all-sessions-ended': {
    events: ['session-revoked'],
    about: 'account',
    reason: 'Every session was ended',
  },
  'password-changed': {
    events: ['credential-change', 'session-revoked'],
    about: 'account',
    reason: 'The password was changed',
    credentialChange: 'update',
  },
  'password-reset': {
    events: ['credential-change', 'session-revoked'],
    about: 'account',
    reason: 'The password was reset',
    credentialChange: 'update',
  },
  'reset-forced': {
    events: ['credential-change', 'session-revoked'],
    about: 'account',
    reason: 'The password was taken away',
    credentialChange: 'revoke',
  },
  'account-blocked': {
    events: ['account-disabled', 'session-revoked'],
    about: 'account',
    reason: 'The account was blocked',
  },
  'account-unblocked': {
    events: ['account-enabled'],
    about: 'account',
    reason: 'The account was unblocked',
  },
  'anomaly-told': {
    events: ['anomaly-found'],
    about: 'anything',
    initiator: 'policy',
    reason: 'A rule has found an anomaly',
  },
  'account-deleted': {
    events: ['account-purged', 'session-revoked'],
    about: 'account',
    reason: 'The account was deleted',
  },
}

export function sharedKindOf(kind: string): SharedKind | undefined {
  return Object.hasOwn(sharedKinds, kind) ? sharedKinds[kind as EventKind] : undefined
}

/** One that waits to be told to whoever listens, or to the one stream that it is about. */
export interface SecurityEvent {
  /** In the order of the commits. */
  readonly id: number
  /** Milliseconds since 1970. */
  readonly at: number
  readonly event: SharedEvent | StreamEvent
  /** The kind of the audit record that it comes from; the event itself for those of a stream. */
  readonly cause: string
  /** Random, and the same for all that one transaction has caused. */
  readonly txn: string
  readonly accountId: string | undefined
  readonly sessionId: string | undefined
  readonly initiator: Initiator
  /** Where the revocation log has it; undefined for what revokes nothing. */
  readonly position: { readonly epoch: string; readonly seq: number } | undefined
  /** The floor of the account, where it is about all of it. */
  readonly generation: number | undefined
  /** Members that an event of a stream has, or an anomaly. */
  readonly details: JsonObject | undefined
}
