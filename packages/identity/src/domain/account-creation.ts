import type { AccountFault } from './account-faults.ts'
import type { AccountField } from './account-names.ts'
import { nameAccount } from './account-names.ts'
import type { Actor } from './actors.ts'
import type { Attributes } from './attributes.ts'
import type { InvitationParts } from './invitations.ts'
import { invite } from './invitations.ts'
import type { MailBusy } from './mail-requests.ts'
import type { NewPasswordParts } from './new-password.ts'
import { hashNewPassword } from './new-password.ts'
import type { Busy } from './passwords.ts'
import { randomIdentifier } from './random.ts'

export interface CreationParts extends InvitationParts, NewPasswordParts {}

export interface CreationRequest {
  readonly identifier: string
  readonly password?: string | undefined
  readonly email?: string | undefined
  /** All of them known: see `unknownRoles`. */
  readonly roles: readonly string[]
  readonly attributes: Attributes
  readonly actor: Actor
  readonly reason?: string | undefined
}

export type CreationOutcome =
  | { readonly kind: 'created'; readonly id: string; readonly identifier: string }
  | { readonly kind: 'taken' | 'superseded' | 'no-email' | 'mail-unavailable' }
  | { readonly kind: 'unfit'; readonly field: AccountField; readonly fault: AccountFault }
  | Busy
  | MailBusy

/** Makes an account for somebody. Without a password its owner chooses one, by a link (ASVS 6.4.6). */
export async function createAccount(
  parts: CreationParts,
  request: CreationRequest,
): Promise<CreationOutcome> {
  const named = nameAccount(request)
  if (named.kind === 'unfit') return named
  const { identifier, email } = named
  const { password: given, roles, attributes, actor, reason } = request
  const id = randomIdentifier(parts.randomBytes)
  const account = { id, identifier, email, roles, attributes, isUnconfirmed: false }
  const decision = { actor, reason }
  if (given === undefined) {
    const invited = await invite(parts, account, decision)
    return invited.kind === 'created' ? { kind: 'created', id, identifier } : invited
  }

  const hashed = await hashNewPassword(parts, given, { identifier, asker: 'known' })
  if (hashed.kind === 'unfit') return { ...hashed, field: 'password' }
  if (hashed.kind === 'busy') return hashed
  const { passwordHash } = hashed
  const created = await parts.administration.createFor({ ...account, passwordHash }, decision)
  return created.kind === 'created' ? { kind: 'created', id, identifier } : created
}
