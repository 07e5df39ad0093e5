import type { Timers } from '../timers.ts'
import type { FeedClient } from './feed-client.ts'

/** The feed over a message broker: what `createJetStreamFeed` of `@portcullis/verify/nats` has answered. */
export interface BrokeredFeed {
  /** For the verifier, which calls it once, and ends by the signal. */
  readonly streamWith: (reader: BrokerReader) => FeedClient['stream']
}

export interface BrokerReader {
  readonly timers: Timers
  readonly signal: AbortSignal
}
