import type { AccountFault } from './account-faults.ts'
import type { AccountAdministration, NewAccountRow } from './account-administration.ts'
import type { AccountField } from './account-names.ts'
import { nameAccount } from './account-names.ts'
import type { Throttled } from './login-protection.ts'
import type { MailJob, MailRequestParts } from './mail-requests.ts'
import { registrationMail } from './mail-requests.ts'
import type { NewPasswordParts } from './new-password.ts'
import { hashNewPassword } from './new-password.ts'
import type { Busy } from './passwords.ts'
import { noPasswordHash } from './passwords.ts'
import type { QueueParts } from './queue-admission.ts'
import { admitToQueue } from './queue-admission.ts'
import { randomIdentifier } from './random.ts'

/**
 * Who may make an account for himself. `open`: everybody, at once; whoever asks learns which identifiers are
 * taken. `by-mail`: whoever reads the mail of the address that becomes the identifier; nobody learns anything.
 * There the password is chosen by the link in that mail: one that was typed before the address was shown to be
 * theirs might be somebody else's, who would wait for its owner to confirm it.
 */
export type SelfRegistration = 'closed' | 'open' | 'by-mail'

export interface RegistrationParts extends MailRequestParts, NewPasswordParts, QueueParts {
  readonly administration: Pick<AccountAdministration, 'create'>
  readonly selfRegistration: SelfRegistration
  /** The roles of an account that somebody makes for himself. */
  readonly defaultRoles: readonly string[]
}

export interface RegistrationRequest {
  readonly identifier: string
  /** By mail it is used for nothing. */
  readonly password?: string | undefined
  readonly email?: string | undefined
  /** The address that it comes from. */
  readonly address: string
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
  | { readonly kind: 'unfit'; readonly field: AccountField; readonly fault: AccountFault }
  | Throttled
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
  const { identifier, email } = named
  const id = randomIdentifier(parts.randomBytes)
  const account = { id, identifier, email, roles: parts.defaultRoles, attributes: {} }
  const { password, address } = request
  const attempt = { accountId: undefined, identifier, address, isGuess: false } as const
  if (selfRegistration === 'by-mail') {
    if (named.kind !== 'mail-account') {
      return { kind: 'unfit', field: 'identifier', fault: { why: 'identifier-no-address' } }
    }
    const admission = await parts.protection.admit(attempt)
    return admission.kind === 'admitted' ? registerByMail(parts, account) : admission
  }
  if (password === undefined) {
    return { kind: 'unfit', field: 'password', fault: { why: 'password-missing' } }
  }
  // Nothing of it is given back, whatever becomes of it: many accounts are as bad as many guesses.
  const admission = await admitToQueue(parts, attempt)
  if (admission.kind !== 'admitted') return admission
  const hashed = await hashNewPassword(parts, password, { identifier, asker: admission.by })
  if (hashed.kind === 'unfit') return { ...hashed, field: 'password' }
  if (hashed.kind === 'busy') {
    await admission.untried()
    return hashed
  }
  const { passwordHash } = hashed
  const row = { ...account, passwordHash, isUnconfirmed: false }
  const created = await parts.administration.create(row)
  return created.kind === 'taken' ? created : { kind: 'registered', id, identifier, email }
}

/** Behind the answer, whose time would tell: a new row takes longer than none. */
function registerByMail(
  parts: RegistrationParts,
  account: Omit<NewAccountRow, 'passwordHash' | 'isUnconfirmed'>,
): RegistrationOutcome {
  const { identifier } = account
  const row = { ...account, passwordHash: noPasswordHash, isUnconfirmed: true }
  const mail: MailJob = async () => {
    await parts.administration.create(row)
    return registrationMail(parts, identifier)()
  }
  return { kind: 'to-be-confirmed', identifier, mail }
}
