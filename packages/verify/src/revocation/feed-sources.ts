import type { Checkpoint } from '@portcullis/protocol/revocations'
import type { Timers } from '../timers.ts'
import type { FeedClient, Snapshot, StreamEnd, TakenFrame } from './feed-client.ts'
import type { FeedFailure } from './feed-failure.ts'
import { feedFailed } from './feed-failure.ts'

/** Somebody between the issuer and this follower, who is not trusted: a relay, or a broker. */
export interface NearbySource {
  readonly name: 'relay' | 'broker'
  readonly stream: FeedClient['stream']
  /** Undefined where only the stream is to be had. */
  readonly snapshot?: FeedClient['snapshot']
}

/** Reads nearby for as long as that goes well, and otherwise at the issuer, whom it always comes back from. */
export interface FeedSources extends FeedClient {
  readonly snapshot: () => Promise<Sourced<Snapshot | FeedFailure>>
  /** What came from nearby was no good: it is left alone for a while. */
  readonly leaveNearby: () => void
  /** Where it is read at present. */
  readonly current: () => 'issuer' | NearbySource['name']
}

type Sourced<Found> = Found & { readonly isNearby?: true }

export interface FeedSourcesOptions {
  readonly issuer: FeedClient
  readonly nearby: NearbySource | undefined
  readonly position: () => Checkpoint | undefined
  readonly timers: Pick<Timers, 'monotonic' | 'random'>
}

const restMsFirst = 10_000
const restMsLast = 300_000
/** Up to so much longer: those who have left one relay together do not come back together. */
const restJitter = 0.5
/** What did well for so long and then went away may be tried again soon. */
const goodMs = 60_000

const comesBack = feedFailed('it is read nearby again')

export function createFeedSources(options: FeedSourcesOptions): FeedSources {
  const { issuer, nearby, position, timers } = options
  let name: ReturnType<FeedSources['current']> = 'issuer'
  let rests = 0
  let restsUntilMs = -Infinity

  const nearbyNow = (): NearbySource | undefined =>
    timers.monotonic() < restsUntilMs ? undefined : nearby

  function leaveNearby(): void {
    const restMs = Math.min(restMsFirst * 2 ** rests, restMsLast)
    rests += 1
    restsUntilMs = timers.monotonic() + restMs * (1 + restJitter * timers.random())
  }

  async function streamNearby(
    source: NearbySource,
    ...[after, take]: Parameters<FeedClient['stream']>
  ): Promise<StreamEnd> {
    const startedAtMs = timers.monotonic()
    name = source.name
    const end = await source.stream(after, take)
    name = 'issuer'
    const didWell = end.kind !== 'left' && timers.monotonic() - startedAtMs >= goodMs
    if (didWell) rests = 0
    leaveNearby()
    // What it has not kept the issuer may have, and whoever is told to take a snapshot for nothing takes many.
    return end.kind === 'gone' ? feedFailed('its position is not kept nearby') : end
  }

  const stream: FeedClient['stream'] = async (after, take) => {
    const source = nearbyNow()
    if (source !== undefined) return streamNearby(source, after, take)
    const end = await issuer.stream(after, async (frame): Promise<TakenFrame> => {
      const taken = await take(frame)
      return taken === 'applied' && nearbyNow() !== undefined ? comesBack : taken
    })
    const reached = position()
    return end === comesBack && reached !== undefined ? stream(reached, take) : end
  }

  return {
    stream,
    snapshot: async () => {
      // To begin with. Later one is asked for because the nearby source is not believed, or is late.
      const source = position() === undefined ? nearbyNow() : undefined
      if (source?.snapshot === undefined) return issuer.snapshot()
      // Its clock is not the issuer's.
      return { ...(await source.snapshot()), datedMs: undefined, isNearby: true }
    },
    leaveNearby,
    current: () => name,
  }
}
