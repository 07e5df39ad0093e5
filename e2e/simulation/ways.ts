/** What stands between a follower and the issuer. */

/** The way between a follower and the issuer. */
export interface Path {
  /** `silent` loses everything without a word; `refused` says so at once. */
  mode: 'up' | 'silent' | 'refused'
  delayMs: readonly [least: number, most: number]
  /** Who stands in between for the feed; the issuer's documents come from itself. */
  relay: 'honest' | 'hostile' | 'late' | 'forging' | 'mute'
  /** How much later a late relay hands on what it gets. */
  lateMs: number
}

/** Of a path on which nothing is wrong. */
export const quickMs: Path['delayMs'] = [1, 4]

export function honestPath(): Path {
  return { mode: 'up', delayMs: quickMs, relay: 'honest', lateMs: 0 }
}

/** What a request of a follower is answered. */
export interface Answer {
  readonly status: number
  readonly dateMs: number
  /** Pushes what comes to whoever reads, until the returned function is called. */
  readonly body?: (sink: Sink) => () => void
  /** For documents. */
  readonly kids?: readonly string[]
}

export interface Sink {
  readonly push: (bytes: Buffer) => void
  readonly end: () => void
  readonly fail: () => void
}
