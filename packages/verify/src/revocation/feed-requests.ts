import type { ClientCredential } from '../issuer/client-credential.ts'
import { requestFeedToken } from '../issuer/client-credential.ts'
import type { FeedAddresses, IssuerDocuments } from '../issuer/documents.ts'
import { noFeed } from '../issuer/documents.ts'
import type { Fetch } from '../issuer/http-json.ts'
import { askDirectly } from '../issuer/http-json.ts'
import type { Timers } from '../timers.ts'
import type { FeedFailure } from './feed-failure.ts'
import { feedFailed } from './feed-failure.ts'

export interface FeedRequest {
  /** Undefined for what the issuer does not have. */
  readonly addressIn: (feed: FeedAddresses) => string | undefined
  /** For an address that is not the issuer's; default: what asks the issuer. */
  readonly fetch?: Fetch
  readonly accept: string
  readonly signal: AbortSignal
  /** The body of a POST; default: a GET. */
  readonly json?: object
}

/** Asks the issuer's feed for something, with the service's own token where there is a client. */
export type RequestFeed = (request: FeedRequest) => Promise<Response | FeedFailure>

/** The same for a relay, which has the feed below its own address; the keys are had from the issuer alone. */
export function requestsToRelay(request: RequestFeed, relay: string, fetch: Fetch): RequestFeed {
  const snapshot = `${relay}/revocations/snapshot`
  const stream = `${relay}/revocations/stream`
  return (asked) =>
    request({
      ...asked,
      fetch,
      addressIn: (feed) => asked.addressIn({ ...feed, snapshot, stream }),
    })
}

export interface FeedRequestsOptions {
  readonly issuer: string
  readonly client: ClientCredential | undefined
  readonly documents: IssuerDocuments
  readonly fetch: Fetch
  /** Milliseconds from anywhere, by a clock that only goes on. */
  readonly monotonic: () => number
}

/** A token is renewed when this much of its life has passed. */
const usedLifetime = 0.8
/** A refusal with a longer `Retry-After` would leave the verifier without a feed for too long. */
const retryAfterSecondsMax = 30
/** Up to so much longer: whoever is told to come later is one of many who are told the same. */
const retryAfterJitter = 0.5

export function createFeedRequests(options: FeedRequestsOptions): RequestFeed {
  const { issuer, client, documents, fetch, monotonic } = options
  let held: { readonly token: string; readonly renewAtMs: number } | undefined

  async function authorization(): Promise<Readonly<Record<string, string>> | FeedFailure> {
    if (client === undefined) return {}
    if (held === undefined || monotonic() >= held.renewAtMs) {
      const askedAtMs = monotonic()
      const requested = await requestFeedToken(client, issuer, documents, fetch)
      if (requested.kind === 'refused') {
        return feedFailed(`the issuer refuses this client: ${requested.why}`, 'client-refused')
      }
      if (requested.kind === 'unreachable') {
        return feedFailed(`the client cannot be proven: ${requested.why}`, 'issuer-unreachable')
      }
      const usedMs = requested.expiresInSeconds * 1000 * usedLifetime
      held = { token: requested.token, renewAtMs: askedAtMs + usedMs }
    }
    return { authorization: `Bearer ${held.token}` }
  }

  return async ({ addressIn, fetch: ask = fetch, accept, signal, json }) => {
    const metadata = await documents.metadata()
    if (metadata.kind === 'failed') return feedFailed(metadata.why)
    if (metadata.feed === undefined) {
      return feedFailed(`${noFeed}; for a plain JWT issuer say revocation: 'untilExpiry'`)
    }
    const address = addressIn(metadata.feed)
    if (address === undefined) return feedFailed('the metadata names no such address')
    const posted = json && { method: 'POST', body: JSON.stringify(json) }
    const contentType = json && { 'content-type': 'application/json' }
    for (;;) {
      const tokenBefore = held?.token
      const authorized = await authorization()
      if (isFailure(authorized)) return authorized
      const response = await ask(address, {
        ...posted,
        headers: { accept, ...askDirectly, ...contentType, ...authorized },
        redirect: 'error',
        signal,
      })
      if (response.status !== 401) return response
      held = undefined
      // A token of before may have been taken back; one that is new is not tried a second time.
      if (tokenBefore === undefined || authorized['authorization'] !== `Bearer ${tokenBefore}`) {
        return response
      }
      await response.body?.cancel()
    }
  }
}

function isFailure(found: Readonly<Record<string, string>> | FeedFailure): found is FeedFailure {
  return found['kind'] === 'failed'
}

/** What an answer other than the wanted one means. */
export async function refusalOf(
  response: Response,
  hasClient: boolean,
  { random }: Pick<Timers, 'random'>,
): Promise<FeedFailure> {
  await response.body?.cancel()
  const { status, headers } = response
  if (status === 401 || status === 403) {
    const why = hasClient ? 'it refuses this client' : 'it wants a client, and none is configured'
    return feedFailed(`the revocation feed answered ${status}: ${why}`, 'client-refused')
  }
  const failure = feedFailed(`the revocation feed answered ${status}`)
  const seconds = /^\d{1,9}$/.exec(headers.get('retry-after') ?? '')?.[0]
  if (seconds === undefined) return failure
  const askedMs = Math.min(Number(seconds), retryAfterSecondsMax) * 1000
  return { ...failure, retryAfterMs: askedMs * (1 + retryAfterJitter * random()) }
}
