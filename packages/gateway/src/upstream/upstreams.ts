import type { Log } from '@portcullis/runtime'
import type { GatewaySettings, Route } from '../settings/settings.ts'
import type { Services } from './choice.ts'
import { createServices } from './choice.ts'
import type { Connections } from './connections.ts'
import { createConnections } from './connections.ts'
import type { HealthChange } from './health.ts'
import { createHealth } from './health.ts'
import type { Upstream } from './upstream.ts'
import { createUpstream } from './upstream.ts'

/** The services behind the gateway, whatever the routes that lead to them. */
export interface Upstreams {
  /** Those of some routes; the connections to a service that others have as well are shared. */
  readonly lease: (settings: Leased) => UpstreamLease
  /** The origins that are left out where there is another. */
  readonly unreachable: () => readonly string[]
  /** Other authorities are trusted: whoever they have not signed gets nothing more. */
  readonly renew: () => void
  /** Cuts every connection. */
  readonly close: () => Promise<void>
}

/** The bound on requests is that of the last lease. */
export interface Leased extends Pick<GatewaySettings, 'routes'> {
  readonly limits: Pick<GatewaySettings['limits'], 'requestsPerService'>
}

export interface UpstreamLease {
  readonly servicesOf: (route: Route) => Services
  /** Lets go of the services, when nothing is sent by this lease any more; those that nobody holds lose their connections. */
  readonly release: () => void
}

export interface UpstreamsOptions {
  readonly log: Log
  /** Milliseconds of a clock that is never set. */
  readonly now: () => number
  /** See `Authorities`. */
  readonly authorities?: () => string | undefined
}

interface Held {
  readonly upstream: Upstream
  readonly connections: Connections
  leases: number
}

export function createUpstreams({ log, now, authorities }: UpstreamsOptions): Upstreams {
  const held = new Map<string, Held>()
  let requestsMax = 0
  const holdOf = (origin: string): Held => {
    const found = held.get(origin)
    if (found !== undefined) return found
    const connections = createConnections(origin, authorities)
    const health = createHealth({ now, told: (change) => tell(log, origin, change) })
    const upstream = createUpstream(origin, connections, health, () => requestsMax)
    const made = { connections, upstream, leases: 0 }
    held.set(origin, made)
    return made
  }
  return {
    lease: ({ routes, limits }) => {
      requestsMax = limits.requestsPerService
      const holds = new Set(routes.flatMap(({ to }) => to.map(holdOf)))
      for (const hold of holds) hold.leases += 1
      const services = new Map<Route, Services>()
      for (const route of routes) {
        const [first, ...others] = route.to.map((origin) => holdOf(origin).upstream)
        // A route that only proxies ask about has none.
        if (first === undefined) continue
        services.set(route, createServices([first, ...others], route.balance, now))
      }
      return {
        servicesOf: (route) => {
          const found = services.get(route)
          if (found === undefined) throw new TypeError('a route without an upstream')
          return found
        },
        release: () => {
          for (const hold of holds) {
            hold.leases -= 1
            if (hold.leases > 0) continue
            held.delete(hold.upstream.origin)
            void hold.connections.destroy()
          }
        },
      }
    },
    unreachable: () =>
      [...held.values()]
        .filter(({ upstream }) => upstream.health.standing() !== 'in')
        .map(({ upstream }) => upstream.origin),
    renew: () => {
      for (const { upstream, connections } of held.values()) {
        if (upstream.origin.startsWith('https:')) connections.renew()
      }
    },
    close: async () => {
      await Promise.all([...held.values()].map(({ connections }) => connections.destroy()))
    },
  }
}

function tell(log: Log, upstream: string, change: HealthChange): void {
  if (change.kind === 'back') {
    log.info({ upstream }, 'an upstream is back')
  } else {
    const { failures, seconds: retrySeconds } = change
    log.warn({ upstream, failures, retrySeconds }, 'an upstream cannot be reached')
  }
}
