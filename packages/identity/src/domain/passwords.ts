import type { Asker } from './turnstile.ts'

/** Hashes and checks passwords. Slow on purpose, so both wait in one bounded queue. */
export interface PasswordHasher {
  readonly hash: (password: NormalisedPassword, asker: Asker) => Promise<HashedPassword>
  /**
   * Takes what was typed: own hashes are of the normalised text, those of other systems of the original.
   * A stored hash that cannot be read matches nothing.
   */
  readonly verify: (passwordHash: string, typed: string, asker: Asker) => Promise<PasswordCheck>
  /** Undefined while the queue has room for them, so that nobody prepares a check that would not be made. */
  readonly whenFull: (asker: Asker) => Busy | undefined
}

/** What stands where nobody has chosen a password yet: as a hash it cannot be read, so it matches nothing. */
export const noPasswordHash = ''

export type HashedPassword = { readonly kind: 'hashed'; readonly passwordHash: string } | Busy

export type PasswordCheck =
  /** `rehash`: the hash is weaker than a new one would be, or came from another system. */
  { readonly kind: 'match'; readonly rehash?: true } | { readonly kind: 'mismatch' } | Busy

/** The queue is full: nothing was hashed and nothing checked. */
export interface Busy {
  readonly kind: 'busy'
  readonly retryAfterSeconds: number
}

export type NormalisedPassword = string & { readonly __brand: 'NormalisedPassword' }

/** One person types the same password on two keyboards: NFKC makes it one (NIST SP 800-63B 3.1.1.2). */
export function normalisePassword(text: string): NormalisedPassword {
  return text.normalize('NFKC') as NormalisedPassword
}
