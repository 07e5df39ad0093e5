import type {
  AccountAdministration,
  CreationDecision,
  ForcedResetOutcome,
  NewAccountRow,
  SentLink,
} from './account-administration.ts'
import type { LinkTargets } from './account-links.ts'
import { linkSeconds } from './account-links.ts'
import type { AccountField } from './account-names.ts'
import { nameAccount } from './account-names.ts'
import type { Decision } from './accounts.ts'
import type { Actor } from './actors.ts'
import type { Attributes } from './attributes.ts'
import type { Post } from './mail-requests.ts'
import { newLink } from './mail-requests.ts'
import { writeMail } from './mails.ts'
import type { NewPasswordParts } from './new-password.ts'
import { hashNewPassword } from './new-password.ts'
import type { Busy } from './passwords.ts'
import { noPasswordHash } from './passwords.ts'
import type { RandomBytes } from './random.ts'
import { randomIdentifier } from './random.ts'

export interface InvitationParts {
  readonly administration: AccountAdministration
  readonly randomBytes: RandomBytes
  readonly linkTargets: LinkTargets
  /** Undefined when this installation sends no mail. */
  readonly post: Post | undefined
}

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
  | { readonly kind: 'unfit'; readonly field: AccountField; readonly fault: string }
  | Busy

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
  if (given === undefined) return invite(parts, account, decision)

  const hashed = await hashNewPassword(parts, given, { identifier, asker: 'known' })
  if (hashed.kind === 'unfit') return { ...hashed, field: 'password' }
  if (hashed.kind === 'busy') return hashed
  const { passwordHash } = hashed
  const created = await parts.administration.createFor({ ...account, passwordHash }, decision)
  return created.kind === 'created' ? { kind: 'created', id, identifier } : created
}

async function invite(
  parts: InvitationParts,
  account: Omit<NewAccountRow, 'passwordHash'>,
  decision: CreationDecision,
): Promise<CreationOutcome> {
  const { id, identifier, email } = account
  const { post } = parts
  if (post === undefined) return { kind: 'mail-unavailable' }
  if (email === undefined) return { kind: 'no-email' }
  const { sent: link, url } = invitation(parts)
  const row = { ...account, passwordHash: noPasswordHash }
  const created = await parts.administration.createFor(row, { ...decision, link })
  if (created.kind !== 'created') return created
  post(async () => writeMail('invitation', email, url))
  return { kind: 'created', id, identifier }
}

/**
 * Takes an account's password away, ends its sessions and lets its owner choose another password by a link:
 * whoever knew the old one is out (ASVS 6.4.6, 7.4.3). Not held back by the pace of mails.
 */
export async function forceReset(
  parts: InvitationParts,
  decision: Decision,
): Promise<ForcedResetOutcome | { readonly kind: 'mail-unavailable' }> {
  const { post } = parts
  if (post === undefined) return { kind: 'mail-unavailable' }
  const { sent: link, url } = invitation(parts)
  const outcome = await parts.administration.forceReset({ ...decision, link })
  if (outcome.kind === 'reset') post(async () => writeMail('invitation', outcome.email, url))
  return outcome
}

function invitation(parts: Pick<InvitationParts, 'randomBytes' | 'linkTargets'>): {
  readonly sent: SentLink
  readonly url: string
} {
  const { tokenHash, link: url } = newLink(parts, 'reset')
  return { sent: { tokenHash, lifeMs: linkSeconds.invitation * 1000 }, url }
}
