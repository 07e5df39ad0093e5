import { createClientPlaces } from '@portcullis/runtime'
import type { FollowerKey } from '../domain/followers.ts'
import { followerLiveMs } from '../domain/followers.ts'

/** Who has reported to this node lately, so that nobody fills the store and a fleet can be told its pace. */
export interface ReportingFollowers {
  readonly admit: (follower: FollowerKey) =>
    | { readonly kind: 'admitted' }
    | {
        readonly kind: 'full' | 'client-full'
        readonly detail: string
        /** It was not said of this client a short while ago. */
        readonly isNews: boolean
      }
  readonly leave: (follower: FollowerKey) => void
  readonly count: () => number
}

export interface ReportLimits {
  /** Each takes a row of some hundred bytes, until it was silent for minutes. */
  readonly max: number
  /** Otherwise one client whose processes are born and die all the time would shut out the others. */
  readonly perClientMax: number
}

const usualLimits: ReportLimits = { max: 20_000, perClientMax: 10_000 }
/** So often it is noted that a client is refused. */
const refusalMs = 10_000

/** `monotonic`: milliseconds from anywhere, by a clock that only goes on. */
export function createReportingFollowers(
  monotonic: () => number,
  limits: ReportLimits = usualLimits,
): ReportingFollowers {
  const places = createClientPlaces(limits)
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

  return {
    admit: ({ clientId, follower }) => {
      forgetSilent()
      const key = keyOf({ clientId, follower })
      forget(key)
      // On loopback a follower needs no client, and those without are not one client.
      const place = places.take(clientId === '' ? undefined : clientId)
      if (place.kind !== 'taken') {
        const isNews = monotonic() - (refusedAtMs.get(clientId) ?? -Infinity) >= refusalMs
        if (isNews) refusedAtMs.set(clientId, monotonic())
        const detail =
          place.kind === 'full'
            ? `more than ${limits.max} followers report here`
            : `more than ${limits.perClientMax} followers of this client report here`
        return { kind: place.kind, detail, isNews }
      }
      reporting.set(key, { atMs: monotonic(), leave: place.leave })
      return { kind: 'admitted' }
    },
    leave: (follower) => forget(keyOf(follower)),
    count: () => reporting.size,
  }
}

function keyOf({ clientId, follower }: FollowerKey): string {
  return `${clientId}.${follower}`
}
