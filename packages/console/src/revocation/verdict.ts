import type { FollowerReceipt, Receipts } from '@portcullis/client/admin'

/** What is to be said of a wave first. */
export type Verdict =
  | { readonly kind: 'nobody' }
  /** The first receipts are only coming in: who is late is not known yet. */
  | { readonly kind: 'travelling' }
  /** All have said so; within what time is not known where it is not known of one. */
  | { readonly kind: 'everywhere'; readonly withinMs?: number }
  /** Not all have said so, and by now those that have not refuse by themselves. */
  | { readonly kind: 'at-last'; readonly silent: number; readonly since?: Date }
  | {
      readonly kind: 'late'
      readonly late: number
      /** Where there is only one. */
      readonly only?: FollowerReceipt
      /** From then on the last of them refuses by itself; none where one never does. */
      readonly until?: Date
    }

/** `isEarly`: nobody has had the time to be late. */
export function verdictOf(receipts: Receipts, isEarly: boolean): Verdict {
  const { isEverywhere, applied, unknown, refusing, slowestMs } = receipts
  if (applied + unknown + refusing === 0) return { kind: 'nobody' }
  if (!isEverywhere) return isEarly ? { kind: 'travelling' } : lateOf(receipts)
  if (refusing > 0) {
    const since = latest(momentsOf(receipts, 'refusing'))
    return { kind: 'at-last', silent: refusing, ...(since && { since }) }
  }
  const isTimed = slowestMs !== undefined && timedOf(receipts) === applied
  return { kind: 'everywhere', ...(isTimed && { withinMs: slowestMs }) }
}

/** Of how many it is known how long they took: the others began later, or it is too long ago. */
export function timedOf({ latencies }: Pick<Receipts, 'latencies'>): number {
  return latencies.reduce((sum, { followers }) => sum + followers, 0)
}

function lateOf(receipts: Receipts): Verdict {
  const { unknown, followers } = receipts
  const moments = momentsOf(receipts, 'unknown')
  const until = moments.includes(undefined) ? undefined : latest(moments)
  const only = unknown === 1 ? followers.find(({ state }) => state === 'unknown') : undefined
  return { kind: 'late', late: unknown, ...(only && { only }), ...(until && { until }) }
}

function momentsOf(
  { followers }: Receipts,
  state: FollowerReceipt['state'],
): readonly (Date | undefined)[] {
  return followers.filter((one) => one.state === state).map(({ until }) => until)
}

function latest(moments: readonly (Date | undefined)[]): Date | undefined {
  const known = moments.filter((moment) => moment !== undefined)
  return known.toSorted((one, other) => +other - +one)[0]
}
