import type { PasswordFault } from './account-faults.ts'
import type { PasswordRules } from './password-rules.ts'
import { newPasswordFault } from './password-rules.ts'
import type { Busy, PasswordHasher } from './passwords.ts'
import type { Asker } from './turnstile.ts'
import { normalisePassword } from './passwords.ts'

export interface NewPasswordParts {
  readonly passwords: PasswordHasher
  readonly passwordRules: PasswordRules
}

export type NewPasswordOutcome =
  | { readonly kind: 'hashed'; readonly passwordHash: string }
  | { readonly kind: 'unfit'; readonly fault: PasswordFault }
  | Busy

/** Hashes what somebody has chosen as the password of the account with this identifier, if it will do. */
export async function hashNewPassword(
  { passwords, passwordRules }: NewPasswordParts,
  typed: string,
  { identifier, asker }: { readonly identifier: string; readonly asker: Asker },
): Promise<NewPasswordOutcome> {
  const password = normalisePassword(typed)
  const fault = await newPasswordFault(passwordRules, password, identifier)
  return fault === undefined ? passwords.hash(password, asker) : { kind: 'unfit', fault }
}
