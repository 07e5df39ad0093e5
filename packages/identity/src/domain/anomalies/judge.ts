import type { Finding } from './anomalies.ts'
import { mergeEvidence } from './anomalies.ts'
import type { AnyWatcher, Judging } from './watchers.ts'
import { clientWatchers } from './client-watchers.ts'
import { followerWatchers } from './follower-watchers.ts'
import { loginWatchers } from './login-watchers.ts'
import { sessionWatchers } from './session-watchers.ts'
import type { Clue, Looked, Recorded } from './sightings.ts'

/** A state that a watcher keeps of a subject. */
export interface StateKey {
  readonly watcher: string
  readonly subject: string
}

export interface WatchedState extends StateKey {
  /** JSON. */
  readonly state: unknown
  /** Until when it is needed: milliseconds since 1970. */
  readonly until: number
}

export interface Judgement {
  /** Those that have changed. */
  readonly states: readonly WatchedState[]
  /** One for each rule, subject and reason. */
  readonly findings: readonly CountedFinding[]
}

export interface CountedFinding extends Finding {
  readonly firstAt: number
  /** How many clues have led to it. */
  readonly times: number
}

const watchers: readonly AnyWatcher[] = [
  ...loginWatchers,
  ...sessionWatchers,
  ...clientWatchers,
  ...followerWatchers,
]

/** The states that must be known to judge these. */
export function statesFor(clues: readonly Clue[]): readonly StateKey[] {
  const keys = new Map<string, StateKey>()
  for (const clue of clues) {
    for (const { name, subjectOf } of watchers) {
      const subject = subjectOf(clue)
      if (subject !== undefined) keys.set(keyOf(name, subject), { watcher: name, subject })
    }
  }
  return [...keys.values()]
}

/**
 * What the rules say of these, in the order of their times, and what is to be remembered of them. The same clues and
 * states always lead to the same.
 */
export function judge(
  clues: readonly Clue[],
  known: readonly Pick<WatchedState, 'watcher' | 'subject' | 'state'>[],
  judging: Judging,
): Judgement {
  const states = new Map(known.map((one) => [keyOf(one.watcher, one.subject), one.state]))
  const changed = new Map<string, WatchedState>()
  const findings = new Map<string, CountedFinding>()
  for (const clue of clues.toSorted((one, other) => one.at - other.at)) {
    for (const finding of findingsByItself(clue, judging)) count(findings, finding)
    for (const watcher of watchers) {
      const subject = watcher.subjectOf(clue)
      if (subject === undefined) continue
      const key = keyOf(watcher.name, subject)
      const before = states.get(key)
      const { state, findings: found = [] } = watcher.see(before, clue, judging)
      for (const finding of found) count(findings, finding)
      if (state === before) continue
      states.set(key, state)
      const until = clue.at + watcher.keepMs
      changed.set(key, { watcher: watcher.name, subject, state, until })
    }
  }
  return { states: [...changed.values()], findings: [...findings.values()] }
}

function count(findings: Map<string, CountedFinding>, finding: Finding): void {
  const { rule, subject, evidence } = finding
  const key = `${keyOf(rule, subject)} ${evidence.reason}`
  const before = findings.get(key)
  findings.set(key, {
    ...finding,
    evidence: before === undefined ? evidence : mergeEvidence(before.evidence, evidence),
    firstAt: before?.firstAt ?? finding.at,
    times: (before?.times ?? 0) + 1,
  })
}

function keyOf(name: string, subject: string): string {
  return `${name} ${subject}`
}

/** What needs no memory. */
function findingsByItself(clue: Clue, { bounds }: Judging): readonly Finding[] {
  switch (clue.kind) {
    case 'recorded':
      return findingsOfRecord(clue, clue.at)
    case 'key-overdue':
      return findingsOfKey(clue, clue.at, bounds)
    default:
      return []
  }
}

function findingsOfRecord(
  { event, record, accountId, sessionId, network }: Recorded,
  at: number,
): readonly Finding[] {
  const evidence = {
    records: [record],
    ...(network !== undefined && { networks: [network] }),
    ...(sessionId !== undefined && { sessions: [sessionId] }),
  }
  if (event !== 'refresh-reuse') return [{ rule: 'history-lost', subject: 'issuer', at, evidence }]
  // Of an account that is gone nobody can be asked.
  return accountId === undefined ? [] : [{ rule: event, subject: accountId, at, evidence }]
}

const hourMs = 3_600_000

function findingsOfKey(
  { kid, overdueMs }: Extract<Looked, { readonly kind: 'key-overdue' }>,
  at: number,
  { keyOverdueHours }: Judging['bounds'],
): readonly Finding[] {
  const hours = Math.floor(overdueMs / hourMs)
  if (hours < keyOverdueHours) return []
  return [{ rule: 'key-overdue', subject: kid, at, evidence: { counts: { hours } } }]
}
