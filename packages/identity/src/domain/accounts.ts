export interface Account {
  /** 128 random bits, never reused: the `sub` of the account's tokens. */
  readonly id: string
  /** Normalised; what the person signs in with. */
  readonly identifier: string
  readonly roles: readonly string[]
  readonly passwordHash: string
  /** Goes up whenever tokens that were already issued must die (protocol, section 5). */
  readonly generation: number
}

export interface AccountStore {
  readonly findByIdentifier: (identifier: string) => Promise<Account | undefined>
}

export type ParsedIdentifier =
  | { readonly kind: 'identifier'; readonly identifier: string }
  | { readonly kind: 'malformed'; readonly why: string }

const identifierCharactersMax = 254

/**
 * Normalises what a person signs in with, once and in one place: NFKC, then lower case, so that
 * full-width, ligature and case variants of one name collide instead of becoming two accounts.
 */
export function parseIdentifier(text: string): ParsedIdentifier {
  const identifier = text.normalize('NFKC').toLowerCase().normalize('NFKC')
  if (identifier === '') return malformed('must not be empty')
  if (identifier.length > identifierCharactersMax) {
    return malformed(`must not have more than ${identifierCharactersMax} characters`)
  }
  if (invisible.test(identifier)) {
    return malformed('must not contain spaces or invisible characters')
  }
  return { kind: 'identifier', identifier }
}

/**
 * White space; control, format, surrogate, private-use and unassigned characters; letters and marks
 * that are never drawn, such as fillers and variation selectors; and the Braille cell without dots.
 */
const invisible = /[\s\p{C}\p{Default_Ignorable_Code_Point}\u2800]/u

function malformed(why: string): ParsedIdentifier {
  return { kind: 'malformed', why }
}
