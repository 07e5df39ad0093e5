import type { RefusalReason } from '@portcullis/protocol/revocations'
import type { AuditRecord } from '../audit.ts'
import type { RuleId, Severity } from './rules.ts'
import { rules } from './rules.ts'

/** Something that should not be, for as long as it goes on. */
export interface Anomaly {
  readonly id: number
  /** Of a newer release it may be one that this one does not know. */
  readonly rule: string
  readonly severity: string
  readonly about: string
  /** The id of what it is about, or the network. */
  readonly subject: string
  readonly evidence: Evidence
  /** Milliseconds since 1970. */
  readonly firstAt: number
  readonly lastAt: number
  /** How often it was seen. */
  readonly count: number
  /** What rules have done about it by themselves; undefined where they were to do nothing. */
  readonly outcome: ActionOutcome | undefined
}

/** As it is told. */
export interface ToldAnomaly extends Anomaly {
  /** What was done about its subject since it began, the latest of each kind, the newest first. */
  readonly decisions: readonly AuditRecord[]
}

/** One that somebody looks at. */
export interface AnomalyDetails extends ToldAnomaly {
  /** The records that led to it, as far as they are kept. */
  readonly records: readonly AuditRecord[]
}

/**
 * `spared`: an administrator is not blocked. `too-many`: within an hour there was too much of it already. `gone`: the session
 * or the account is not there any more.
 */
export const actionOutcomes = ['told', 'ended', 'blocked', 'spared', 'too-many', 'gone'] as const
export type ActionOutcome = (typeof actionOutcomes)[number]

/** What rules count. */
export const countNames = [
  'accounts',
  'wrong_passwords',
  'logins',
  'networks',
  'changes',
  'tokens_in_an_hour',
  'usual_in_an_hour',
  'usual',
  'apart_ms',
  'ahead',
  'late',
  'seconds',
  'revocations',
  'hours',
] as const
/** Refusals are counted by their reasons. */
type CountName = (typeof countNames)[number] | RefusalReason | 'other'

/** What led to it. Ids, networks and counts; never a secret, an address or an identifier. */
export interface Evidence {
  /** `<chain>:<seq>` of records of the audit log. */
  readonly records?: readonly string[]
  readonly networks?: readonly string[]
  readonly accounts?: readonly string[]
  readonly sessions?: readonly string[]
  readonly followers?: readonly string[]
  /** Why, where a rule may hold of one subject for several reasons: each is an anomaly of its own. */
  readonly reason?: string
  readonly counts?: Readonly<Partial<Record<CountName, number>>>
}

/** A rule holds of somebody. */
export interface Finding {
  readonly rule: RuleId
  readonly subject: string
  readonly at: number
  readonly evidence: Evidence
}

export interface AnomalyFilter {
  readonly rule?: RuleId | undefined
  readonly severity?: Severity | undefined
  /** Last seen then or later: milliseconds since 1970. */
  readonly since?: number | undefined
}

export interface AnomalyPage {
  readonly limit: number
  /** The `next` of the page before. */
  readonly after?: number | undefined
}

export interface AnomalyStore {
  /** The newest first. */
  readonly list: (
    filter: AnomalyFilter,
    page: AnomalyPage,
  ) => Promise<{ readonly anomalies: readonly ToldAnomaly[]; readonly next?: number | undefined }>
  readonly read: (id: number) => Promise<AnomalyDetails | undefined>
}

const minuteMs = 60_000

/** Seen since then, an anomaly goes on with this; otherwise it is a new one. */
export function goesOnSince({
  rule,
  firstAt,
}: Pick<Finding, 'rule'> & { readonly firstAt: number }): number {
  return firstAt - rules[rule].sameMinutes * minuteMs
}

/** What one anomaly keeps of each kind of evidence: enough to go on from there. */
const evidenceMax = 10
/** No rule counts so many things. */
const countsMax = 16

/** Of the same anomaly, and so for the same reason, the older first. Of counts the higher is kept. */
export function mergeEvidence(one: Evidence, other: Evidence): Evidence {
  const lists = (['records', 'networks', 'accounts', 'sessions', 'followers'] as const).flatMap(
    (name) => {
      const all = [...new Set([...(one[name] ?? []), ...(other[name] ?? [])])]
      return all.length === 0 ? [] : [[name, all.slice(0, evidenceMax)] as const]
    },
  )
  const counts = new Map(Object.entries(one.counts ?? {}))
  for (const [name, count] of Object.entries(other.counts ?? {}))
    counts.set(name, Math.max(counts.get(name) ?? 0, count))
  return {
    ...Object.fromEntries(lists),
    ...(one.reason !== undefined && { reason: one.reason }),
    ...(counts.size > 0 && { counts: Object.fromEntries([...counts].slice(0, countsMax)) }),
  }
}

/** As it may be told: of a release that did not bound it yet it may be as long as somebody wanted. */
export function boundedEvidence(evidence: Evidence): Evidence {
  return mergeEvidence(evidence, {})
}
