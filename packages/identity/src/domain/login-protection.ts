import type {
  Attempt,
  AttemptKeys,
  AttemptStore,
  CountedAttempt,
  Counter,
} from './login-attempts.ts'
import type { StrangerBudget } from './stranger-budget.ts'
import type { TriesBound } from './tries-bound.ts'

/** Stands before everything that checks a password. */
export interface LoginProtection {
  /** To be asked before the password is hashed; whoever is admitted says afterwards what became of it. */
  readonly admit: (attempt: Attempt) => Promise<Admission>
}

export type Admission =
  | {
      readonly kind: 'admitted'
      readonly right: () => Promise<void>
      readonly wrong: () => void
      /** Nothing was checked. */
      readonly untried: () => Promise<void>
    }
  | Throttled
  /** A distributed attack is under way, and this is a stranger. */
  | { readonly kind: 'busy'; readonly retryAfterSeconds: number }

/** Refused without a look at the password, right or wrong: otherwise a delay would protect nothing. */
export interface Throttled {
  readonly kind: 'throttled'
  readonly retryAfterSeconds: number
  readonly by: Counter
  /** Tells one counter from another in the log, and nobody who or where. */
  readonly keyId: string
}

export interface LoginProtectionParts {
  readonly attempts: AttemptStore
  readonly keysOf: (attempt: Attempt) => AttemptKeys
  readonly accountBound: TriesBound
  readonly strangers: StrangerBudget
  readonly report: (observation: Observation) => void
}

/** What operators should hear of. */
export type Observation =
  /** The free tries at somebody's account are used up. */
  | { readonly kind: 'account-delayed'; readonly accountId: string }
  | { readonly kind: 'strangers-refused' }

export function createLoginProtection(parts: LoginProtectionParts): LoginProtection {
  const { attempts, keysOf, strangers } = parts
  return {
    admit: async (attempt) => {
      const keys = keysOf(attempt)
      const mayStrangersTry = strangers.take()
      const counted = await attempts.admit(keys, { mayStrangersTry })
      const isStranger = counted.kind === 'admitted' && counted.by === 'strangers'
      if (mayStrangersTry && !isStranger) strangers.giveBack()
      switch (counted.kind) {
        case 'admitted':
          return admissionOf(parts, attempt, keys, counted)
        case 'throttled':
          return {
            kind: 'throttled',
            retryAfterSeconds: Math.max(1, Math.ceil(counted.waitMs / 1000)),
            by: counted.by,
            keyId: keys[counted.by].slice(0, 8),
          }
        case 'strangers-refused':
          parts.report({ kind: 'strangers-refused' })
          return { kind: 'busy', retryAfterSeconds: strangers.retryAfterSeconds() }
      }
    },
  }
}

function admissionOf(
  { attempts, strangers, accountBound, report }: LoginProtectionParts,
  { accountId }: Attempt,
  keys: AttemptKeys,
  { by, failures, receipt }: Extract<CountedAttempt, { readonly kind: 'admitted' }>,
): Admission {
  const giveBack = (): void => {
    if (by === 'strangers') strangers.giveBack()
  }
  return {
    kind: 'admitted',
    right: () => {
      giveBack()
      return attempts.succeed(keys, receipt)
    },
    wrong: () => {
      // Once a counter until a failure is forgiven: strangers shall not fill a log or a table.
      if (accountId !== undefined && failures === accountBound.freeTries) {
        report({ kind: 'account-delayed', accountId })
      }
    },
    untried: () => {
      giveBack()
      return attempts.takeBack(keys, receipt)
    },
  }
}

/** Lets everybody guess as often as they like. */
export const unlimitedGuesses: LoginProtection = {
  admit: async () => ({
    kind: 'admitted',
    right: async () => undefined,
    wrong: () => undefined,
    untried: async () => undefined,
  }),
}
