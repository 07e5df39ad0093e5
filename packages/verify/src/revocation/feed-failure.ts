/** Why the feed cannot be read; the code is that of the error that `ready()` rejects with. */
export interface FeedFailure {
  readonly kind: 'failed'
  readonly code: 'client-refused' | 'issuer-unreachable' | 'feed-unavailable'
  /** For the operator. */
  readonly why: string
  /** The issuer asks not to be asked again before. */
  readonly retryAfterMs?: number
  /** What came is not what the issuer has signed. */
  readonly isForged?: true
}

export function feedFailed(
  why: string,
  code: FeedFailure['code'] = 'feed-unavailable',
): FeedFailure {
  return { kind: 'failed', code, why }
}

export function feedForged(why: string): FeedFailure {
  return { ...feedFailed(why), isForged: true }
}
