import type { AccountFault } from './account-faults.ts'
import { parseIdentifier } from './accounts.ts'
import { parseEmailAddress } from './email-addresses.ts'

/** The member of a request that is at fault. */
export type AccountField = 'identifier' | 'password' | 'email'

export type NamedAccount =
  | {
      /** Of a `mail-account` the identifier is the address: nobody may point its mail to himself. */
      readonly kind: 'account' | 'mail-account'
      readonly identifier: string
      readonly email: string | undefined
    }
  | { readonly kind: 'unfit'; readonly field: AccountField; readonly fault: AccountFault }

/** Normalises what an account is called, once, and finds out where its mail goes. */
export function nameAccount(request: {
  readonly identifier: string
  readonly email?: string | undefined
}): NamedAccount {
  const parsed = parseIdentifier(request.identifier)
  if (parsed.kind === 'malformed')
    return { kind: 'unfit', field: 'identifier', fault: parsed.fault }
  const { identifier } = parsed
  // From the normalised identifier, never from what was typed: that may only look like it.
  const own = parseEmailAddress(identifier)
  const given = request.email === undefined ? undefined : parseEmailAddress(request.email)
  if (given?.kind === 'malformed') return { kind: 'unfit', field: 'email', fault: given.fault }
  if (own.kind === 'malformed') return { kind: 'account', identifier, email: given?.address }
  if (given !== undefined && given.address !== own.address) {
    return { kind: 'unfit', field: 'email', fault: { why: 'email-not-identifier' } }
  }
  return { kind: 'mail-account', identifier, email: own.address }
}
