import type {
  AccountAdministration,
  CreatedAccount,
  CreationDecision,
  ForcedResetOutcome,
  NewAccountRow,
  ProfileChange,
  ProfileOutcome,
  SentLink,
} from './account-administration.ts'
import type { LinkTargets } from './account-links.ts'
import { linkSeconds } from './account-links.ts'
import type { Decision } from './accounts.ts'
import type { Superseded } from './actors.ts'
import type { MailBusy, Post } from './mail-requests.ts'
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
): Promise<
  CreatedAccount | Superseded | MailBusy | { readonly kind: 'no-email' | 'mail-unavailable' }
> {
  const { email } = account
  const { post } = parts
  if (post === undefined) return { kind: 'mail-unavailable' }
  if (email === undefined) return { kind: 'no-email' }
  const { sent: link, url } = invitation(parts)
  const row = { ...account, passwordHash: noPasswordHash }
  return post.withPlace(async (send) => {
    const created = await parts.administration.createFor(row, { ...decision, link })
    if (created.kind === 'created') send(async () => writeMail('invitation', email, url))
    return created
  })
}

/**
 * Takes an account's password away, ends its sessions and lets its owner choose another password by a link:
 * whoever knew the old one is out (ASVS 6.4.6, 7.4.3). Not held back by the pace of mails.
 */
export async function forceReset(
  parts: InvitationParts,
  decision: Decision,
): Promise<ForcedResetOutcome | MailBusy | { readonly kind: 'mail-unavailable' }> {
  const { post } = parts
  if (post === undefined) return { kind: 'mail-unavailable' }
  const { sent: link, url } = invitation(parts)
  return post.withPlace(async (send) => {
    const outcome = await parts.administration.forceReset({ ...decision, link })
    if (outcome.kind === 'reset') send(async () => writeMail('invitation', outcome.email, url))
    return outcome
  })
}

/** And the former address hears of it when it was changed (ASVS 6.3.7). */
export async function changeProfile(
  { administration, post }: Pick<InvitationParts, 'administration' | 'post'>,
  change: ProfileChange,
): Promise<ProfileOutcome | MailBusy> {
  if (post === undefined || change.email === undefined) return administration.changeProfile(change)
  return post.withPlace(async (send) => {
    const outcome = await administration.changeProfile(change)
    const formerEmail = outcome.kind === 'changed' ? outcome.formerEmail : undefined
    if (formerEmail !== undefined) send(async () => writeMail('email-was-changed', formerEmail))
    return outcome
  })
}

function invitation(parts: Pick<InvitationParts, 'randomBytes' | 'linkTargets'>): {
  readonly sent: SentLink
  readonly url: string
} {
  const { tokenHash, link: url } = newLink(parts, 'reset')
  return { sent: { tokenHash, lifeMs: linkSeconds.invitation * 1000 }, url }
}
