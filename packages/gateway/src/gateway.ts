import { setTimeout as wait } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Log, Metrics, Operations, RequestMetrics, Running } from '@portcullis/runtime'
import { createMetrics, listen, startOperations } from '@portcullis/runtime'
import { openExchange } from './exchange.ts'
import { tellOfFollower } from './follower-metrics.ts'
import type { IssuerLink } from './issuer-link.ts'
import { issuerLinkSettings, openIssuerLink } from './issuer-link.ts'
import { createLongAnswers } from './long-answers.ts'
import type { Plan } from './plan.ts'
import { createPlan } from './plan.ts'
import { andClose, refuse, sendRefusal } from './refusal.ts'
import { serve } from './serve.ts'
import { createGatewayServer, drainServer, setLimits } from './server.ts'
import type { GatewaySettings } from './settings.ts'
import { createUpstreams } from './upstream.ts'
import type { Tunnels } from './websocket/tunnel.ts'
import { createTunnels } from './websocket/tunnel.ts'

export interface GatewayOptions {
  readonly log: Log
  /** Milliseconds since 1970, for the lifetimes of tokens and keys. Default `Date.now`. */
  readonly now?: () => number
  /** Names what somebody should see to although the gateway is ready; told at `/health/ready`. */
  readonly warnings?: () => readonly string[]
}

export interface Gateway extends Running {
  /** The port that was taken, where the settings ask for any. */
  readonly port: number
  /** The port of the operations listener, where the settings ask for one. */
  readonly operationsPort: number | undefined
  /**
   * Serves every request that comes from now on by these settings; those under way end by theirs. Connections
   * to services that stay are kept, and so are keys and feed where issuer, client, `revocation` and `relay` stay.
   * Rejects with a `StartError` where the client file is bad, and nothing has changed then.
   */
  readonly reload: (settings: GatewaySettings) => Promise<Reloaded>
}

export interface Reloaded {
  /** Members whose new value waits for a restart, as JSON pointers. */
  readonly needsRestart: readonly string[]
}

/**
 * Starts the gateway and resolves once it listens. The issuer need not be up: routes of mode `none`
 * serve, the others answer 503 until its keys can be had, and recover by themselves. A port that
 * cannot be had is a `StartError`.
 *
 * `close` stops listening, lets requests under way end for up to five seconds, then cuts them. WebSockets are told
 * at once that it goes away.
 */
export async function startGateway(
  settings: GatewaySettings,
  { log, now = Date.now, warnings = () => [] }: GatewayOptions,
): Promise<Gateway> {
  const tunnels = createTunnels()
  const plans = createPlans(settings, { log, now }, tunnels)
  const metrics = createMetrics()
  const requests = metrics.requests()
  const server = createGatewayServer(settings.limits, log, (request, response) => {
    answer(plans.current(), requests, request, response)
  })
  let needsRestart: readonly string[] = []
  const port = await listen(server, settings.listen, 'the gateway').catch(
    async (error: unknown) => {
      await plans.close()
      throw error
    },
  )
  const allWarnings = (): readonly string[] => [
    ...(needsRestart.length === 0 ? [] : ['restart-needed']),
    ...warnings(),
  ]
  const operated = { plans, metrics, warnings: allWarnings }
  const operations = await startOperationsOf(settings, operated).catch(async (error: unknown) => {
    await drainServer(server)
    await plans.close()
    throw error
  })
  // The keys are fetched before the first request needs them; the listener does not wait for them.
  void warmUp(plans.current().link, log)
  log.info({ host: settings.listen.host, port, routes: settings.routes.length }, 'gateway listens')
  return {
    port,
    operationsPort: operations?.port,
    reload: async (next) => {
      await plans.change(next)
      setLimits(server, next.limits)
      needsRestart = fixedMembers(settings, next)
      return { needsRestart }
    },
    close: async () => {
      plans.current().link.stopHandingOn()
      tunnels.close()
      await drainServer(server)
      await operations?.close()
      await plans.close()
    },
  }
}

function answer(
  plan: Plan,
  requests: RequestMetrics,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const { log } = plan
  plan.enter()
  response.once('close', plan.leave)
  const exchange = openExchange({ log, requests }, request, response)
  serve(plan, exchange).catch((error: unknown) => {
    log.error({ err: error, requestId: exchange.requestId }, 'a request failed in the gateway')
    if (response.headersSent) response.destroy()
    else sendRefusal(exchange, andClose(refuse('internal')))
  })
}

