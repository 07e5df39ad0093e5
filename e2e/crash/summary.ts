import type { CallName } from './door.ts'
import type { CrashReport } from './run.ts'

/** What a run has seen, for a person. */
export function summaryOf(report: CrashReport): string {
  const { answered, unanswered, committedUnanswered, keyRotations, revocations, frames } = report
  return [
    `acknowledged: ${listOf(answered)}`,
    `not answered: ${listOf(unanswered)}; of these ${committedUnanswered} had been committed`,
    `${revocations} revocations, ${keyRotations} key rotations and ${frames} frames were held against the store`,
  ].join('\n')
}

export function totalOf(tally: ReadonlyMap<CallName, number>): number {
  return tally.values().reduce((sum, count) => sum + count, 0)
}

function listOf(tally: ReadonlyMap<CallName, number>): string {
  const each = [...tally].map(([name, count]) => `${count} ${name}`)
  return `${totalOf(tally)} (${each.toSorted().join(', ')})`
}
