import type { PasswordFault } from './account-faults.ts'
import type { RevocationPosition } from '@portcullis/protocol/revocations'
import type { LinkStore } from './account-links.ts'
import { hashLinkToken } from './account-links.ts'
import type { Throttled } from './login-protection.ts'
import type { NewPasswordParts } from './new-password.ts'
import { hashNewPassword } from './new-password.ts'
import type { Busy } from './passwords.ts'
import type { QueueParts } from './queue-admission.ts'
import { admitToQueue } from './queue-admission.ts'

export interface PasswordResetParts extends NewPasswordParts, QueueParts {
  readonly links: Pick<LinkStore, 'accountOf' | 'confirmReset'>
}

export type PasswordResetOutcome =
  | {
      readonly kind: 'reset'
      readonly accountId: string
      readonly email: string
      readonly position: RevocationPosition
    }
  /** Used, expired, of another purpose, overtaken by a change, or never one of ours: one answer. */
  | { readonly kind: 'invalid' }
  | { readonly kind: 'unfit'; readonly fault: PasswordFault }
  | Throttled
  | Busy

export interface PasswordResetRequest {
  readonly token: string
  readonly password: string
  /** The address that it comes from. */
  readonly address: string
}

/**
 * Sets a password by a link from a mail. Ends every session and every other link of the account; it does NOT
 * unblock, and it signs nobody in; but the account knows the network from then on, because whoever has just shown
 * that he reads its mail must not wait there for strangers. A password that will not do does not use the link up.
 */
export async function resetPassword(
  parts: PasswordResetParts,
  { token, password, address }: PasswordResetRequest,
): Promise<PasswordResetOutcome> {
  const { links } = parts
  const tokenHash = hashLinkToken(token)
  // First: only a good link may ask for a hash.
  const account = await links.accountOf(tokenHash, 'reset')
  if (account === undefined) return { kind: 'invalid' }
  const { id: accountId, identifier } = account
  const attempt = { accountId, identifier, address, isGuess: false } as const
  const admission = await admitToQueue(parts, attempt)
  if (admission.kind !== 'admitted') return admission
  const hashed = await hashNewPassword(parts, password, { identifier, asker: admission.by })
  if (hashed.kind !== 'hashed') {
    await admission.untried()
    return hashed
  }
  const outcome = await links.confirmReset({
    tokenHash,
    newHash: hashed.passwordHash,
    network: address,
  })
  if (outcome.kind === 'reset') await admission.right()
  return outcome
}
