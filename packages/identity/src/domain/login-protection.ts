import type {
  Attempt,
  AttemptKeys,
  AttemptStore,
  CountedAttempt,
  Counter,
} from './login-attempts.ts'
import type { Busy } from './passwords.ts'
import type { WrongPassword } from './anomalies/sightings.ts'
import { wideNetworkOf } from './anomalies/sightings.ts'
import type { Asker } from './turnstile.ts'
import type { StrangerBudget } from './stranger-budget.ts'
import type { TriesBound } from './tries-bound.ts'

/** Stands before everything that hashes a password for whoever asks. */
export interface LoginProtection {
  /**
   * To be asked before the password is hashed; whoever is admitted says afterwards what became of it. `noPlace` is
   * what strangers are told when the queue has no place for them, whoever they are and whatever they try.
   */
  readonly admit: (attempt: Attempt, noPlace?: Busy) => Promise<Admission>
}

export type Admission =
  | {
      readonly kind: 'admitted'
      readonly by: Asker
      readonly right: () => Promise<void>
      readonly wrong: () => void
      /** Nothing was checked. */
      readonly untried: () => Promise<void>
    }
  | Throttled
  /** A distributed attack is under way, and this is a stranger. */
  | Busy

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
  /** Each wrong password is a sighting as well. */
  readonly notice?: ((sighting: WrongPassword) => void) | undefined
}

/** What operators should hear of. */
export type Observation =
  /** The free tries at somebody's account are used up. */
  | { readonly kind: 'account-delayed'; readonly accountId: string }
  | { readonly kind: 'strangers-refused' }

export function createLoginProtection(parts: LoginProtectionParts): LoginProtection {
  const { attempts, keysOf, strangers } = parts
  return {
    admit: async (attempt, noPlace) => {
      const keys = keysOf(attempt)
      const mayStrangersTry = noPlace === undefined && strangers.take()
      const isGuess = attempt.isGuess ?? true
      const counted = await attempts.admit(keys, { mayStrangersTry, isGuess })
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
          if (noPlace !== undefined) return noPlace
          parts.report({ kind: 'strangers-refused' })
          return { kind: 'busy', retryAfterSeconds: strangers.retryAfterSeconds() }
      }
    },
  }
}

function admissionOf(
  { attempts, strangers, accountBound, report, notice }: LoginProtectionParts,
  { accountId, address }: Attempt,
  keys: AttemptKeys,
  { by, failures, receipt }: Extract<CountedAttempt, { readonly kind: 'admitted' }>,
): Admission {
  const giveBack = (): void => {
    if (by === 'strangers') strangers.giveBack()
  }
  return {
    kind: 'admitted',
    by,
    right: () => {
      giveBack()
      return attempts.succeed(keys, receipt)
    },
    wrong: () => {
      const network = wideNetworkOf(address)
      const target = accountId ?? keys.strangers
      notice?.({ kind: 'wrong-password', network, target, accountId, times: 1 })
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

/** Lets everybody guess as often as they like, and take whatever place there is. */
export const unlimitedGuesses: LoginProtection = {
  admit: async () => ({
    kind: 'admitted',
    by: 'known',
    right: async () => undefined,
    wrong: () => undefined,
    untried: async () => undefined,
  }),
}
