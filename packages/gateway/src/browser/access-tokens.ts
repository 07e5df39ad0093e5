/** An access token of a session and its times on the local clock, in milliseconds since 1970. */
export interface HeldToken {
  readonly token: string
  readonly obtainedAtMs: number
  /** From here on it is exchanged ahead of its expiry. */
  readonly refreshAtMs: number
  readonly expiresAtMs: number
}

/** A request that is let in should reach its service before its token expires. */
const marginMsMax = 30_000

/** Counts from the local clock and `expires_in` and never from `exp`, so that a wrong clock does no harm. */
export function holdToken(
  token: string,
  expiresInSeconds: number,
  obtainedAtMs: number,
): HeldToken {
  const lifeMs = expiresInSeconds * 1000
  return {
    token,
    obtainedAtMs,
    refreshAtMs: obtainedAtMs + lifeMs - Math.min(marginMsMax, lifeMs / 5),
    expiresAtMs: obtainedAtMs + lifeMs,
  }
}

export function isFresh({ obtainedAtMs, refreshAtMs }: HeldToken, nowMs: number): boolean {
  return obtainedAtMs <= nowMs && nowMs < refreshAtMs
}

export function isAlive({ obtainedAtMs, expiresAtMs }: HeldToken, nowMs: number): boolean {
  return obtainedAtMs <= nowMs && nowMs < expiresAtMs
}
