/** An access token and its times on the local clock, in milliseconds since 1970. */
export interface HeldToken {
  readonly token: string
  readonly obtainedAtMs: number
  /** From here on it is refreshed ahead of its expiry. */
  readonly refreshAtMs: number
  readonly expiresAtMs: number
}

/** RFC 6750 section 2.1. Anything else could not be sent, and `fetch` would repeat it in its error. */
export function isBearerToken(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Za-z0-9\-._~+/]+=*$/.test(value)
}

/** The part of its life after which a token is refreshed, and how far each token's own part is off. */
const refreshPart = 0.8
const refreshPartSpread = 0.1

export interface NewToken {
  readonly token: string
  readonly expiresInSeconds: number
  /** When the answered request was sent: the token cannot be older. */
  readonly sentAtMs: number
}

/**
 * Counts from the local clock and `expires_in` and never from `exp`, so that a wrong clock does no
 * harm. Every token gets its own time, so that what signed in together does not refresh together.
 */
export function holdToken(
  { token, expiresInSeconds, sentAtMs }: NewToken,
  random: () => number,
): HeldToken {
  const lifeMs = expiresInSeconds * 1000
  const part = refreshPart * (1 + refreshPartSpread * (2 * random() - 1))
  return {
    token,
    obtainedAtMs: sentAtMs,
    refreshAtMs: sentAtMs + lifeMs * part,
    expiresAtMs: sentAtMs + lifeMs,
  }
}

export function isFresh(held: HeldToken, nowMs: number): boolean {
  return isWithin(nowMs, held.obtainedAtMs, held.refreshAtMs)
}

export function isAlive(held: HeldToken, nowMs: number): boolean {
  return isWithin(nowMs, held.obtainedAtMs, held.expiresAtMs)
}

/** A clock that was set back tells nothing about a token from its future, so that one is renewed. */
function isWithin(nowMs: number, startMs: number, endMs: number): boolean {
  return startMs <= nowMs && nowMs < endMs
}
