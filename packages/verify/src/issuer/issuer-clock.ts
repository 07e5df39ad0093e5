import { clockDifferenceMsMax, copyAgeMs, dateOf } from './answer-age.ts'
import type { Fetch } from './http-json.ts'

/** Compares the issuer's clock with ours at everything that it answers. */
export interface IssuerClock {
  /** The same `fetch`, watched. */
  readonly watch: (fetch: Fetch) => Fetch
  /**
   * How far ours is behind, for the operator; undefined unless the last answer showed that it is too
   * far. One out of a cache shows nothing: it carries an older time.
   */
  readonly lag: () => string | undefined
}

/** `wall`: milliseconds since 1970. */
export function createIssuerClock(wall: () => number): IssuerClock {
  let aheadMs = 0
  return {
    watch: (fetch) => async (url, init) => {
      const askedAtMs = wall()
      const response = await fetch(url, init)
      const { headers } = response
      const madeAtMs = dateOf(headers)
      if (madeAtMs !== undefined && copyAgeMs(headers, askedAtMs) === 0) aheadMs = madeAtMs - wall()
      return response
    },
    lag: () =>
      aheadMs > clockDifferenceMsMax ? `the issuer's clock is ${aheadMs} ms ahead` : undefined,
  }
}
