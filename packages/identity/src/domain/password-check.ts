import type { Account } from './accounts.ts'
import type { Throttled } from './login-protection.ts'
import type { PasswordCheck } from './passwords.ts'
import type { QueueParts } from './queue-admission.ts'
import { admitToQueue } from './queue-admission.ts'
import type { Asker } from './turnstile.ts'

export interface PasswordCheckParts extends QueueParts {
  /** A hash that no password has, made with the hasher's present parameters. */
  readonly unmatchablePasswordHash: string
}

export interface ShownPassword {
  /** Undefined where nobody has the identifier: that costs one hash as well, and never matches. */
  readonly account: Pick<Account, 'id' | 'passwordHash'> | undefined
  /** Normalised, so that what nobody has is one identifier in every spelling, as what somebody has is. */
  readonly identifier: string
  readonly password: string
  /** The address that it comes from. */
  readonly address: string | undefined
}

/** `by`: whether the account had signed in from that address before. */
export type CheckedPassword =
  | Exclude<PasswordCheck, { readonly kind: 'match' }>
  | (Extract<PasswordCheck, { readonly kind: 'match' }> & { readonly by: Asker })
  | Throttled

/**
 * The one way to check somebody's password, so that no route lets anybody guess past the protection of
 * another one (CVE-2018-14657, CVE-2024-32868). Does NOT look whether the account is blocked.
 */
export async function checkPassword(
  parts: PasswordCheckParts,
  { account, identifier, password, address }: ShownPassword,
): Promise<CheckedPassword> {
  const admission = await admitToQueue(parts, { accountId: account?.id, identifier, address })
  if (admission.kind !== 'admitted') return admission
  const passwordHash = account?.passwordHash ?? parts.unmatchablePasswordHash
  const check = await parts.passwords.verify(passwordHash, password, admission.by)
  if (check.kind === 'busy') await admission.untried()
  if (check.kind === 'mismatch') admission.wrong()
  if (check.kind !== 'match') return check
  await admission.right()
  return { ...check, by: admission.by }
}
