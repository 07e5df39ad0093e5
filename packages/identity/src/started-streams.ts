import { randomBytes } from 'node:crypto'
import type { Log } from '@portcullis/runtime'
import type { PolledEvents } from './domain/event-polls.ts'
import type { PushParts } from './domain/event-pushes.ts'
import { pushWaiting } from './domain/event-pushes.ts'
import type { EventStreamStore } from './domain/event-streams.ts'
import type { Keyring } from './domain/keyring.ts'
import { randomIdentifier } from './domain/random.ts'
import type { Sealer } from './domain/sealing.ts'
import type { SignSecurityEvent } from './domain/security-event-tokens.ts'
import { createGathering, createPace, startPushingEvents } from './jobs/event-pushing.ts'
import { startEventUpkeep } from './jobs/event-upkeep.ts'
import type { IdentitySettings } from './settings.ts'
import type { Database } from './store/database.ts'
import { createEventStreamStore } from './store/event-streams.ts'
import { createEventUpkeep } from './store/event-upkeep.ts'
import { createPushedEvents } from './store/pushed-events.ts'
import type { StoredRevocationLog } from './store/revocations.ts'
import { createPolledEvents } from './store/waiting-events.ts'
import { createResolveName } from './webhooks/pinned-lookup.ts'
import { createPushEvent } from './webhooks/push-event.ts'
import { createReachableAddresses } from './webhooks/reachable-addresses.ts'

/** What receivers of security events, and administrators of their streams, can ask for. */
export interface StartedStreams {
  readonly eventStreams: EventStreamStore
  readonly newStreamId: () => string
  readonly sealAuthorization: (authorization: string, streamId: string) => string
  readonly endpointFault: (url: string) => string | undefined
  readonly polledEvents: PolledEvents
  readonly signSecurityEvent: SignSecurityEvent
  /** Calls the listener whenever there may be events. Answers how to stop that. */
  readonly onEvents: (listener: () => void) => () => void
}

export interface StreamSources {
  readonly database: Database
  readonly revocations: Pick<StoredRevocationLog, 'onRevoked' | 'wake'>
  readonly keyring: Pick<Keyring, 'signDocument'>
  readonly sealer: Sealer
  readonly log: Log
}

const dayMs = 24 * 3_600_000
/** A push takes most of a millisecond of a node: a quarter of its time at most, so that the feed goes on beside it. */
const pushEveryMs = 3
/** A flush of the disk for each would hold up the feed more than all the rest of a push. */
const writtenWithinMs = 20

/** The streams of the Shared Signals Framework. `onClose` is told how to end what goes on by the clock. */
export function startStreams(
  { registry, streams }: IdentitySettings,
  { database, revocations, keyring, sealer, log }: StreamSources,
  onClose: (step: () => Promise<void>) => void,
): StartedStreams {
  const addresses = createReachableAddresses(streams.reachableNetworks)
  const { endpointFault } = addresses
  const pushedEvents = createPushedEvents(database)
  const closing = new AbortController()
  const parts: PushParts = {
    issuer: registry.issuer,
    pushedEvents,
    signSecurityEvent: keyring.signDocument,
    push: createPushEvent({
      addresses,
      resolve: createResolveName(),
      open: sealer.open,
      signal: closing.signal,
    }),
    pace: createPace(pushEveryMs),
    together: createGathering(writtenWithinMs),
    random: Math.random,
    monotonic: () => performance.now(),
  }
  const stop = startPushingEvents({
    claim: pushedEvents.claim,
    newLease: () => randomIdentifier(randomBytes),
    deliver: (stream) => pushWaiting(parts, stream),
    onEvents: revocations.onRevoked,
    log,
  })
  const bounds = { retentionMs: streams.retentionDays * dayMs, heldMax: streams.eventsHeldMax }
  onClose(startEventUpkeep(createEventUpkeep(database), bounds, log))
  onClose(() => {
    // A receiver that hangs would be waited for.
    closing.abort()
    return stop()
  })
  return {
    eventStreams: createEventStreamStore(database, revocations.wake),
    newStreamId: () => randomIdentifier(randomBytes),
    sealAuthorization: sealer.seal,
    endpointFault,
    polledEvents: createPolledEvents(database),
    signSecurityEvent: keyring.signDocument,
    onEvents: revocations.onRevoked,
  }
}
