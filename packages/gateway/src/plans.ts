import { setTimeout as wait } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Log, Metrics, Tracing } from '@portcullis/runtime'
import type { PreparedSessions } from './browser/kept-sessions.ts'
import { keepBrowserSessions } from './browser/kept-sessions.ts'
import type { IssuerLink } from './issuer-link.ts'
import { issuerLinkSettings, openIssuerLink, warmUp } from './issuer-link.ts'
import { createLongAnswers } from './exchange/long-answers.ts'
import type { Plan } from './plan.ts'
import { createPlan } from './plan.ts'
import type { RateLimits } from './admission/rate-limits.ts'
import { createRateLimits } from './admission/rate-limits.ts'
import { createRoom } from './admission/room.ts'
import type { GatewaySettings, RateLimitSettings } from './settings/settings.ts'
import { tellOfServices } from './upstream/metrics.ts'
import type { Upstreams } from './upstream/upstreams.ts'
import type { Tunnels } from './websocket/tunnel.ts'

/** The plans of one gateway, one of which is in force; another is prepared while that one goes on. */
export interface Plans {
  readonly current: () => Plan
  readonly warnings: () => readonly string[]
  readonly prepare: (settings: GatewaySettings) => Promise<PreparedPlan>
  readonly close: () => Promise<void>
}

export interface PreparedPlan {
  readonly commit: () => void
  readonly abandon: () => void
}

/** How long a change of the issuer waits for its keys; without them, requests would wait. */
const warmUpMsMax = 5000

export interface PlansOptions {
  readonly log: Log
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Milliseconds of a clock that is never set. */
  readonly steadyNow: () => number
  readonly upstreams: Upstreams
  readonly tunnels: Tunnels
  readonly tracing: Tracing | undefined
}

/** Throws a `StartError` where a client file is mistaken. */
export function createPlans(
  settings: GatewaySettings,
  metrics: Metrics,
  { upstreams, tunnels, tracing, log, now, steadyNow }: PlansOptions,
): Plans {
  const room = createRoom()
  const longAnswers = createLongAnswers()
  const rateLimitsOf = keepRateLimits(steadyNow)
  const { unreachable } = upstreams
  const countFailure = tellOfServices(metrics, { underWay: room.underWay, unreachable })
  const shared = { upstreams, tunnels, longAnswers, room, countFailure, tracing, log, now }
  const browserSessions = keepBrowserSessions(metrics, { log, now })
  const linkedBy = new Map<IssuerLink, number>()
  const planOf = (next: GatewaySettings, link: IssuerLink, browser: PreparedSessions): Plan => {
    browser.commit()
    const { sessions } = browser
    linkedBy.set(link, (linkedBy.get(link) ?? 0) + 1)
    const rateLimits = rateLimitsOf(next.rateLimits)
    const onEnd = (): void => letGo(link)
    return createPlan(next, { ...shared, link, sessions, rateLimits, onEnd })
  }
  const letGo = (link: IssuerLink): void => {
    const plans = (linkedBy.get(link) ?? 0) - 1
    linkedBy.set(link, plans)
    if (plans > 0) return
    linkedBy.delete(link)
    link.close().catch((error: unknown) => log.error({ err: error }, 'closing failed'))
  }
  // Before anything is opened: these read files, which may be mistaken.
  const firstLinkSettings = issuerLinkSettings(settings)
  const firstSessions = browserSessions.prepare(settings)
  let current = planOf(settings, openIssuerLink(firstLinkSettings, { log, now }), firstSessions)
  let isClosed = false
  const prepare = async (next: GatewaySettings): Promise<PreparedPlan> => {
    const before = current.link
    const linkSettings = issuerLinkSettings(next)
    const browser = browserSessions.prepare(next)
    const isKept = isDeepStrictEqual(before.settings, linkSettings)
    const link = isKept ? before : openIssuerLink(linkSettings, { log, now })
    if (!isKept) await Promise.race([warmUp(link, log), wait(warmUpMsMax, null, { ref: false })])
    const abandon = (): void => {
      browser.abandon()
      if (!isKept) letGo(link)
    }
    return {
      abandon,
      commit: () => {
        if (isClosed) return abandon()
        const old = current
        current = planOf(next, link, browser)
        if (!isKept) before.stopHandingOn()
        old.retire()
      },
    }
  }
  return {
    current: () => current,
    warnings: () => unreachable().map((origin) => `unreachable: ${origin}`),
    prepare,
    close: async () => {
      isClosed = true
      longAnswers.close()
      browserSessions.close()
      await Promise.all([...linkedBy.keys()].map((link) => link.close()))
      await Promise.all([upstreams.close(), tracing?.close()])
    },
  }
}

/** What was counted stays counted while the limits stay. */
function keepRateLimits(now: () => number): (settings: RateLimitSettings) => RateLimits {
  let kept: { readonly settings: RateLimitSettings; readonly limits: RateLimits } | undefined
  return (settings) => {
    if (kept === undefined || !isDeepStrictEqual(kept.settings, settings)) {
      kept = { settings, limits: createRateLimits(settings, now) }
    }
    return kept.limits
  }
}
