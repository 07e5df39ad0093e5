import type { Log, Tracing } from '@portcullis/runtime'
import type { BrowserSessions } from './browser/browser-sessions.ts'
import { createBrowserMode } from './browser/browser-mode.ts'
import type { TraceExchange } from './exchange/exchange.ts'
import { createExchangeTracer } from './exchange/exchange-trace.ts'
import { createAuthorizer } from './forward-auth/authorize.ts'
import { createHopHeaders } from './headers/end-to-end.ts'
import { createIdentityHeaders } from './headers/identity-headers.ts'
import type { IssuerLink } from './issuer-link.ts'
import { createJudge } from './admission/judge.ts'
import type { LongAnswers } from './exchange/long-answers.ts'
import type { RateLimits } from './admission/rate-limits.ts'
import { createOriginReader } from './request/origin.ts'
import { ownPath } from './routing/match.ts'
import type { Room } from './admission/room.ts'
import { createRouteTable } from './routing/table.ts'
import type { ServingParts } from './serve.ts'
import type { GatewaySettings } from './settings/settings.ts'
import type { Upstreams } from './upstream/upstreams.ts'
import type { Tunnels } from './websocket/tunnel.ts'

/**
 * Everything that one state of the file says about a request. A request is served by one plan from its first
 * byte to its last, so rules of two files never meet in it.
 */
export interface Plan extends ServingParts {
  readonly link: IssuerLink
  /** Undefined where no spans are recorded. */
  readonly trace: TraceExchange | undefined
  readonly enter: () => void
  readonly leave: () => void
  /** No request enters any more. When the last has left, what nobody else holds is let go. */
  readonly retire: () => void
}

export interface PlanOptions {
  readonly link: IssuerLink
  readonly upstreams: Upstreams
  /** Undefined without browser mode. */
  readonly sessions: BrowserSessions | undefined
  /** What outlives plans: both know what is under way, whatever plan has let it in. */
  readonly tunnels: Tunnels
  readonly longAnswers: LongAnswers
  readonly room: Room
  readonly rateLimits: RateLimits
  readonly tracing: Tracing | undefined
  readonly countFailure: ServingParts['countFailure']
  readonly log: Log
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** The plan has retired, and its last request has left. */
  readonly onEnd: () => void
}

const authorizePath = `${ownPath}/authorize`

export function createPlan(settings: GatewaySettings, options: PlanOptions): Plan {
  const { link, upstreams, tunnels, longAnswers, room, rateLimits, countFailure } = options
  const { sessions, tracing, log, now, onEnd } = options
  const routes = createRouteTable(settings.routes)
  const judge = createJudge(settings.routes, link.verifier, now)
  const identity = createIdentityHeaders(settings.identityHeaders)
  const { forwardAuth } = settings
  const originOf = createOriginReader(settings)
  const { verifier } = link
  const lease = upstreams.lease(settings)
  let underWay = 0
  let isRetired = false
  const endIfOver = (): void => {
    if (!isRetired || underWay > 0) return
    lease.release()
    onEnd()
  }
  return {
    routes,
    judge,
    rateLimits,
    room,
    countFailure,
    requestsMax: settings.limits.requests,
    headerCount: settings.limits.headerCount,
    authorizer:
      forwardAuth &&
      createAuthorizer(forwardAuth, authorizePath, { routes, judge, rateLimits, identity }),
    answerFeed: link.answerFeed,
    originOf,
    browser:
      sessions &&
      createBrowserMode(settings, { sessions, judge, verifier, originOf, rateLimits, log, now }),
    hopHeaders: createHopHeaders(identity),
    upstreams: lease,
    tunnels,
    longAnswers,
    log,
    link,
    trace: tracing && createExchangeTracer(tracing, settings.trustedProxies),
    enter: () => {
      underWay += 1
    },
    leave: () => {
      underWay -= 1
      endIfOver()
    },
    retire: () => {
      isRetired = true
      endIfOver()
    },
  }
}
