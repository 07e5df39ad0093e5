import type { CallName } from './door.ts'
import type { CrashPlan, CrashReport } from './run.ts'

/** What a run has seen, for a person. */
export function summaryOf(report: CrashReport): string {
  const { answered, unanswered, committedUnanswered, keyRotations, revocations, frames } = report
  const { records, chains, anchors } = report.audit
  return [
    `acknowledged: ${listOf(answered)}`,
    `not answered: ${listOf(unanswered)}; of these ${committedUnanswered} had been committed`,
    `${revocations} revocations, ${keyRotations} key rotations and ${frames} frames were held against the store`,
    `the audit record holds: ${records} records of ${chains} chains, among them ${anchors} that were logged`,
  ].join('\n')
}

/** What a run did not do, so that it proves less than it says: a load or kills that hit nothing. */
export function gapsIn(
  report: CrashReport,
  { kills, engine }: Pick<CrashPlan, 'kills' | 'engine'>,
): readonly string[] {
  const isLong = kills >= 50
  const expectations: readonly (readonly [isMet: boolean, gap: string])[] = [
    [(report.answered.get('refresh') ?? 0) > kills * 10, 'too few refreshes'],
    [report.revocations >= kills / 2, 'too few revocations'],
    [totalOf(report.unanswered) > kills, 'the kills hit too few calls'],
    // Each end and each start has its record, and its line in the log.
    [report.audit.records > report.revocations, 'too few audit records'],
    [report.audit.anchors > kills, 'too few audit records were logged'],
    [engine === 'postgres' || report.frames > kills, 'the feed was hardly read'],
    // Chance decides these, and a short run may miss them.
    [!isLong || report.committedUnanswered > 0, 'no kill between a commit and its answer'],
    [!isLong || report.keyRotations > 0, 'the keys never rotated'],
  ]
  return expectations.filter(([isMet]) => !isMet).map(([, gap]) => gap)
}

function totalOf(tally: ReadonlyMap<CallName, number>): number {
  return tally.values().reduce((sum, count) => sum + count, 0)
}

function listOf(tally: ReadonlyMap<CallName, number>): string {
  const each = [...tally].map(([name, count]) => `${count} ${name}`)
  return `${totalOf(tally)} (${each.toSorted().join(', ')})`
}
