import type { AccountAdministration, NewAccountRow } from './account-administration.ts'
import type { AccountField } from './account-names.ts'
import { nameAccount } from './account-names.ts'
import type { MailJob, MailRequestParts } from './mail-requests.ts'
import { resetMail, verificationMail } from './mail-requests.ts'
import type { Mail } from './mails.ts'
import type { NewPasswordParts } from './new-password.ts'
import { hashNewPassword } from './new-password.ts'
import type { Busy } from './passwords.ts'
import { randomIdentifier } from './random.ts'

/**
 * Who may make an account for himself. `open`: everybody, at once; whoever asks learns which identifiers are
 * taken. `by-mail`: whoever reads the mail of the address that becomes the identifier; nobody learns anything.
 */
export type SelfRegistration = 'closed' | 'open' | 'by-mail'

export interface RegistrationParts extends MailRequestParts, NewPasswordParts {
  readonly administration: Pick<AccountAdministration, 'create'>
  readonly selfRegistration: SelfRegistration
  /** The roles of an account that somebody makes for himself. */
  readonly defaultRoles: readonly string[]
}

export interface RegistrationRequest {
  readonly identifier: string
  readonly password: string
  readonly email?: string | undefined
}

export type RegistrationOutcome =
  | {
      readonly kind: 'registered'
      readonly id: string
      readonly identifier: string
      readonly email: string | undefined
    }
  /** By mail: nothing was looked up yet, and whether there is such an account only the mailbox learns. */
  | { readonly kind: 'to-be-confirmed'; readonly identifier: string; readonly mail: MailJob }
  | { readonly kind: 'closed' }
  | { readonly kind: 'taken' }
  | { readonly kind: 'unfit'; readonly field: AccountField; readonly fault: string }
  | Busy

/** Makes an account for whoever asks, as far as the operator lets strangers do that. */
export async function register(
  parts: RegistrationParts,
  request: RegistrationRequest,
): Promise<RegistrationOutcome> {
  const { selfRegistration } = parts
  if (selfRegistration === 'closed') return { kind: 'closed' }
  const named = nameAccount(request)
  if (named.kind === 'unfit') return named
  const isByMail = selfRegistration === 'by-mail'
  const { identifier, email } = named
  if (isByMail && named.kind !== 'mail-account') {
    return { kind: 'unfit', field: 'identifier', fault: 'must be an e-mail address' }
  }
  const hashed = await hashNewPassword(parts, request.password, identifier)
  if (hashed.kind === 'unfit') return { ...hashed, field: 'password' }
  if (hashed.kind === 'busy') return hashed
  const account = {
    id: randomIdentifier(parts.randomBytes),
    identifier,
    passwordHash: hashed.passwordHash,
    email,
    roles: parts.defaultRoles,
    attributes: {},
    isUnconfirmed: isByMail,
  }
  if (isByMail) {
    return { kind: 'to-be-confirmed', identifier, mail: () => createByMail(parts, account) }
  }
  const created = await parts.administration.create(account)
  return created.kind === 'taken'
    ? created
    : { kind: 'registered', id: account.id, identifier, email }
}

/** Behind the answer, whose time would tell: a new row takes longer than none. */
async function createByMail(
  parts: RegistrationParts,
  account: NewAccountRow,
): Promise<Mail | undefined> {
  const created = await parts.administration.create(account)
  const mail =
    created.kind === 'created'
      ? verificationMail(parts, account.id)
      : resetMail(parts, account.identifier, 'account-exists')
  return mail()
}
