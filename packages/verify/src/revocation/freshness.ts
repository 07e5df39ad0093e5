/** What the promise of the feed allows clocks to be apart. No setting widens it: the bound hangs on it. */
export const clockDifferenceMsMax = 5_000

/** Until when the issuer has vouched for what is known here, and what time it is at the least. */
export interface Freshness {
  /**
   * Milliseconds since 1970: the wall clock, or the time of the issuer's last checkpoint and what has
   * passed since it came, whichever is later. A wall clock that is set back prolongs nothing.
   */
  readonly now: () => number
  /** The applied state is what the issuer had at this moment. */
  readonly vouch: (atMs: number) => void
  /** The applied state is not the issuer's any more; its time still counts. */
  readonly withdraw: () => void
  /**
   * True while a token that was minted then is vouched for: minting looks at the revocations too, so a
   * young token is as good as a young checkpoint. One that claims to come from the future is not young.
   */
  readonly covers: (mintedAtMs: number) => boolean
  /** How long ago the state was vouched for; Infinity when it is not, or by a clock that is ahead. */
  readonly ageMs: () => number
}

export interface FreshnessOptions {
  /** Milliseconds since 1970, by a clock that somebody may set. */
  readonly wall: () => number
  /** Milliseconds from anywhere, by a clock that only goes on. */
  readonly monotonic: () => number
  readonly maxStalenessMs: number
}

export function createFreshness(options: FreshnessOptions): Freshness {
  const { wall, monotonic, maxStalenessMs } = options
  let anchor: { readonly atMs: number; readonly receivedMs: number } | undefined
  let isVouched = false

  const now = (): number =>
    anchor === undefined ? wall() : Math.max(wall(), anchor.atMs + monotonic() - anchor.receivedMs)

  const ageMs = (): number => {
    if (!isVouched || anchor === undefined) return Infinity
    // What is so far ahead of the wall clock is not believed.
    return anchor.atMs > wall() + clockDifferenceMsMax ? Infinity : now() - anchor.atMs
  }

  return {
    now,
    vouch: (atMs) => {
      isVouched = true
      // The same checkpoint once more does not make its own arrival any later.
      if (anchor?.atMs !== atMs) anchor = { atMs, receivedMs: monotonic() }
    },
    withdraw: () => {
      isVouched = false
    },
    covers: (mintedAtMs) => {
      const sinceMintingMs = now() - mintedAtMs
      const isBelieved = sinceMintingMs >= -clockDifferenceMsMax
      return (isBelieved && sinceMintingMs <= maxStalenessMs) || ageMs() <= maxStalenessMs
    },
    ageMs,
  }
}
