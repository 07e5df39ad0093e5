/**
 * What the requests of callers show about one service, which is never asked by itself. Only its connections
 * count: a service that answers 500 is there, and what it answers is its callers' business.
 */
export interface Health {
  /** `in`: asked in turn. `out`: left out. `due`: left out, and the next request to it tries whether it is back. */
  readonly standing: () => 'in' | 'out' | 'due'
  /** When it is or was to be tried again; now for one that is in. */
  readonly dueAtMs: () => number
  /** Each request has its own. */
  readonly begin: () => Trial
}

export interface Trial {
  /** Only the first end counts. */
  readonly end: (how: TrialEnd) => void
}

/**
 * `answered`: headers came. `broken`: no connection could be had, or it broke before the headers. `silent`: they
 * did not come in time, which says nothing about other requests. `unknown`: the caller left, or it was our fault.
 */
export type TrialEnd = 'answered' | 'broken' | 'silent' | 'unknown'

export type HealthChange =
  | { readonly kind: 'left-out'; readonly failures: number; readonly seconds: number }
  | { readonly kind: 'back' }

export interface HealthOptions {
  /** Milliseconds of a clock that is never set. */
  readonly now: () => number
  readonly told: (change: HealthChange) => void
}

/** In a row: one may be a connection that closed while it was idle, two a restart. */
const failuresMax = 3
const outMsMin = 1000
const outMsMax = 30_000

/**
 * Leaves a service out after three failures in a row, for a second. Then one request tries it while others still
 * pass it by; each failure of that one doubles the time, up to half a minute. Any answer brings it back.
 */
export function createHealth({ now, told }: HealthOptions): Health {
  let failures = 0
  let out: { readonly untilMs: number; readonly lastMs: number } | undefined
  let isTried = false
  const standing = (): 'in' | 'out' | 'due' => {
    if (out === undefined) return 'in'
    return isTried || now() < out.untilMs ? 'out' : 'due'
  }
  const leaveOut = (ms: number): void => {
    out = { untilMs: now() + ms, lastMs: ms }
    told({ kind: 'left-out', failures, seconds: ms / 1000 })
  }
  const fail = (isTrying: boolean): void => {
    failures += 1
    if (out === undefined && failures >= failuresMax) leaveOut(outMsMin)
    // Not for those that were under way already, which would all double it.
    else if (out !== undefined && isTrying) leaveOut(Math.min(out.lastMs * 2, outMsMax))
  }
  const bringBack = (): void => {
    failures = 0
    if (out === undefined) return
    out = undefined
    told({ kind: 'back' })
  }
  return {
    standing,
    dueAtMs: () => out?.untilMs ?? now(),
    begin: () => {
      const isTrying = standing() === 'due'
      if (isTrying) isTried = true
      let isOpen = true
      return {
        end: (how) => {
          if (!isOpen) return
          isOpen = false
          if (isTrying) isTried = false
          if (how === 'answered') bringBack()
          else if (how === 'broken' || (how === 'silent' && isTrying)) fail(isTrying)
        },
      }
    },
  }
}
