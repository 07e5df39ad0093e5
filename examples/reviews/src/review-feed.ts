import type { ServerResponse } from 'node:http'
import type { Auth, Verifier } from '@portcullis/verify'
import { VerifyError } from '@portcullis/verify'
import { GraphQLError } from 'graphql'
import type { EventQueue } from './event-queue.ts'
import { createEventQueue } from './event-queue.ts'
import type { Review } from './review-book.ts'

export interface ReviewFeed {
  readonly publish: (review: Review) => void
  /**
   * New reviews of one item, or of all, until the subscriber leaves, cannot keep up or is no longer
   * let in; then the last word is an error that says why. Throws a GraphQLError (503) when full.
   */
  readonly follow: (
    item: string | undefined,
    auth: Auth,
    response: ServerResponse,
  ) => AsyncIterableIterator<Review>
  /** How many follow at the moment. */
  readonly size: () => number
  /** Ends every subscription. */
  readonly close: () => void
}

export interface FeedLimits {
  readonly subscribersMax: number
  /** For one subscriber. Every review has room for a text of 2,000 characters. */
  readonly waitingMax: number
  /** How long a subscriber may take to read the last word. */
  readonly lastWordMs: number
}

const defaultLimits: FeedLimits = { subscribersMax: 1000, waitingMax: 100, lastWordMs: 5000 }
const retryAfterSeconds = 10

/** Within this process: a service that runs more than once needs a message broker in this place. */
export function createReviewFeed(
  verifier: Pick<Verifier, 'watch'>,
  limits: Partial<FeedLimits> = {},
): ReviewFeed {
  const { subscribersMax, waitingMax, lastWordMs } = { ...defaultLimits, ...limits }
  const subscribers = new Map<EventQueue<Review>, string | undefined>()

  return {
    publish: (review) => {
      for (const [queue, item] of subscribers) {
        if (item !== undefined && item !== review.item) continue
        if (!queue.push(review))
          queue.end(ending('TOO_SLOW', 'reviews came faster than they were read'))
      }
    },
    follow: (item, auth, response) => {
      if (subscribers.size >= subscribersMax) throw full()
      const watch = verifier.watch(auth)
      const queue = createEventQueue<Review>(waitingMax, () => {
        subscribers.delete(queue)
        watch.close()
        hangUpAfter(lastWordMs, response)
      })
      subscribers.set(queue, item)
      const refuse = (): void => queue.end(unauthenticated(watch.signal.reason))
      if (watch.signal.aborted) refuse()
      watch.signal.addEventListener('abort', refuse, { once: true })
      response.once('close', () => queue.end())
      if (response.closed) queue.end()
      return queue.events
    },
    size: () => subscribers.size,
    close: () => {
      for (const queue of subscribers.keys()) {
        queue.end(ending('SERVICE_STOPS', 'the service stops; subscribe again'))
      }
    },
  }
}

/** Who does not read does not read the last word either, and must not hold the connection for ever. */
function hangUpAfter(ms: number, response: ServerResponse): void {
  if (response.closed) return
  const timer = setTimeout(() => response.destroy(), ms)
  response.once('close', () => clearTimeout(timer))
}

function unauthenticated(reason: unknown): GraphQLError {
  if (!(reason instanceof VerifyError)) {
    return ending('UNAUTHENTICATED', 'the token is not accepted any more')
  }
  return new GraphQLError(reason.message, {
    extensions: { code: 'UNAUTHENTICATED', reason: reason.reason },
  })
}

function ending(code: string, message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code } })
}

/** `http` is for Yoga, which answers with that status and takes it out of the body. */
function full(): GraphQLError {
  const headers = { 'retry-after': String(retryAfterSeconds) }
  return new GraphQLError('there are too many subscribers at the moment', {
    extensions: { code: 'OVERLOADED', http: { status: 503, headers } },
  })
}
