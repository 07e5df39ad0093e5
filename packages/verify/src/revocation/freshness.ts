import { clockDifferenceMsMax } from '../issuer/issuer-clock.ts'

/** One reading of the clocks, in milliseconds since 1970. */
export interface Moment {
  readonly wallMs: number
  /**
   * The wall clock, or the latest time of the issuer that was believed and what has passed since it
   * came, whichever is later. A wall clock that is set back prolongs nothing.
   */
  readonly nowMs: number
}

/** Until when the issuer has vouched for what is known here, and what time it is at the least. */
export interface Freshness {
  readonly moment: () => Moment
  /**
   * The applied state is what the issuer had at this moment. False when that is too far ahead of the
   * wall clock to be believed: then the moment counts for nothing.
   */
  readonly vouch: (atMs: number) => boolean
  /** The last moment that was believed; undefined before the first. */
  readonly vouchedAtMs: () => number | undefined
  /** The applied state is not the issuer's any more; its time still counts. */
  readonly withdraw: () => void
  /**
   * True while a token that was minted then is vouched for: minting looks at the revocations too, so a
   * young token is as good as a young checkpoint. One that claims to come from the future is not young,
   * and none is by a clock that is known to be behind.
   */
  readonly covers: (mintedAtMs: number, moment?: Moment) => boolean
  /** How long ago the state was vouched for; Infinity when it is not, or by a clock that is ahead. */
  readonly ageMs: (moment?: Moment) => number
}

export interface FreshnessOptions {
  /** Milliseconds since 1970, by a clock that somebody may set. */
  readonly wall: () => number
  /** Milliseconds from anywhere, by a clock that only goes on. */
  readonly monotonic: () => number
  readonly maxStalenessMs: number
  /** True while the wall clock is known to be behind that of the issuer. */
  readonly isBehind: () => boolean
}

export function createFreshness(options: FreshnessOptions): Freshness {
  const { wall, monotonic, maxStalenessMs, isBehind } = options
  let floor: { readonly atMs: number; readonly receivedMs: number } | undefined
  let vouchedAtMs: number | undefined
  let isVouched = false

  const issuerNow = (): number =>
    floor === undefined ? 0 : floor.atMs + monotonic() - floor.receivedMs
  const moment = (): Moment => {
    const wallMs = wall()
    return { wallMs, nowMs: Math.max(wallMs, issuerNow()) }
  }

  const ageMs = ({ wallMs, nowMs } = moment()): number => {
    if (!isVouched || vouchedAtMs === undefined) return Infinity
    // The wall clock may have been set back since it came.
    return vouchedAtMs > wallMs + clockDifferenceMsMax ? Infinity : nowMs - vouchedAtMs
  }

  return {
    moment,
    vouch: (atMs) => {
      if (atMs > wall() + clockDifferenceMsMax) return false
      isVouched = true
      vouchedAtMs = atMs
      // Only up: an older word of the issuer, or one that was long on its way, turns nothing back.
      if (atMs > issuerNow()) floor = { atMs, receivedMs: monotonic() }
      return true
    },
    vouchedAtMs: () => vouchedAtMs,
    withdraw: () => {
      isVouched = false
    },
    covers: (mintedAtMs, at = moment()) => {
      if (ageMs(at) <= maxStalenessMs) return true
      const sinceMintingMs = at.nowMs - mintedAtMs
      const isBelieved = sinceMintingMs >= -clockDifferenceMsMax && !isBehind()
      return isBelieved && sinceMintingMs <= maxStalenessMs
    },
    ageMs,
  }
}
