import { once } from 'node:events'
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** One request exactly as a service got it. */
export interface Recorded {
  readonly method: string
  readonly target: string
  readonly rawHeaders: readonly string[]
  readonly body: string
  /** The values of a header in the order they came; the name in any case. */
  readonly all: (name: string) => string[]
}

export interface Recorder {
  readonly origin: string
  readonly port: number
  readonly requests: Recorded[]
  readonly server: Server
  readonly close: () => Promise<void>
}

/** A service that records what reaches it and answers `{"ok":true}`, unless told otherwise. */
export async function startRecorder(listener?: RequestListener): Promise<Recorder> {
  const requests: Recorded[] = []
  async function record(request: IncomingMessage, response: ServerResponse): Promise<void> {
    requests.push(recorded(request, await text(request)))
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"ok":true}')
  }
  const recordOrDestroy: RequestListener = (request, response) => {
    // Half a request is not recorded.
    record(request, response).catch(() => response.destroy())
  }
  const server = createServer({ maxHeaderSize: 65_536 }, listener ?? recordOrDestroy)
  // Whatever HTTP parser and limits the gateway has, the service behind must not hide a difference.
  server.maxHeadersCount = 0
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`,
    port,
    requests,
    server,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function recorded(request: IncomingMessage, body: string): Recorded {
  const { rawHeaders, method = '', url = '' } = request
  return {
    method,
    target: url,
    rawHeaders,
    body,
    all: (name) =>
      rawHeaders.filter(
        (_value, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === name.toLowerCase(),
      ),
  }
}
