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
   * young token is as good as a young checkpoint.
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
  readonly leewayMs: number
}

export function createFreshness(options: FreshnessOptions): Freshness {
  const { wall, monotonic, maxStalenessMs, leewayMs } = options
  let anchor: { readonly atMs: number; readonly receivedMs: number } | undefined
  let isVouched = false

  const now = (): number =>
    anchor === undefined ? wall() : Math.max(wall(), anchor.atMs + monotonic() - anchor.receivedMs)

  const ageMs = (): number => {
    // What is further ahead of the wall clock than the leeway is not believed.
    if (!isVouched || anchor === undefined || anchor.atMs > wall() + leewayMs) return Infinity
    return now() - anchor.atMs
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
    covers: (mintedAtMs) => Math.min(now() - mintedAtMs, ageMs()) <= maxStalenessMs,
    ageMs,
  }
}
