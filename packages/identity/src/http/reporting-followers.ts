import { createAllowance, createClientPlaces } from '@portcullis/runtime'
import type { FollowerKey } from '../domain/followers.ts'
import { followerLiveMs } from '../domain/followers.ts'

/** Who has reported to this node lately, so that nobody fills the store and a fleet can be told its pace. */
export interface ReportingFollowers {
  readonly admit: (follower: FollowerKey) =>
    | { readonly kind: 'admitted' }
    | {
        readonly kind: 'full' | 'client-full' | 'too-often'
        readonly detail: string
        /** It was not said of this client a short while ago. */
        readonly isNews: boolean
      }
  /**
   * `unknown`: it has reported to another node, or to none. `too-often`: there were too many of those, and nothing is to be
   * done for it.
   */
  readonly leave: (follower: FollowerKey) => 'known' | 'unknown' | 'too-often'
  readonly count: () => number
}

export interface ReportLimits {
  /** Each takes a row of some hundred bytes, until it was silent for minutes. */
  readonly max: number
  /** Otherwise one client whose processes are born and die all the time would shut out the others. */
  readonly perClientMax: number
}

const usualLimits: ReportLimits = { max: 20_000, perClientMax: 10_000 }
/** A follower reports once in a second at most. What was held up on the way may come at once. */
const ofFollower = { burst: 10, refillMs: 500 }
/** The largest fleet that has room here sends fewer (`report-pace.ts`); it tries again later when all of it starts. */
const ofClient = { burst: 1000, refillMs: 1 }
/** Each is a write for somebody whom this node does not know. Who is not heard counts as ended when it was silent. */
const unknownEndings = { burst: 500, refillMs: 20 }
/** So often it is noted that a client is refused. */
const refusalMs = 10_000

/** `monotonic`: milliseconds from anywhere, by a clock that only goes on. */
export function createReportingFollowers(
  monotonic: () => number,
  limits: ReportLimits = usualLimits,
): ReportingFollowers {
  const places = createClientPlaces(limits)
  const keysMax = limits.max
  const followerWaitMs = createAllowance({ ...ofFollower, keysMax, now: monotonic })
  const clientWaitMs = createAllowance({ ...ofClient, keysMax, now: monotonic })
  const endingWaitMs = createAllowance({ ...unknownEndings, keysMax, now: monotonic })
  const refusedAtMs = new Map<string, number>()
  /** In the order of their last reports. */
  const reporting = new Map<string, { readonly atMs: number; readonly leave: () => void }>()

  function forget(key: string): void {
    reporting.get(key)?.leave()
    reporting.delete(key)
  }

  function forgetSilent(): void {
    const liveSinceMs = monotonic() - followerLiveMs
    for (const [key, { atMs }] of reporting) {
      if (atMs > liveSinceMs) return
      forget(key)
    }
  }

  function isNews(clientId: string): boolean {
    if (monotonic() - (refusedAtMs.get(clientId) ?? -Infinity) < refusalMs) return false
    refusedAtMs.set(clientId, monotonic())
    return true
  }

  return {
    admit: ({ clientId, follower }) => {
      forgetSilent()
      const key = keyOf({ clientId, follower })
      if (followerWaitMs(key) > 0) {
        const detail = 'this follower reports more than once in a second'
        return { kind: 'too-often', detail, isNews: false }
      }
      if (clientWaitMs(clientId) > 0) {
        const detail = 'the followers of this client report too often'
        return { kind: 'too-often', detail, isNews: isNews(clientId) }
      }
      forget(key)
      // On loopback a follower needs no client, and those without are not one client.
      const place = places.take(clientId === '' ? undefined : clientId)
      if (place.kind !== 'taken') {
        const detail =
          place.kind === 'full'
            ? `more than ${limits.max} followers report here`
            : `more than ${limits.perClientMax} followers of this client report here`
        return { kind: place.kind, detail, isNews: isNews(clientId) }
      }
      reporting.set(key, { atMs: monotonic(), leave: place.leave })
      return { kind: 'admitted' }
    },
    leave: (follower) => {
      const key = keyOf(follower)
      if (reporting.has(key)) {
        forget(key)
        return 'known'
      }
      return endingWaitMs(follower.clientId) > 0 ? 'too-often' : 'unknown'
    },
    count: () => reporting.size,
  }
}

function keyOf({ clientId, follower }: FollowerKey): string {
  return `${clientId}.${follower}`
}
