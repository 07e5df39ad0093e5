import type { AccountAdministration, DeletionOutcome } from './account-administration.ts'
import type { AccountStore } from './accounts.ts'
import { callerOf } from './callers.ts'
import type { Throttled } from './login-protection.ts'
import type { PasswordCheckParts } from './password-check.ts'
import { checkPassword } from './password-check.ts'
import type { Busy } from './passwords.ts'
import type { KnownSession } from './sessions.ts'

export interface AccountDeletionParts extends PasswordCheckParts {
  readonly accounts: Pick<AccountStore, 'find'>
  readonly administration: Pick<AccountAdministration, 'deleteOwn'>
}

export type OwnDeletionOutcome =
  DeletionOutcome | { readonly kind: 'bad-credentials' } | Throttled | Busy

/**
 * Deletes the caller's own account, who has to show once more that it is his (ASVS 7.5.1). Not when he was
 * blocked, or signed out everywhere, while the password was being checked.
 */
export async function deleteOwnAccount(
  parts: AccountDeletionParts,
  session: KnownSession,
  { password, address }: { readonly password: string; readonly address: string | undefined },
): Promise<OwnDeletionOutcome> {
  const account = await parts.accounts.find(session.accountId)
  if (account === undefined) return { kind: 'unknown' }
  const { identifier, passwordHash: checkedHash } = account
  const check = await checkPassword(parts, { account, identifier, password, address })
  if (check.kind === 'busy' || check.kind === 'throttled') return check
  if (check.kind === 'mismatch') return { kind: 'bad-credentials' }
  return parts.administration.deleteOwn({ caller: callerOf(session, address), checkedHash })
}
