import type { Actor, Superseded } from './actors.ts'
import type { SharedEvent } from './security-events.ts'
import type { TooOften } from './sessions.ts'

/** How a receiver gets its events: pushed to it (RFC 8935), or when it asks (RFC 8936). */
export type Delivery =
  | {
      readonly method: 'push'
      readonly endpointUrl: string
      /** Sealed; the field `Authorization` that is sent along. */
      readonly sealedAuthorization: string | undefined
    }
  | { readonly method: 'poll' }

/** `disabled` drops what happens, `paused` keeps it for later. */
export const streamStatuses = ['enabled', 'paused', 'disabled'] as const
export type StreamStatus = (typeof streamStatuses)[number]

/** How a session that ended is named: with its owner, or by its owner alone. */
export const subjectFormats = ['complex', 'iss_sub'] as const
export type SubjectFormat = (typeof subjectFormats)[number]

/** What a receiver says of its stream. */
export interface StreamRequest {
  readonly delivery: Delivery
  /** In the words of the receiver, some of which may mean nothing here. */
  readonly eventsRequested: readonly string[]
  readonly events: readonly SharedEvent[]
  readonly description: string | undefined
  readonly subjectFormat: SubjectFormat
}

export interface NewStream extends StreamRequest {
  readonly id: string
  /** Whose it is; undefined for one that only administrators see. */
  readonly clientId: string | undefined
  readonly audience: string
}

export interface EventStream extends NewStream {
  readonly status: StreamStatus
  readonly statusReason: string | undefined
  /** Milliseconds since 1970. */
  readonly createdAt: number
}

/** How it goes with a stream, for administrators. */
export interface StreamHealth extends EventStream {
  /** The last time that it took an event, and that it did not, in milliseconds since 1970. */
  readonly deliveredAt: number | undefined
  readonly failedAt: number | undefined
  readonly lastFailure: string | undefined
  /** Since it last took one. */
  readonly failures: number
  /** What it has missed, because it was kept too long or was too much. */
  readonly dropped: number
  /** Those that it has refused for good. */
  readonly undelivered: number
}

/** An event that a receiver has refused for good: the dead letter. */
export interface UndeliveredEvent {
  readonly jti: string
  readonly event: string
  /** When it happened, and when it was given up, in milliseconds since 1970. */
  readonly happenedAt: number
  readonly at: number
  readonly tries: number
  readonly why: string
}

/** Undefined: as it was. */
export type StreamChanges = { readonly [Name in keyof StreamRequest]?: StreamRequest[Name] }

/** Who changes a stream: the client that has it, or somebody who decides about all. */
export type StreamOwner =
  | { readonly kind: 'client'; readonly clientId: string; readonly network?: string | undefined }
  | { readonly kind: 'actor'; readonly actor: Actor; readonly reason?: string | undefined }

export interface StreamPage {
  readonly limit: number
  /** The id of the last stream of the page before. */
  readonly after?: string | undefined
}

export interface EventStreamStore {
  readonly create: (
    stream: NewStream,
    owner: StreamOwner,
  ) => Promise<{ readonly kind: 'created'; readonly stream: EventStream } | StreamRefusal | TooMany>
  readonly listOf: (clientId: string) => Promise<readonly EventStream[]>
  readonly find: (clientId: string, streamId: string) => Promise<EventStream | undefined>
  readonly change: (
    streamId: string,
    changes: StreamChanges,
    owner: StreamOwner,
  ) => Promise<StreamChange>
  /** One that is enabled after it was disabled begins with what happens from then on. */
  readonly setStatus: (
    streamId: string,
    status: { readonly status: StreamStatus; readonly reason: string | undefined },
    owner: StreamOwner,
  ) => Promise<StreamChange>
  readonly delete: (
    streamId: string,
    owner: StreamOwner,
  ) => Promise<{ readonly kind: 'deleted' } | { readonly kind: 'unknown' } | StreamRefusal>
  /** Whether a stream hears of an account. One that nobody has ever heard of is taken as well, so that nobody can ask. */
  readonly setSubject: (
    subject: {
      readonly clientId: string
      readonly streamId: string
      readonly accountId: string
      readonly isWanted: boolean
    },
    subjectsMax: number,
  ) => Promise<'set' | 'unknown' | 'full'>
  /** Puts an event into the stream that says nothing but that it works. */
  readonly verify: (
    verification: {
      readonly clientId: string
      readonly streamId: string
      readonly state: string | undefined
    },
    intervalMs: number,
  ) => Promise<'sent' | 'unknown' | 'too-often'>
  readonly list: (page: StreamPage) => Promise<readonly StreamHealth[]>
  readonly read: (
    streamId: string,
  ) => Promise<
    { readonly stream: StreamHealth; readonly undelivered: readonly UndeliveredEvent[] } | undefined
  >
  /** Tries again what was refused for good. */
  readonly redeliver: (
    streamId: string,
    owner: StreamOwner,
  ) => Promise<
    | { readonly kind: 'waiting'; readonly events: number }
    | { readonly kind: 'unknown' }
    | Superseded
  >
}

export type StreamChange =
  | { readonly kind: 'changed'; readonly stream: EventStream }
  | { readonly kind: 'unknown' }
  | StreamRefusal

/** Who decides about all may have lost the right meanwhile; a client may have changed its streams too often. */
export type StreamRefusal = Superseded | TooOften

export interface TooMany {
  readonly kind: 'too-many'
}

/** Each costs the issuer a delivery of every event. */
export const streamsPerClientMax = 16
/** Accounts that a stream was told to hear of, or not to: a row each. */
export const subjectsPerStreamMax = 10_000
/** How often a receiver may have a stream say that it works. */
export const verificationIntervalSeconds = 5

/** What is kept of events, at most. */
export interface EventBounds {
  readonly retentionMs: number
  readonly heldMax: number
}

export interface EventUpkeep {
  /** A bounded number of events that every stream is past, or that are too old or too many; the oldest first. */
  readonly remove: (bounds: EventBounds) => Promise<RemovedEvents>
}

export interface RemovedEvents {
  readonly removed: number
  readonly isMore: boolean
  /** Who has missed something by it. */
  readonly dropped: readonly { readonly streamId: string; readonly events: number }[]
}
