import type { Anomaly } from '@portcullis/client/admin'

/** What takes back what was done. */
const takenBackBy: ReadonlyMap<string, string> = new Map([
  ['account-blocked', 'account-unblocked'],
  ['client-disabled', 'client-enabled'],
])

/** Whether one of these was done about it since it began, and was not taken back. */
export function isInForce({ decisions }: Anomaly, kinds: readonly string[]): boolean {
  // The newest come first.
  return decisions.some(
    ({ kind }, at) =>
      kinds.includes(kind) &&
      !decisions.slice(0, at).some((later) => later.kind === takenBackBy.get(kind)),
  )
}

/**
 * Whether it was not seen any more since an operator or a rule did one of these, or anything at all. What the owner has
 * done may have been done by whoever was signed in as the owner.
 */
export function isQuietSince({ decisions, lastSeen }: Anomaly, kinds?: readonly string[]): boolean {
  return decisions.some(
    ({ kind, at, actor }) =>
      (kinds === undefined || kinds.includes(kind)) && actor !== undefined && at >= lastSeen,
  )
}
