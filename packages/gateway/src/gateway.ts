import { setTimeout as wait } from 'node:timers/promises'
import type {
  Log,
  Metrics,
  Operations,
  Repeat,
  RequestMetrics,
  Running,
  Tracing,
} from '@portcullis/runtime'
import { createMetrics, listen, startOperations, startTracing } from '@portcullis/runtime'
import type { ClientRequest, ClientResponse } from './exchange/client-message.ts'
import { openExchange } from './exchange/exchange.ts'
import { tellOfFollower } from './follower-metrics.ts'
import { warmUp } from './issuer-link.ts'
import type { Plan } from './plan.ts'
import type { Plans } from './plans.ts'
import { createPlans } from './plans.ts'
import { andClose, refuse, sendRefusal } from './exchange/refusal.ts'
import { serve } from './serve.ts'
import type { Tls } from './tls/tls.ts'
import { openTls } from './tls/tls.ts'
import { announceEnd, createGatewayServer, drainServer, setLimits } from './server.ts'
import { fixedMembers } from './settings/fixed-members.ts'
import type { GatewaySettings } from './settings/settings.ts'
import { createTurns } from './exchange/turns.ts'
import { createUpstreams } from './upstream/upstreams.ts'
import { createTunnels } from './websocket/tunnel.ts'

export interface GatewayOptions {
  readonly log: Log
  /** Milliseconds since 1970, for the lifetimes of tokens and keys. Default `Date.now`. */
  readonly now?: () => number
  /** Milliseconds of a clock that is never set, for what is counted by the second. Default `performance.now`. */
  readonly steadyNow?: () => number
  /** Names what somebody should see to although the gateway is ready; told at `/health/ready`. */
  readonly warnings?: () => readonly string[]
  /** Calls for the looks at the certificates. Default: a timer. */
  readonly repeat?: Repeat | undefined
}

export interface Gateway extends Running {
  readonly stopSecondsMax: () => number
  /** The port that was taken, where the settings ask for any. */
  readonly port: number
  /** The port of the operations listener, where the settings ask for one. */
  readonly operationsPort: number | undefined
  /**
   * Serves every request that comes from now on by these settings; those under way end by theirs. Connections
   * to services that stay are kept, and so are keys and feed where issuer, client, `revocation` and `relay` stay.
   * Rejects with a `StartError` where the client file or a certificate that it names anew is bad, and nothing has
   * changed then.
   */
  readonly reload: (settings: GatewaySettings) => Promise<Reloaded>
  /** The same in two steps, for whoever has several that are to change together. Rejects as `reload` does. */
  readonly prepare: (settings: GatewaySettings) => Promise<PreparedSettings>
  readonly health: () => Promise<GatewayHealth>
  readonly metrics: Metrics
}

/** Settings that can be in force at once. Until one of the two is called, no others are prepared. */
export interface PreparedSettings {
  readonly commit: () => Reloaded
  readonly abandon: () => void
}

