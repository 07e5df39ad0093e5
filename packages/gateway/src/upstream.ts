import type { Dispatcher } from 'undici'
import { buildConnector, Pool } from 'undici'
import type { Route } from './settings.ts'

/** One origin behind the gateway, with its connections. */
export interface Upstream {
  readonly origin: string
  /** Requests that have entered and not left. */
  readonly underWay: () => number
  readonly hasRoom: () => boolean
  /** False when it has as many requests under way as it may; else counts one more. */
  readonly enter: () => boolean
  readonly leave: () => void
  readonly dispatch: (
    options: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler,
  ) => void
}

/** The services behind the gateway, whatever the routes that lead to them. */
export interface Upstreams {
  /** Those of some routes; the connections to a service that others have as well are shared. */
  readonly lease: (routes: readonly Route[]) => UpstreamLease
  /** Cuts every connection. */
  readonly close: () => Promise<void>
}

export interface UpstreamLease {
  /** One of the services of a route, as its `balance` says. Whether it answers is not looked at. */
  readonly next: (route: Route) => Upstream
  /** Lets go of the services, when nothing is sent by this lease any more; those that nobody holds lose their connections. */
  readonly release: () => void
}

/**
 * A bound on sockets and memory for each origin. Beyond it a request is refused, and never queued.
 */
const requestsMax = 1024
const connectMsMax = 5000
/** What a service may send as headers; larger is a broken answer. */
const responseHeaderBytesMax = 65_536

interface Held {
  readonly upstream: Upstream
  readonly pool: Pool
  leases: number
}

export function createUpstreams(): Upstreams {
  const held = new Map<string, Held>()
  const holdOf = (origin: string): Held => {
    const found = held.get(origin)
    if (found !== undefined) return found
    const pool = createPool(origin)
    const made = { pool, upstream: createUpstream(origin, pool), leases: 0 }
    held.set(origin, made)
    return made
  }
  return {
    lease: (routes) => {
      const holds = new Set(routes.flatMap(({ to }) => to.map(holdOf)))
      for (const hold of holds) hold.leases += 1
      const services = new Map(
        routes.map((route) => [route, turnOf(route.to.map((origin) => holdOf(origin).upstream))]),
      )
      return {
        next: (route) => chooseFrom(route, services.get(route)),
        release: () => {
          for (const hold of holds) {
            hold.leases -= 1
            if (hold.leases > 0) continue
            held.delete(hold.upstream.origin)
            void hold.pool.destroy()
          }
        },
      }
    },
    close: async () => {
      await Promise.all([...held.values()].map(({ pool }) => pool.destroy()))
    },
  }
}

interface Turn {
  readonly upstreams: readonly Upstream[]
  next: number
}

function turnOf(upstreams: readonly Upstream[]): Turn {
  return { upstreams, next: 0 }
}

/** Of those that are fit alike, the one whose turn it is. One that is full is passed over; where all are, it refuses. */
function chooseFrom({ balance }: Route, turn: Turn | undefined): Upstream {
  const [first, ...others] = turn?.upstreams ?? []
  if (turn === undefined || first === undefined) throw new TypeError('a route without an upstream')
  if (others.length === 0) return first
  const { upstreams, next } = turn
  turn.next = (next + 1) % upstreams.length
  const inTurn = [...upstreams.slice(next), ...upstreams.slice(0, next)]
  const fewest = Math.min(...inTurn.map(({ underWay }) => underWay()))
  const isFit = ({ underWay, hasRoom }: Upstream): boolean =>
    balance === 'least-busy' ? underWay() === fewest : hasRoom()
  return inTurn.find(isFit) ?? inTurn[0] ?? first
}

/**
 * The client's Host goes to the service as it came, and undici would take the name for the TLS
 * handshake, and the address for some connections, from it. Both are pinned to the origin of the
 * file: here for the connection, and in `dispatch` for its reuse.
 */
function createPool(origin: string): Pool {
  const connect = buildConnector({ timeout: connectMsMax, allowH2: false })
  return new Pool(origin, {
    connections: null,
    pipelining: 1,
    maxHeaderSize: responseHeaderBytesMax,
    // Without a name the connector takes it from the origin, and none for an address.
    connect: (options, callback) => connect({ ...options, servername: '' }, callback),
  })
}

function createUpstream(origin: string, pool: Pool): Upstream {
  const { hostname } = new URL(origin)
  let requests = 0
  const hasRoom = (): boolean => requests < requestsMax
  return {
    origin,
    underWay: () => requests,
    hasRoom,
    enter: () => {
      if (!hasRoom()) return false
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
