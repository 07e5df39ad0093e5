/** What promise and feed allow clocks to be apart. No setting widens it: the bound hangs on it. */
export const clockDifferenceMsMax = 5_000

type AnswerHeaders = Pick<Headers, 'get'>

/** RFC 9110 section 6.6.1: when the answer was made, in whole seconds. Undefined where it does not say. */
export function dateOf(headers: AnswerHeaders): number | undefined {
  const madeAtMs = Date.parse(headers.get('date') ?? '')
  return Number.isNaN(madeAtMs) ? undefined : madeAtMs
}

/** RFC 9111 section 5.1: for how long a cache has had it; 0 for what comes from no cache. */
export function ageSecondsOf(headers: AnswerHeaders): number {
  return Number(/^\d{1,10}$/.exec(headers.get('age') ?? '')?.[0] ?? 0)
}

/** The same, whether or not a cache on the way has dated it anew. */
export function madeAtMsOf(headers: AnswerHeaders, askedAtMs: number): number | undefined {
  const madeAtMs = dateOf(headers)
  const ageSeconds = ageSecondsOf(headers)
  if (madeAtMs === undefined || ageSeconds === 0) return madeAtMs
  return Math.min(madeAtMs, askedAtMs - ageSeconds * 1000)
}

/**
 * How old an answer was already when it was asked for: what is true of it was true then. 0 for the issuer's own,
 * which is made after it was asked for, by a clock that may be a little behind.
 */
export function copyAgeMs(headers: AnswerHeaders, askedAtMs: number): number {
  const byDateMs = askedAtMs - (dateOf(headers) ?? askedAtMs)
  return Math.max(ageSecondsOf(headers) * 1000, byDateMs > clockDifferenceMsMax ? byDateMs : 0)
}
