import type { Fetch } from './http-json.ts'

/** What promise and feed allow clocks to be apart. No setting widens it: the bound hangs on it. */
export const clockDifferenceMsMax = 5_000

/** Compares the issuer's clock with ours at everything that it answers. */
export interface IssuerClock {
  /** The same `fetch`, watched. */
  readonly watch: (fetch: Fetch) => Fetch
  /**
   * How far ours is behind, for the operator; undefined unless the last answer showed that it is too
   * far. Answers out of a cache carry an older time, so they can hide it and never feign it.
   */
  readonly lag: () => string | undefined
}

/** `wall`: milliseconds since 1970. */
export function createIssuerClock(wall: () => number): IssuerClock {
  let aheadMs = 0
  return {
    watch: (fetch) => async (url, init) => {
      const response = await fetch(url, init)
      // RFC 9110 section 6.6.1: when the answer was made, in whole seconds.
      const madeAt = Date.parse(response.headers.get('date') ?? '')
      if (!Number.isNaN(madeAt)) aheadMs = madeAt - wall()
      return response
    },
    lag: () =>
      aheadMs > clockDifferenceMsMax ? `the issuer's clock is ${aheadMs} ms ahead` : undefined,
  }
}
