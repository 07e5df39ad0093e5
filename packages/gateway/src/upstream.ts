import type { Dispatcher } from 'undici'
import { buildConnector, Pool } from 'undici'
import type { GatewaySettings, Route } from './settings.ts'

/** One origin behind the gateway, with its connections. */
export interface Upstream {
  readonly origin: string
  /** False when it has as many requests under way as it may; else counts one more. */
  readonly enter: () => boolean
  readonly leave: () => void
  readonly dispatch: (
    options: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler,
  ) => void
}

export interface Upstreams {
  /** The origins of a route in turn. Whether one answers is not looked at. */
  readonly next: (route: Route) => Upstream
  /** Cuts every connection. */
  readonly close: () => Promise<void>
}

/**
 * A bound on sockets and memory for each origin. Beyond it a request is refused, and never queued.
 */
const requestsMax = 1024
const connectMsMax = 5000
/** What a service may send as headers; larger is a broken answer. */
const responseHeaderBytesMax = 65_536

export function createUpstreams({
  routes,
  limits,
}: Pick<GatewaySettings, 'routes' | 'limits'>): Upstreams {
  const silenceMs = limits.idleTimeoutSeconds * 1000
  const pools = new Map<string, Pool>()
  const upstreams = new Map<string, Upstream>()
  for (const origin of routes.flatMap((route) => route.to)) {
    if (pools.has(origin)) continue
    const pool = createPool(origin, silenceMs)
    pools.set(origin, pool)
    upstreams.set(origin, createUpstream(origin, pool))
  }
  const turns = new Map<Route, number>()
  return {
    next: (route) => {
      const turn = turns.get(route) ?? 0
      turns.set(route, (turn + 1) % route.to.length)
      const upstream = upstreams.get(route.to[turn] ?? '')
      if (upstream === undefined) throw new TypeError('a route without an upstream')
      return upstream
    },
    close: async () => {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()))
    },
  }
}

/**
 * The client's Host goes to the service as it came, and undici would take the name for the TLS
 * handshake, and the address for some connections, from it. Both are pinned to the origin of the
 * file: here for the connection, and in `dispatch` for its reuse.
 */
function createPool(origin: string, silenceMs: number): Pool {
  const connect = buildConnector({ timeout: connectMsMax, allowH2: false })
  return new Pool(origin, {
    connections: null,
    pipelining: 1,
    headersTimeout: silenceMs,
    bodyTimeout: silenceMs,
    maxHeaderSize: responseHeaderBytesMax,
    // Without a name the connector takes it from the origin, and none for an address.
    connect: (options, callback) => connect({ ...options, servername: '' }, callback),
  })
}

function createUpstream(origin: string, pool: Pool): Upstream {
  const { hostname } = new URL(origin)
  let requests = 0
  return {
    origin,
    enter: () => {
      if (requests >= requestsMax) return false
      requests += 1
      return true
    },
    leave: () => {
      requests -= 1
    },
    dispatch: (options, handler) => {
      // undici reads `servername`; its types leave it out.
      const pinned = { ...options, servername: hostname }
      pool.dispatch(pinned, handler)
    },
  }
}
