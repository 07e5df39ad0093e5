import { clockDifferenceMsMax } from '../issuer/answer-age.ts'

/** One reading of the clocks, in milliseconds since 1970. */
export interface Moment {
  readonly wallMs: number
  /**
   * The wall clock, or the time of the issuer's last word and what has passed since it came, whichever
   * is later. So a wall clock that is set back prolongs nothing. It is also never more than five seconds
   * less than by any word that was believed before.
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
  /** It is not too far ahead of the wall clock. */
  readonly believes: (atMs: number) => boolean
  /** The last moment that was believed; undefined before the first. */
  readonly vouchedAtMs: () => number | undefined
  /** The applied state is not the issuer's any more; its time still counts. */
  readonly withdraw: () => void
  /**
   * True while a token that was minted then is vouched for: minting looks at the revocations too, so a
   * young token is as good as a young checkpoint. One that claims to come from the future is not young,
   * and none is by a clock that is known to be behind. `maxAgeMs`: for those who want it fresher.
   */
  readonly covers: (mintedAtMs: number, moment?: Moment, maxAgeMs?: number) => boolean
  /**
   * How far the wall clock is behind, for the operator, by a word that was too far ahead of it to be believed;
   * undefined once a later one is, or the clock is right.
   */
  readonly lag: () => string | undefined
  /** How long ago the state was vouched for; Infinity when it is not, or by a clock that is ahead. */
  readonly ageMs: (moment?: Moment) => number
}

export interface FreshnessOptions {
  /** Milliseconds since 1970, by a clock that somebody may set. */
  readonly wall: () => number
  /** Milliseconds from anywhere, by a clock that only goes on. */
  readonly monotonic: () => number
  readonly maxStalenessMs: number
  /** True while the wall clock is known to be behind that of the issuer, by what it answers otherwise. */
  readonly isBehind: () => boolean
}

/** A word of the issuer about the time. */
interface Word {
  readonly atMs: number
  readonly receivedMs: number
}

export function createFreshness(options: FreshnessOptions): Freshness {
  const { wall, monotonic, maxStalenessMs, isBehind } = options
  let last: Word | undefined
  let highest: Word | undefined
  let unbelieved: Word | undefined
  let vouchedAtMs: number | undefined
  let isVouched = false

  const nowBy = (word: Word | undefined): number =>
    word === undefined ? 0 : word.atMs + monotonic() - word.receivedMs

  // An issuer's clock may have been ahead and is right again, after a failover or by its operator: the
  // time goes by its last word then. Whoever keeps the words back, one by one, can say the same of a
  // clock that was right. What is believed is at most five seconds ahead, so that far the time is let
  // down, and no further: where the wall clock is that far behind, the bound has room for it.
  const issuerNow = (): number => Math.max(nowBy(last), nowBy(highest) - clockDifferenceMsMax)
  const moment = (): Moment => {
    const wallMs = wall()
    return { wallMs, nowMs: Math.max(wallMs, issuerNow()) }
  }

  const believes = (atMs: number): boolean => atMs <= wall() + clockDifferenceMsMax

  // The issuer has signed it, and nobody can play back what is yet to come.
  const lagMs = (): number => nowBy(unbelieved) - wall()
  const isWallBehind = (): boolean => lagMs() > clockDifferenceMsMax || isBehind()

  const ageMs = ({ wallMs, nowMs } = moment()): number => {
    if (!isVouched || vouchedAtMs === undefined) return Infinity
    // The wall clock may have been set back since it came.
    return vouchedAtMs > wallMs + clockDifferenceMsMax ? Infinity : nowMs - vouchedAtMs
  }

  return {
    moment,
    vouch: (atMs) => {
      if (!believes(atMs)) {
        if (atMs > (unbelieved?.atMs ?? 0)) unbelieved = { atMs, receivedMs: monotonic() }
        return false
      }
      unbelieved = undefined
      isVouched = true
      vouchedAtMs = atMs
      // The same word again came when it came first, and an older one turns nothing back.
      if (last === undefined || atMs > last.atMs) {
        last = { atMs, receivedMs: monotonic() }
        if (nowBy(last) > nowBy(highest)) highest = last
      }
      return true
    },
    believes,
    vouchedAtMs: () => vouchedAtMs,
    withdraw: () => {
      isVouched = false
    },
    covers: (mintedAtMs, at = moment(), maxAgeMs = maxStalenessMs) => {
      if (ageMs(at) <= maxAgeMs) return true
      return !isWallBehind() && isYoung(mintedAtMs, at, maxAgeMs)
    },
    lag: () =>
      lagMs() > clockDifferenceMsMax ? `the issuer's clock is ${lagMs()} ms ahead` : undefined,
    ageMs,
  }
}

/** One that claims to come from the future is not. */
export function isYoung(mintedAtMs: number, { nowMs }: Moment, maxAgeMs: number): boolean {
  const sinceMintingMs = nowMs - mintedAtMs
  return sinceMintingMs >= -clockDifferenceMsMax && sinceMintingMs <= maxAgeMs
}
