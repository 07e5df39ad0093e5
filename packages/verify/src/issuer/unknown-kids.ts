/** Fetches that unknown kids may cause at once, and how fast that allowance comes back. */
const fetchesMax = 4
const refillMs = 1_000
/** A kid that a fresh key set did not hold is not asked for again this long. */
const absentMs = 5_000
const absentKidsMax = 256

export interface UnknownKids {
  /** Takes one fetch from the allowance; false when there is none left. */
  readonly takeFetch: () => boolean
  readonly isAbsent: (kid: string) => boolean
  readonly rememberAbsent: (kid: string) => void
}

/**
 * What unknown kids may cost. Anybody can invent kids, so the fetches they cause are a small token
 * bucket: enough for a new key right after a fetch, one a second under a flood. A flood cannot keep
 * a rotation out, because each fetch it causes brings the new key as well.
 */
export function createUnknownKids(elapsedMs: () => number): UnknownKids {
  let allowance = fetchesMax
  let refilledAt = elapsedMs()
  const absentUntil = new Map<string, number>()

  return {
    takeFetch: () => {
      const refills = Math.floor((elapsedMs() - refilledAt) / refillMs)
      allowance = Math.min(fetchesMax, allowance + refills)
      refilledAt += refills * refillMs
      if (allowance === 0) return false
      allowance -= 1
      return true
    },
    isAbsent: (kid) => elapsedMs() < (absentUntil.get(kid) ?? 0),
    rememberAbsent: (kid) => {
      absentUntil.set(kid, elapsedMs() + absentMs)
      // A Map keeps the order of insertion.
      const [oldest] = absentUntil.keys()
      if (absentUntil.size > absentKidsMax && oldest !== undefined) absentUntil.delete(oldest)
    },
  }
}
