import type { Dispatcher } from 'undici'
import { buildConnector, Client, Pool } from 'undici'

type Dispatch = (options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler) => void

/** The connections to one origin. */
export interface Connections {
  /** Over one that is idle, or a new one. Never queues. */
  readonly dispatch: Dispatch
  /** Over a new one, which ends with the answer. */
  readonly dispatchAlone: Dispatch
  /** No request goes over those that are there any more, and each ends with the one that is under way on it. */
  readonly renew: () => void
  /** Cuts all of them. */
  readonly destroy: () => Promise<void>
}

const connectMsMax = 5000
/** What a service may send as headers; larger is a broken answer. */
const responseHeaderBytesMax = 65_536

/**
 * The client's Host goes to the service as it came, and undici would take the name for the TLS
 * handshake, and the address for some connections, from it. Both are pinned to the origin of the
 * file: in `connect` for the connection, and in `pinned` for its reuse.
 *
 * `authorities`: see `Authorities`; asked at the beginning, and at each renewal.
 */
export function createConnections(
  origin: string,
  authorities: () => string | undefined = () => undefined,
): Connections {
  let options = optionsFor(authorities())
  let pool = new Pool(origin, { ...options, connections: null })
  const pools = new Set([pool])
  const alone = new Set<Client>()
  const { hostname } = new URL(origin)
  // undici reads `servername`; its types leave it out.
  const pinned = (request: Dispatcher.DispatchOptions): Dispatcher.DispatchOptions => {
    const named = { ...request, servername: hostname }
    return named
  }
  return {
    dispatch: (request, handler) => {
      pool.dispatch(pinned(request), handler)
    },
    dispatchAlone: (request, handler) => {
      const client = new Client(origin, options)
      alone.add(client)
      client.dispatch({ ...pinned(request), reset: true }, handler)
      client.close(() => alone.delete(client))
    },
    renew: () => {
      const old = pool
      // With it goes what it remembers of earlier handshakes, which would not be verified again.
      options = optionsFor(authorities())
      pool = new Pool(origin, { ...options, connections: null })
      pools.add(pool)
      old.close(() => pools.delete(old))
    },
    destroy: async () => {
      await Promise.all([...pools, ...alone].map((one) => one.destroy()))
    },
  }
}

function optionsFor(ca: string | undefined): Client.Options {
  const connect = buildConnector({
    timeout: connectMsMax,
    allowH2: false,
    ...(ca === undefined ? {} : { ca }),
  })
  return {
    pipelining: 1,
    maxHeaderSize: responseHeaderBytesMax,
    // Without a name the connector takes it from the origin, and none for an address.
    connect: (target, callback) => {
      connect({ ...target, servername: '' }, callback)
    },
  }
}
