import type { RequestListener, Server, ServerOptions } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { SecureContextOptions } from 'node:tls'
import type { Log, TlsPair } from '@portcullis/runtime'
import { tellOfFailedHandshakes } from '@portcullis/runtime'

// Not by `import`: see `startOperations` of the runtime.
const { createServer } = process.getBuiltinModule('node:http')

/** What a listener speaks, plain http or TLS, within its limits of time. */
export interface Transport {
  readonly createServer: (listener: RequestListener) => Server
}

export interface TlsTransport extends Transport {
  /** What new connections get from now on; those that are open keep what they have. */
  readonly useCertificate: (pair: TlsPair) => void
}

/** A request that is not complete by then is cut off, however slowly it trickles in (slow loris). */
const requestMsMax = 10_000
/** Half of the time that a graceful stop has: it waits for handshakes that are under way. */
const handshakeMsMax = 5000

const limits: ServerOptions = {
  requestTimeout: requestMsMax,
  // Node exchanges the two limits when the one for the headers, a minute by default, is the longer.
  headersTimeout: requestMsMax,
  // How exactly that is kept: Node looks every 30 seconds unless it is told otherwise.
  connectionsCheckingInterval: 500,
  // Longer than the proxies that stand in front of it: they must be the first to let go.
  keepAliveTimeout: 72_000,
  // Node's own answer would have none of our headers.
  requireHostHeader: false,
}

export const plainTransport: Transport = {
  createServer: (listener) => createServer(limits, listener),
}

/** For one listener. */
export function createTlsTransport(pair: TlsPair, log: Log): TlsTransport {
  const server = createTlsServer({
    ...limits,
    ...secureOptions(pair),
    handshakeTimeout: handshakeMsMax,
  })
  tellOfFailedHandshakes(server, log)
  return {
    createServer: (listener) => server.on('request', listener),
    useCertificate: (next) => server.setSecureContext(secureOptions(next)),
  }
}

function secureOptions({ cert, key }: TlsPair): SecureContextOptions {
  // RFC 8996 and RFC 9325 section 3.1.1: nothing older, whatever this Node was told to allow.
  return { cert, key, minVersion: 'TLSv1.2' }
}
