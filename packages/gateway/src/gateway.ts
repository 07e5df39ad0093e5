import { setTimeout } from 'node:timers/promises'
import type {
  ClientPlaces,
  ListenAddress,
  Log,
  Operations,
  OperationsOptions,
  Running,
} from '@portcullis/runtime'
import { createClientPlaces, createMetrics, listen, startOperations } from '@portcullis/runtime'
import type { AskedRequest } from './admission.ts'
import { admit } from './admission.ts'
import { readClientFile } from './client-file.ts'
import type { Exchange } from './exchange.ts'
import { openExchange } from './exchange.ts'
import type { Authorizer } from './forward-auth/authorize.ts'
import { createAuthorizer } from './forward-auth/authorize.ts'
import type { Passage } from './forward.ts'
import { forward } from './forward.ts'
import { tellOfFollower } from './follower-metrics.ts'
import { requestHeaders } from './headers.ts'
import type { IdentityHeaders } from './identity-headers.ts'
import { createIdentityHeaders } from './identity-headers.ts'
import type { Judge } from './judge.ts'
import { createJudge } from './judge.ts'
import type { RateLimits } from './rate-limits.ts'
import { createRateLimits } from './rate-limits.ts'
import type { Refusal } from './refusal.ts'
import { andClose, overloaded, refuse, sendRefusal } from './refusal.ts'
import { handOnFeed } from './relay/handed-on-feed.ts'
import { readFrame } from './request-frame.ts'
import type { ReadOrigin } from './request-origin.ts'
import { createOriginReader } from './request-origin.ts'
import { ownPath, rewritten } from './route-match.ts'
import type { RouteTable } from './route-table.ts'
import { createRouteTable } from './route-table.ts'
import { announceEnd, createGatewayServer, drainServer } from './server.ts'
import type { GatewaySettings } from './settings.ts'
import type { UpstreamLease } from './upstreams.ts'
import { createUpstreams } from './upstreams.ts'

const authorizePath = `${ownPath}/authorize`
/** What is left when no request is under way any more takes less. */
const closeSecondsMax = 5
const feedPath = `${ownPath}/revocations/`

export interface GatewayOptions {
  readonly log: Log
  /** Milliseconds since 1970, for the lifetimes of tokens and keys. Default `Date.now`. */
  readonly now?: () => number
  /** Milliseconds of a clock that is never set, for what is counted by the second. Default `performance.now`. */
  readonly steadyNow?: () => number
}

export interface Gateway extends Running {
  /** The port that was taken, where the settings ask for any. */
  readonly port: number
  /** The port of the operations listener, where the settings ask for one. */
  readonly operationsPort: number | undefined
}

/**
 * Starts the gateway and resolves once it listens. The issuer need not be up: routes of mode `none`
 * serve, the others answer 503 until its keys can be had, and recover by themselves. A port that
 * cannot be had is a `StartError`.
 *
 * `close` is not ready any more, stops listening after `stop.notReadySeconds`, lets requests under way end for up to
 * `stop.drainSeconds`, then cuts them.
 */
export async function startGateway(
  settings: GatewaySettings,
  { log, now, steadyNow = () => performance.now() }: GatewayOptions,
): Promise<Gateway> {
  const { clientFile } = settings
  const client = clientFile === undefined ? undefined : readClientFile(clientFile)
  const { relay } = settings
  const handedOn = relay && handOnFeed({ limits: relay, prefix: ownPath, fetch, log })
  const metrics = createMetrics()
  const requests = metrics.requests()
  const judge = createJudge(settings, { client, log, now, fetch: handedOn?.fetch })
  const routes = createRouteTable(settings.routes)
  const identity = createIdentityHeaders(settings.identityHeaders)
  const upstreams = createUpstreams({ log, now: steadyNow })
  const rateLimits = createRateLimits(settings.rateLimits, steadyNow)
  const { forwardAuth, stop } = settings
  const parts: Parts = {
    routes,
    judge,
    rateLimits,
    authorizer:
      forwardAuth &&
      createAuthorizer(forwardAuth, authorizePath, { routes, judge, rateLimits, identity }),
    answerFeed:
      judge.verifier && handedOn?.answerWith(judge.verifier.withAudience(settings.issuer)),
    originOf: createOriginReader(settings),
    identity,
    upstreams: upstreams.lease(settings),
    room: roomFor(settings.limits.requests),
    log,
  }
  const server = createGatewayServer(settings.limits, log, (request, response) => {
    answer(parts, openExchange({ log, requests }, request, response))
  })
  const port = await listen(server, settings.listen, 'the gateway')
  if (judge.verifier !== undefined) tellOfFollower(judge.verifier, metrics)
  let end: Promise<void> | undefined
  const operations = await startOperationsOf(settings, {
    notReady: async () => (end === undefined ? judge.missing() : ['stopping']),
    warnings: () => upstreams.unreachable().map((origin) => `unreachable: ${origin}`),
    metrics,
  }).catch(async (error: unknown) => {
    handedOn?.stop()
    await drainServer(server)
    await judge.close()
    throw error
  })
  // The keys are fetched before the first request needs them; the listener does not wait for them.
  judge.missing().catch((error: unknown) => log.error({ err: error }, 'warming up failed'))
  log.info({ host: settings.listen.host, port, routes: settings.routes.length }, 'gateway listens')
  return {
    port,
    operationsPort: operations?.port,
    stopSecondsMax: stop.notReadySeconds + stop.drainSeconds + closeSecondsMax,
    close: () => (end ??= endAll()),
  }

  async function endAll(): Promise<void> {
    announceEnd(server)
    await setTimeout(stop.notReadySeconds * 1000)
    handedOn?.stop()
    await drainServer(server, stop.drainSeconds * 1000)
    await operations?.close()
    await judge.close()
    await upstreams.close()
  }
}