interface Plans {
  readonly current: () => Plan
  readonly change: (settings: GatewaySettings) => Promise<void>
  readonly close: () => Promise<void>
}

/** How long a change of the issuer waits for its keys; without them, requests would wait. */
const warmUpMsMax = 5000

function createPlans(
  settings: GatewaySettings,
  { log, now }: Required<Pick<GatewayOptions, 'log' | 'now'>>,
  tunnels: Tunnels,
): Plans {
  const upstreams = createUpstreams()
  const longAnswers = createLongAnswers()
  const linkedBy = new Map<IssuerLink, number>()
  const planOf = (next: GatewaySettings, link: IssuerLink): Plan => {
    linkedBy.set(link, (linkedBy.get(link) ?? 0) + 1)
    return createPlan(next, {
      link,
      upstreams,
      tunnels,
      longAnswers,
      log,
      now,
      onEnd: () => letGo(link),
    })
  }
  const letGo = (link: IssuerLink): void => {
    const plans = (linkedBy.get(link) ?? 0) - 1
    linkedBy.set(link, plans)
    if (plans > 0) return
    linkedBy.delete(link)
    link.close().catch((error: unknown) => log.error({ err: error }, 'closing failed'))
  }
  let current = planOf(settings, openIssuerLink(issuerLinkSettings(settings), { log, now }))
  let isClosed = false
  const changeTo = async (next: GatewaySettings): Promise<void> => {
    const before = current.link
    const linkSettings = issuerLinkSettings(next)
    const isKept = isDeepStrictEqual(before.settings, linkSettings)
    const link = isKept ? before : openIssuerLink(linkSettings, { log, now })
    if (!isKept) await Promise.race([warmUp(link, log), wait(warmUpMsMax, null, { ref: false })])
    if (isClosed) return isKept ? undefined : link.close()
    const old = current
    current = planOf(next, link)
    if (!isKept) before.stopHandingOn()
    old.retire()
  }
  let changed = Promise.resolve()
  return {
    current: () => current,
    // One after the other, in the order in which they came.
    change: async (wanted) => {
      const before = changed
      const { promise, resolve } = Promise.withResolvers<void>()
      changed = promise
      await before
      try {
        await changeTo(wanted)
      } finally {
        resolve()
      }
    },
    close: async () => {
      isClosed = true
      longAnswers.close()
      await Promise.all([...linkedBy.keys()].map((link) => link.close()))
      await upstreams.close()
    },
  }
}

async function warmUp(link: IssuerLink, log: Log): Promise<void> {
  await link.missing().catch((error: unknown) => log.error({ err: error }, 'warming up failed'))
}

/** What the process has once: its listeners, and the size of the buffers of their connections. */
function fixedMembers(first: GatewaySettings, next: GatewaySettings): readonly string[] {
  const members: readonly (readonly [string, unknown, unknown])[] = [
    ['/listen/host', first.listen.host, next.listen.host],
    ['/listen/port', first.listen.port, next.listen.port],
    ['/operations', first.operations, next.operations],
    ['/limits/headerBytes', first.limits.headerBytes, next.limits.headerBytes],
  ]
  return members.filter(([, was, is]) => !isDeepStrictEqual(was, is)).map(([pointer]) => pointer)
}

interface OperatedParts {
  readonly plans: Plans
  readonly metrics: Metrics
  readonly warnings: () => readonly string[]
}

function startOperationsOf(
  { operations }: GatewaySettings,
  { plans, metrics, warnings }: OperatedParts,
): Promise<Operations | undefined> {
  if (operations === undefined) return Promise.resolve(undefined)
  tellOfFollower(() => plans.current().link.verifier, metrics)
  const help = 'How many warnings /health/ready has, such as a settings file that is not taken.'
  metrics.gauge({ name: 'portcullis_gateway_warnings', help, labels: [] }, () => warnings().length)
  const notReady = (): Promise<readonly string[]> => plans.current().link.missing()
  return startOperations({ ...operations, notReady, warnings, metrics })
}
