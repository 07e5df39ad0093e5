import type {
  AccountAdministration,
  CreatedAccount,
  CreationDecision,
  ForcedResetOutcome,
  NewAccountRow,
  SentLink,
} from './account-administration.ts'
import type { LinkTargets } from './account-links.ts'
import { linkSeconds } from './account-links.ts'
import type { Decision } from './accounts.ts'
import type { Superseded } from './actors.ts'
import type { Post } from './mail-requests.ts'
import { newLink } from './mail-requests.ts'
import { writeMail } from './mails.ts'
import { noPasswordHash } from './passwords.ts'
import type { RandomBytes } from './random.ts'

export interface InvitationParts {
  readonly administration: AccountAdministration
  readonly randomBytes: RandomBytes
  readonly linkTargets: LinkTargets
  /** Undefined when this installation sends no mail. */
  readonly post: Post | undefined
}

/** Makes an account that nobody can use before its owner has chosen a password by the link that is sent. */
export async function invite(
  parts: InvitationParts,
  account: Omit<NewAccountRow, 'passwordHash'>,
  decision: CreationDecision,
): Promise<CreatedAccount | Superseded | { readonly kind: 'no-email' | 'mail-unavailable' }> {
  const { email } = account
  const { post } = parts
  if (post === undefined) return { kind: 'mail-unavailable' }
  if (email === undefined) return { kind: 'no-email' }
  const { sent: link, url } = invitation(parts)
  const row = { ...account, passwordHash: noPasswordHash }
  const created = await parts.administration.createFor(row, { ...decision, link })
  if (created.kind === 'created') post(async () => writeMail('invitation', email, url))
  return created
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
