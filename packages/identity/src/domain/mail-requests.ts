import type { LinkMailKind, LinkPurpose, LinkStore, LinkTargets } from './account-links.ts'
import { hashLinkToken, linkSeconds, linkTo } from './account-links.ts'
import type { AccountStore } from './accounts.ts'
import { parseIdentifier } from './accounts.ts'
import { mailPace } from './mail-pace.ts'
import type { Mail } from './mails.ts'
import { writeMail } from './mails.ts'
import type { RandomBytes } from './random.ts'
import { randomSecret } from './random.ts'

/** A mail that is found out about and written after the answer; undefined when there is none to send. */
export type MailJob = () => Promise<Mail | undefined>

/** Too many mails wait to be sent: nothing was written. */
export interface MailBusy {
  readonly kind: 'mail-busy'
  readonly retryAfterSeconds: number
}

/** Mail that is sent in the background, with whatever it takes. Places are bounded, and strangers have a share of them. */
export interface Post {
  /**
   * For a stranger. `network` is where it was asked from: too many from there are dropped. Says nothing, so that no
   * answer can tell.
   */
  readonly lookUp: (job: MailJob, network: string) => void
  /** For people who have shown who they are; with a `network` where they could ask for many. */
  readonly send: (job: MailJob, network?: string) => MailBusy | undefined
  /** The same for a mail that has to follow what is written: keeps a place for it, and writes nothing without. */
  readonly withPlace: <Outcome>(
    act: (send: (job: MailJob) => void) => Promise<Outcome>,
  ) => Promise<Outcome | MailBusy>
}

export interface MailRequestParts {
  readonly accounts: Pick<AccountStore, 'findByIdentifier'>
  readonly links: Pick<LinkStore, 'issue'>
  readonly linkTargets: LinkTargets
  readonly randomBytes: RandomBytes
}

/** For somebody who cannot sign in, or somebody who says so. */
export function resetMail(parts: MailRequestParts, identifier: string): MailJob {
  return async () => {
    const parsed = parseIdentifier(identifier)
    if (parsed.kind === 'malformed') return undefined
    const account = await parts.accounts.findByIdentifier(parsed.identifier)
    return account && linkMail(parts, account.id, 'reset')
  }
}

/**
 * To whoever reads the mail of an address that somebody has registered. What an account waits for is that a
 * password is chosen by this link: nobody has shown before that the address is theirs.
 */
export function registrationMail(parts: MailRequestParts, identifier: string): MailJob {
  return async () => {
    const account = await parts.accounts.findByIdentifier(identifier)
    if (account === undefined) return undefined
    return linkMail(parts, account.id, account.isUnconfirmed ? 'registration' : 'account-exists')
  }
}

/** To the address that an account has. */
export function verificationMail(parts: MailRequestParts, accountId: string): MailJob {
  return () => linkMail(parts, accountId, 'verify-email')
}

async function linkMail(
  parts: MailRequestParts,
  accountId: string,
  kind: LinkMailKind,
): Promise<Mail | undefined> {
  const purpose = kind === 'verify-email' ? kind : 'reset'
  const { tokenHash, link } = newLink(parts, purpose)
  const lifeMs = linkSeconds[kind] * 1000
  const issued = await parts.links.issue({ accountId, purpose, tokenHash, lifeMs }, mailPace)
  return issued.kind === 'issued' ? writeMail(kind, issued.email, link) : undefined
}

/** A token is in the mail and in the memory of this process, and its hash in the store. */
export function newLink(
  { randomBytes, linkTargets }: Pick<MailRequestParts, 'randomBytes' | 'linkTargets'>,
  purpose: LinkPurpose,
): { readonly tokenHash: string; readonly link: string } {
  const token = randomSecret(randomBytes)
  return { tokenHash: hashLinkToken(token), link: linkTo(linkTargets, purpose, token) }
}
