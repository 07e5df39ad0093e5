/** A pepper that refresh tokens were issued with, which may still be alive. */
export interface PepperInUse {
  /** As it stands in the tokens. */
  readonly id: string
  /** Milliseconds since 1970. */
  readonly aliveUntil: number
}

export interface PepperClaim {
  /** The one that this process issues with comes first; it accepts all of them. */
  readonly ids: readonly [string, ...string[]]
  /** Whose tokens the operator gives up by name. */
  readonly givenUp: string | undefined
  readonly sessionIdleSeconds: number
}

export interface CheckedPeppers {
  /** Tokens of these would be refused, and those who have them signed out. */
  readonly lost: readonly PepperInUse[]
}

/** What the store remembers of peppers: their ids, and nothing else. */
export interface PepperStore {
  readonly check: (claim: PepperClaim) => Promise<CheckedPeppers>
  /** Checks, and unless something would be lost says which pepper is issued with from now on. */
  readonly claim: (claim: PepperClaim) => Promise<CheckedPeppers>
  /** Says again that it is issued with. */
  readonly renew: (claim: PepperClaim) => Promise<void>
}

/** How often a process says that it issues with its pepper. */
export const pepperRenewalMs: number = 3_600_000

/** How long a token of the pepper may live that is issued before the next renewal. */
export function pepperLifeMs({ sessionIdleSeconds }: PepperClaim): number {
  return sessionIdleSeconds * 1000 + 2 * pepperRenewalMs
}
