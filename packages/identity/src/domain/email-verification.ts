import type { LinkStore } from './account-links.ts'
import { hashLinkToken } from './account-links.ts'
import type { Throttled } from './login-protection.ts'
import type { PasswordCheckParts } from './password-check.ts'
import { checkPassword } from './password-check.ts'
import type { Busy } from './passwords.ts'

export interface EmailVerificationParts extends PasswordCheckParts {
  readonly links: Pick<LinkStore, 'accountOf' | 'confirmEmail'>
}

/** Who shows a link. */
export type LinkBearer =
  | { readonly kind: 'signed-in'; readonly accountId: string }
  | {
      readonly kind: 'password'
      readonly password: string
      /** The address that it comes from. */
      readonly address: string
    }

export type EmailVerificationOutcome =
  | { readonly kind: 'verified' }
  /** As of a reset, and when it is the link of another account. */
  | { readonly kind: 'invalid' }
  | { readonly kind: 'bad-credentials' }
  | Throttled
  | Busy

/**
 * Takes the address of an account as shown to be its owner's. The link shows who reads the mail, and the password
 * or the session whose account it is: the link alone would let strangers have their own accounts verified by
 * whoever is so kind as to press a button. A wrong password does not use the link up.
 */
export async function verifyEmail(
  parts: EmailVerificationParts,
  token: string,
  bearer: LinkBearer,
): Promise<EmailVerificationOutcome> {
  const tokenHash = hashLinkToken(token)
  const account = await parts.links.accountOf(tokenHash, 'verify-email')
  if (account === undefined) return { kind: 'invalid' }
  if (bearer.kind === 'signed-in') {
    if (bearer.accountId !== account.id) return { kind: 'invalid' }
  } else {
    const { password, address } = bearer
    const { identifier } = account
    const check = await checkPassword(parts, { account, identifier, password, address })
    if (check.kind === 'busy' || check.kind === 'throttled') return check
    if (check.kind === 'mismatch') return { kind: 'bad-credentials' }
  }
  // A password that was changed meanwhile has ended the link.
  return { kind: (await parts.links.confirmEmail(tokenHash)) ? 'verified' : 'invalid' }
}
