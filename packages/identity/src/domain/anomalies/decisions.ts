import type { EventKind } from '../audit-vocabulary.ts'

/** What ends every session of an account. */
const endingKinds = [
  'account-blocked',
  'account-deleted',
  'all-sessions-ended',
  'password-reset',
  'reset-forced',
] as const satisfies readonly EventKind[]

/*
 * What the record says that was done about an account, a session, a client or a key: by administrators, by rules, and by
 * the owner, who may have been quicker.
 */

export const accountDecisions: readonly EventKind[] = [
  ...endingKinds,
  'account-unblocked',
  'other-sessions-ended',
  'password-changed',
]

/** Beside what ends all sessions of its account. */
export const sessionDecisions: readonly EventKind[] = [
  'session-ended',
  'session-limit',
  'refresh-reuse',
]

export const clientDecisions: readonly EventKind[] = [
  'client-deleted',
  'client-disabled',
  'client-enabled',
  'client-secret-revoked',
  'client-secret-rotated',
  'client-tokens-revoked',
]

const endings: ReadonlySet<string> = new Set(endingKinds)

export function endsEverySession(kind: string): boolean {
  return endings.has(kind)
}
