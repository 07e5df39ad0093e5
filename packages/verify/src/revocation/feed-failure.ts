/** Why the feed cannot be read; the code is that of the error that `ready()` rejects with. */
export interface FeedFailure {
  readonly kind: 'failed'
  readonly code: 'client-refused' | 'issuer-unreachable' | 'feed-unavailable'
  /** For the operator. */
  readonly why: string
  /** The issuer asks not to be asked again before. */
  readonly retryAfterMs?: number
}

export function feedFailed(
  why: string,
  code: FeedFailure['code'] = 'feed-unavailable',
): FeedFailure {
  return { kind: 'failed', code, why }
}