function startOperationsOf(
  { operations }: GatewaySettings,
  told: Omit<OperationsOptions, keyof ListenAddress>,
): Promise<Operations | undefined> {
  return operations === undefined
    ? Promise.resolve(undefined)
    : startOperations({ ...operations, ...told })
}

function roomFor(requestsMax: number): ClientPlaces {
  return createClientPlaces({ max: requestsMax, perClientMax: requestsMax })
}

interface Parts {
  readonly routes: RouteTable
  readonly judge: Judge
  readonly rateLimits: RateLimits
  /** Undefined where the feed is not handed on. */
  readonly answerFeed: ((exchange: Exchange) => Promise<void>) | undefined
  /** Undefined where no proxy may ask. */
  readonly authorizer: Authorizer | undefined
  readonly originOf: ReadOrigin
  readonly identity: IdentityHeaders
  readonly upstreams: UpstreamLease
  /** For all requests but those for the feed, which has limits of its own. */
  readonly room: ClientPlaces
  readonly log: Log
}

function answer(parts: Parts, exchange: Exchange): void {
  const { requestId, response } = exchange
  serve(parts, exchange).catch((error: unknown) => {
    parts.log.error({ err: error, requestId }, 'a request failed in the gateway')
    if (response.headersSent) response.destroy()
    else sendRefusal(exchange, andClose(refuse('internal')))
  })
}

async function serve(parts: Parts, exchange: Exchange): Promise<void> {
  const { url = '' } = exchange.request
  if (parts.answerFeed !== undefined && url.startsWith(feedPath)) {
    const frame = readFrame(exchange.request)
    if (frame.kind === 'refused') return sendRefusal(exchange, frame)
    return parts.answerFeed(exchange)
  }
  const place = parts.room.take(undefined)
  if (place.kind !== 'taken') return sendRefusal(exchange, overloaded)
  exchange.response.once('close', place.leave)
  if (url.startsWith(ownPath)) return serveOwn(parts, exchange, url)
  const passage = await pass(parts, exchange)
  if (exchange.response.destroyed) return
  if (passage.kind === 'refused') sendRefusal(exchange, passage)
  else forward(exchange, passage, parts)
}

/** Nothing of this is ever forwarded: a service that answers 200 to everything would let everybody in. */
async function serveOwn(parts: Parts, exchange: Exchange, url: string): Promise<void> {
  const { authorizer } = parts
  if (authorizer?.isAsked(url) === true) return authorizer.answer(exchange)
  const frame = readFrame(exchange.request)
  sendRefusal(exchange, frame.kind === 'refused' ? frame : refuse('not-found'))
}

/** What a request must pass, in this order, before anything of it leaves this process. */
async function pass(parts: Parts, exchange: Exchange): Promise<Passage | Refusal> {
  const { rawHeaders, method = '', url = '' } = exchange.request
  const frame = readFrame(exchange.request)
  if (frame.kind === 'refused') return frame
  const { authorizations, host } = frame
  const origin = parts.originOf(exchange.request, host)
  const refusal = parts.rateLimits.takeFromNetwork(origin.clientAddress)
  if (refusal !== undefined) return refusal
  const asked: AskedRequest = {
    kind: 'asked',
    method,
    host,
    target: url,
    authorizations,
    forwardedBy: 'gateway',
  }
  const admitted = await admit(parts, exchange, asked)
  if (admitted.kind === 'refused') return admitted
  const { route } = admitted
  const { limits } = route
  if (frame.bodyBytes !== undefined && frame.bodyBytes > limits.bodyBytes) {
    return refuse('too-large', `a body may have ${limits.bodyBytes} bytes`)
  }
  const headers = requestHeaders(rawHeaders, parts.identity, {
    requestId: exchange.requestId,
    origin,
    claims: admitted.claims,
  })
  const services = parts.upstreams.servicesOf(route)
  const target = rewritten(route, admitted.target)
  return { kind: 'passage', frame, method, target, headers, services, limits }
}
