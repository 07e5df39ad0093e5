/** Hashes and checks passwords. Slow on purpose, so checks have a bounded queue of their own. */
export interface PasswordHasher {
  readonly hash: (password: NormalisedPassword) => Promise<string>
  readonly verify: (passwordHash: string, password: NormalisedPassword) => Promise<PasswordCheck>
}

export type PasswordCheck =
  | { readonly kind: 'match' }
  | { readonly kind: 'mismatch' }
  /** The queue is full: nothing was checked. */
  | { readonly kind: 'busy'; readonly retryAfterSeconds: number }

export type NormalisedPassword = string & { readonly __brand: 'NormalisedPassword' }

/**
 * ASVS 6.2.1. NIST SP 800-63B-4 asks for 15 where the password is the only factor; that is left to the
 * operator's advice, because no rule that people defeat with a longer pattern makes them safer.
 */
const codePointsMin = 8
const codePointsMax = 256

/** One person types the same password on two keyboards: NFKC makes it one (NIST SP 800-63B 3.1.1.2). */
export function normalisePassword(text: string): NormalisedPassword {
  return text.normalize('NFKC') as NormalisedPassword
}

/** What is wrong with a new password; undefined when it will do. Nothing is cut off, ever. */
export function newPasswordFault(password: NormalisedPassword): string | undefined {
  // Code points, as NIST SP 800-63B counts them.
  const { length } = Array.from(password)
  if (length < codePointsMin) return `must have at least ${codePointsMin} characters`
  if (length > codePointsMax) return `must not have more than ${codePointsMax} characters`
  return undefined
}
