import type { ProblemCode } from '@portcullis/protocol'

/** A JSON Schema (draft 2020-12), as far as this package writes any. */
export type JsonSchema = Readonly<Record<string, unknown>>

/** Who may call an operation, in terms of what they send. */
export type CallerKind =
  /** Whoever likes. */
  | 'anyone'
  /** A person, by a token whose only audience is the issuer. */
  | 'person'
  /** The same, with the role of an administrator. */
  | 'administrator'
  /** Whoever holds a token of a session: a live access token for any audience, or the refresh token. */
  | 'session'
  /** Whoever holds the refresh token of a session as a cookie. */
  | 'browser'
  /** A client, by its own credential. */
  | 'client'
  /** A client with the scope of the revocation feed. */
  | 'follower'
  /** The same, or an administrator. */
  | 'receipt-reader'
  /** A client with the scope of receivers of security events. */
  | 'receiver'

export type Tag =
  | 'Signing in'
  | 'Own account'
  | 'Own sessions'
  | 'Tokens'
  | 'Administration: accounts'
  | 'Administration: sessions'
  | 'Administration: clients'
  | 'Administration: keys'
  | 'Administration: audit'
  | 'Administration: overview'
  | 'Revocation feed'
  | 'Security events'
  | 'Documents'
  | 'Pages'

/** What stands in a successful answer. */
export interface Answer {
  readonly description: string
  /** Default: no body. */
  readonly schema?: JsonSchema
  /** Default: JSON. */
  readonly mediaType?: string
}

/**
 * What the schemas of a route cannot say of it. Its path, query and JSON body are those that the server itself
 * checks requests against.
 */
export interface Operation {
  /** Unique; for those who generate programs. */
  readonly id: string
  readonly tag: Tag
  readonly summary: string
  readonly caller: CallerKind
  /** Of a body that is a form, which has no schema of the server's. */
  readonly form?: JsonSchema
  /** Successful answers by status. */
  readonly answers: Readonly<Record<number, Answer>>
  /** What it may answer besides `problemsOfAll` and what goes with its caller. */
  readonly problems?: readonly ProblemCode[]
  /** How it says no. Default: by a problem document. */
  readonly refusals?: 'oauth-error' | 'page'
}

/** By method and route, as in `POST /login`. */
export type Operations = Readonly<Record<string, Operation>>

/** A JSON object with exactly these members, of which some may be missing. */
export function objectOf(
  required: Readonly<Record<string, JsonSchema>>,
  optional: Readonly<Record<string, JsonSchema>> = {},
): JsonSchema {
  return {
    type: 'object',
    required: Object.keys(required),
    properties: { ...required, ...optional },
  }
}

export function listOf(items: JsonSchema): JsonSchema {
  return { type: 'array', items }
}

/** A schema that the document holds once, by its name (`answers.ts`). */
export function named(name: string): JsonSchema {
  return { $ref: `#/components/schemas/${name}` }
}
