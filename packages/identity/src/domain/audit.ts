import type { EventKind } from './audit-vocabulary.ts'

/** Something that happened and that somebody asks about later, as it was written. */
export interface AuditRecord {
  readonly id: number
  /** Milliseconds since 1970. */
  readonly at: number
  /** Of a newer release it may be one that this one does not know. */
  readonly kind: string
  readonly accountId: string | undefined
  readonly sessionId: string | undefined
  readonly clientId: string | undefined
  readonly actor: string | undefined
  readonly reason: string | undefined
  readonly network: string | undefined
  /** JSON. */
  readonly details: string | undefined
  /** The signing key that it is about. */
  readonly kid: string | undefined
  /** Its place; undefined for a row that no node of this release has written or adopted. */
  readonly place: { readonly chain: string; readonly seq: number } | undefined
  /** It was there before a node chained it, which therefore vouches for it from then on only. */
  readonly isAdopted: boolean
}

export interface AuditFilter {
  readonly kind?: EventKind | undefined
  readonly accountId?: string | undefined
  readonly actor?: string | undefined
  readonly clientId?: string | undefined
  readonly sessionId?: string | undefined
  /** Milliseconds since 1970; `to` is not among them. */
  readonly from?: number | undefined
  readonly to?: number | undefined
}

export interface AuditPage {
  readonly limit: number
  /** The `next` of the page before. */
  readonly after?: number | undefined
}

export interface AuditList {
  readonly records: readonly AuditRecord[]
  /** Where the next page goes on; undefined when there is none. */
  readonly next?: number | undefined
}

/** What somebody has noted of a chain elsewhere, in a log for instance, and which must still be so. */
export interface AuditAnchor {
  readonly chain: string
  readonly seq: number
  readonly mac: string
}

/** `<chain>:<seq>:<mac>`, as the log tells it. */
export function parseAnchor(text: string): AuditAnchor | undefined {
  const [, chain, seq, mac] = anchorPattern.exec(text) ?? []
  if (chain === undefined || seq === undefined || mac === undefined) return undefined
  return { chain, seq: Number(seq), mac }
}

const anchorPattern = /^([A-Za-z0-9_-]{22}):(\d{1,15}):([A-Za-z0-9_-]{43})$/

/**
 * `changed`: it is not what was written there. `missing`: there is none. `out-of-order`: its row is not where it was
 * written. `not-ours`: no node has written or adopted it. `head`: the end that was noted for the chain is not the one it
 * has. `roster`: chains are missing, or are not ours. `key`: the sealed
 * key in the database is not the one that chains are written with. `sealing-key`: it is sealed with another sealing key
 * than this process has, and nothing is known of the record. `anchor`: it is not what was noted elsewhere. `table`: a
 * table of the record is not what a release has made. `index`: one of its indexes does not fit its rows.
 */
export type AuditFaultKind =
  | 'changed'
  | 'missing'
  | 'out-of-order'
  | 'not-ours'
  | 'head'
  | 'roster'
  | 'key'
  | 'sealing-key'
  | 'anchor'
  | 'table'
  | 'index'

export interface AuditFault {
  readonly what: AuditFaultKind
  readonly chain?: string | undefined
  readonly seq?: number | undefined
  /** The row, where there is one. */
  readonly id?: number | undefined
}

export interface AuditVerdict {
  readonly chains: number
  /** How many records were looked at. */
  readonly records: number
  /** Undefined when all of it holds. */
  readonly firstBad: AuditFault | undefined
}

export interface AuditLog {
  /** The newest first. */
  readonly list: (filter: AuditFilter, page: AuditPage) => Promise<AuditList>
  /** Reads everything there is, in bounded steps, and stops at the first record that does not hold. */
  readonly verify: (anchors?: readonly AuditAnchor[]) => Promise<AuditVerdict>
  /**
   * Takes away what is older, a bounded number of records, and moves the beginnings of their chains. What does not hold
   * is evidence and stays, with all that follows it in its chain.
   */
  readonly prune: (olderThanMs: number) => Promise<PruneOutcome>
}

export interface PruneOutcome {
  readonly pruned: number
  /** The chains that are not pruned, because what they begin with does not hold. */
  readonly broken: readonly string[]
}
