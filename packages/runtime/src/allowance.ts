export interface AllowanceOptions {
  /** So many at once, and then one each `refillMs`. */
  readonly burst: number
  readonly refillMs: number
  /** How many keys are remembered; beyond it the one that was seen longest ago is forgotten. */
  readonly keysMax: number
  /** Milliseconds. */
  readonly now: () => number
}

/**
 * Takes one for a key: 0 where that is fine; else nothing is taken, and the answer is in how many milliseconds
 * there will be one. In the memory of one process: several allow that much each, and a restart begins anew.
 */
export type Allowance = (key: string) => number

export function createAllowance({ burst, refillMs, keysMax, now }: AllowanceOptions): Allowance {
  const paidUntil = new Map<string, number>()
  // Sums of fractions of a millisecond are not exact.
  const aheadMsMax = (burst - 1) * refillMs + 0.001
  return (key) => {
    const at = now()
    const before = Math.max(paidUntil.get(key) ?? 0, at)
    const waitMs = before - at - aheadMsMax
    // Taken out and put in again, so that the first of the map is the one seen longest ago.
    paidUntil.delete(key)
    paidUntil.set(key, waitMs <= 0 ? before + refillMs : before)
    if (paidUntil.size > keysMax) {
      const [oldest] = paidUntil.keys()
      if (oldest !== undefined) paidUntil.delete(oldest)
    }
    return Math.max(0, waitMs)
  }
}
