import type { RevocationKind, RevocationPosition } from '@portcullis/protocol/revocations'

/** A record of the log for people. What it is about is not known of those that another release has written. */
export interface ListedRevocation {
  readonly seq: number
  readonly kind: RevocationKind
  /** The `sid`, `sub`, `client_id`, `jti` or `kid`. */
  readonly subject: string | undefined
  /** Whose session or token it was. */
  readonly accountId: string | undefined
  /** The kind of the event of the audit record that it came with. */
  readonly cause: string | undefined
  readonly actor: string | undefined
  readonly reason: string | undefined
  /** Milliseconds since 1970. */
  readonly committedAt: number
  /** Until when tokens may live that it is about; undefined: for ever. */
  readonly until: number | undefined
}

export interface RevocationPage {
  readonly limit: number
  /** The records before this one. */
  readonly before?: number | undefined
}

export interface RevocationList {
  readonly epoch: string
  /** The newest first. */
  readonly revocations: readonly ListedRevocation[]
  readonly next: number | undefined
}

export type ListRevocations = (page: RevocationPage) => Promise<RevocationList>

export type FoundRevocation =
  | { readonly kind: 'found'; readonly revocation: ListedRevocation }
  /** The log has not come there. */
  | { readonly kind: 'ahead' }
  /** It is of another epoch, or the record has outlived all tokens that it is about. */
  | { readonly kind: 'gone' }

export type FindRevocation = (position: RevocationPosition) => Promise<FoundRevocation>
