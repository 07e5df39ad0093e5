/** What decides a rotation: the row of the session, read inside the step that will change it. */
export interface RotationState {
  /** How often the session was rotated: the counter of the one current token. */
  readonly counter: number
  /** Milliseconds since 1970; undefined until the first rotation. */
  readonly rotatedAt: number | undefined
  /** The hash of the `attempt` that the last rotation was asked with. */
  readonly attemptHash: string | undefined
}

export interface PresentedCounter {
  readonly counter: number
  readonly attemptHash: string | undefined
}

/** The times that a rotation goes by, in milliseconds. */
export interface RotationPace {
  /** How long racing tabs and lost answers get the same successor. */
  readonly graceMs: number
  /** How long a session lives on without a refresh. */
  readonly idleMs: number
}

export type RotationDecision =
  /** A new successor, and the row moves to its counter. */
  | { readonly kind: 'rotated'; readonly counter: number }
  /** The successor that was given before, once more. Nothing is written; what proved the sender was used up before. */
  | { readonly kind: 'repeated'; readonly counter: number }
  /** An old token came back: somebody else has it. */
  | { readonly kind: 'reused' }
  /** A token from the future: the store has lost history, for example by a failover. */
  | { readonly kind: 'ahead'; readonly counter: number }

/**
 * Decides what a genuine refresh token is worth (protocol, section 3). Within the grace window, and
 * for the same attempt at any time, everybody who holds the current token or the one before gets the
 * same successor: tabs that race and answers that were lost converge instead of forking the family.
 */
export function decideRotation(
  state: RotationState,
  presented: PresentedCounter,
  { now, graceMs }: Pick<RotationPace, 'graceMs'> & { readonly now: number },
): RotationDecision {
  const { counter, rotatedAt } = state
  // A clock that was set back must not hold the window open for as long as it was set back.
  const isWithinGrace = rotatedAt !== undefined && Math.abs(now - rotatedAt) < graceMs
  if (presented.counter > counter) return { kind: 'ahead', counter: presented.counter + 1 }
  if (presented.counter === counter) {
    return isWithinGrace ? { kind: 'repeated', counter } : { kind: 'rotated', counter: counter + 1 }
  }
  const isPrevious = presented.counter === counter - 1
  const isSameAttempt =
    presented.attemptHash !== undefined && presented.attemptHash === state.attemptHash
  return isPrevious && (isWithinGrace || isSameAttempt)
    ? { kind: 'repeated', counter }
    : { kind: 'reused' }
}