/** What `/health/ready` tells. */
export interface GatewayHealth {
  readonly missing: readonly string[]
  readonly warnings: readonly string[]
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
 * `close` makes it not ready, stops listening after `stop.notReadySeconds`, lets requests under way end for up to
 * `stop.drainSeconds`, then cuts them. WebSockets are told then that it goes away.
 */
export async function startGateway(
  settings: GatewaySettings,
  options: GatewayOptions,
): Promise<Gateway> {
  const { log, now = Date.now, steadyNow = () => performance.now(), warnings = () => [] } = options
  const metrics = createMetrics()
  const tunnels = createTunnels()
  const tls = await openTls(settings, { ...options, now })
  const tracing = await startTracingOf(settings, log)
  const upstreams = createUpstreams({ log, now: steadyNow, authorities: tls.authorities })
  const parts = { upstreams, tunnels, tracing, log, now, steadyNow }
  const plans = createPlans(settings, metrics, parts)
  const requests = metrics.requests()
  const server = createGatewayServer(
    settings.limits,
    log,
    (request, response, turn) => answer(plans.current(), requests, { request, response, turn }),
    tls.secure,
  )
  let needsRestart: readonly string[] = []
  const port = await listen(server, settings.listen, 'the gateway').catch(failAfter(plans.close))
  const allWarnings = (): readonly string[] => [
    ...(needsRestart.length === 0 ? [] : ['restart-needed']),
    ...tls.warnings(),
    ...plans.warnings(),
    ...warnings(),
  ]
  let { stop } = settings
  let end: Promise<void> | undefined
  const missing = async (): Promise<readonly string[]> =>
    end === undefined ? plans.current().link.missing() : ['stopping']
  const operated = { plans, missing, metrics, tls, warnings: allWarnings }
  const operations = await startOperationsOf(settings, operated).catch(
    failAfter(() => drainServer(server), plans.close),
  )
  const stopFollowing = tls.follow(server, upstreams.renew)
  void warmUp(plans.current().link, log)
  log.info({ host: settings.listen.host, port, routes: settings.routes.length }, 'gateway listens')
  const take = (next: GatewaySettings): Reloaded => {
    setLimits(server, next.limits)
    ;({ stop } = next)
    needsRestart = fixedMembers(settings, next)
    return { needsRestart }
  }
  const prepare = createPreparation({ plans, tls, take })
  return {
    port,
    operationsPort: operations?.port,
    prepare,
    reload: async (next) => (await prepare(next)).commit(),
    health: async () => ({ missing: await missing(), warnings: allWarnings() }),
    metrics,
    stopSecondsMax: () => stop.notReadySeconds + stop.drainSeconds + closeSecondsMax,
    close: () => (end ??= endAll()),
  }

  async function endAll(): Promise<void> {
    announceEnd(server)
    await stopFollowing()
    await wait(stop.notReadySeconds * 1000)
    plans.current().link.stopHandingOn()
    tunnels.close()
    await drainServer(server, stop.drainSeconds * 1000)
    await Promise.all([operations?.close(), plans.close()])
  }
}

function failAfter(
  ...closings: readonly (() => Promise<void>)[]
): (error: unknown) => Promise<never> {
  return async (error) => {
    for (const close of closings) await close()
    throw error
  }
}

interface ChangedParts {
  readonly plans: Plans
  readonly tls: Pick<Tls, 'read'>
  /** What the listener itself has of the settings. */
  readonly take: (settings: GatewaySettings) => Reloaded
}

/** Gets ready for settings, in the order in which they came: the next ones wait until these are in force or abandoned. */
function createPreparation({ plans, tls, take }: ChangedParts): Gateway['prepare'] {
  const takeTurn = createTurns()
  return async (next) => {
    const endTurn = await takeTurn()
    try {
      const takeTls = await tls.read(next)
      const { commit, abandon } = await plans.prepare(next)
      return {
        abandon: () => {
          endTurn()
          abandon()
        },
        commit: () => {
          endTurn()
          commit()
          takeTls()
          return take(next)
        },
      }
    } catch (error) {
      endTurn()
      throw error
    }
  }
}

/** What is left when no request is under way any more takes less. */
const closeSecondsMax = 5

interface Arrival {
  readonly request: ClientRequest
  readonly response: ClientResponse
  readonly turn: Promise<void> | undefined
}

function answer(plan: Plan, requests: RequestMetrics, { request, response, turn }: Arrival): void {
  const { log, trace } = plan
  plan.enter()
  response.once('close', plan.leave)
  const exchange = openExchange({ log, requests, trace }, request, response)
  serve(plan, exchange, turn).catch((error: unknown) => {
    log.error({ err: error, requestId: exchange.requestId }, 'a request failed in the gateway')
    if (response.headersSent) response.destroy()
    else sendRefusal(exchange, andClose(refuse('internal')))
  })
}

async function startTracingOf(
  { tracing }: GatewaySettings,
  log: Log,
): Promise<Tracing | undefined> {
  return tracing && startTracing({ ...tracing, service: 'portcullis-gateway', log })
}

interface OperatedParts {
  readonly plans: Plans
  readonly missing: () => Promise<readonly string[]>
  readonly metrics: Metrics
  readonly tls: Pick<Tls, 'validUntilMs'>
  readonly warnings: () => readonly string[]
}

function startOperationsOf(
  { operations }: GatewaySettings,
  { plans, missing, metrics, tls, warnings }: OperatedParts,
): Promise<Operations | undefined> {
  tellOfFollower(() => plans.current().link.verifier, metrics)
  const help = 'How many warnings /health/ready has, such as a settings file that is not taken.'
  metrics.gauge(
    // Where there are workers, their primary has them all together, and tells it itself.
    { name: 'portcullis_gateway_warnings', help, labels: [], together: 'omit' },
    () => warnings().length,
  )
  metrics.gauge(
    {
      name: 'portcullis_gateway_certificate_end_timestamp_seconds',
      help: 'When the first certificate of the listener ends, in seconds since 1970.',
      labels: [],
      together: 'min',
    },
    () => {
      const ms = tls.validUntilMs()
      return ms === undefined ? undefined : ms / 1000
    },
  )
  if (operations === undefined) return Promise.resolve(undefined)
  return startOperations({ ...operations, notReady: missing, warnings, metrics })
}
