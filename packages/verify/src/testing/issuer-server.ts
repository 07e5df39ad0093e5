import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { IssuerHandler } from './issuer-handler.ts'

/** A port on loopback, and nobody behind it until `serve` is called. */
export interface IssuerServer {
  /** `http://localhost:<port>` */
  readonly origin: string
  readonly serve: (answer: IssuerHandler['answer']) => void
  readonly close: () => Promise<void>
}

/** Listens on loopback; port 0 takes any free one. */
export async function startIssuerServer(port: number): Promise<IssuerServer> {
  const server = createServer()
  server.listen(port, 'localhost')
  await once(server, 'listening')
  const { port: chosen } = server.address() as AddressInfo
  const origin = `http://localhost:${chosen}`

  return {
    origin,
    serve: (answer) => {
      server.on('request', (message, response) => {
        relay(message, response, origin, answer).catch(() => response.destroy())
      })
    },
    close: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

async function relay(
  message: IncomingMessage,
  response: ServerResponse,
  origin: string,
  answer: IssuerHandler['answer'],
): Promise<void> {
  const { method = 'GET', url = '/' } = message
  const request = new Request(new URL(url, origin), {
    method,
    // Only `Set-Cookie` is ever a list there, and no request has it.
    headers: message.headers as Record<string, string>,
    body: method === 'POST' ? await text(message) : null,
  })
  const { status, headers, body } = await answer(request)
  response.setHeaders(headers).writeHead(status)
  // A stream that is silent has begun all the same.
  response.flushHeaders()
  if (body === null) response.end()
  else await body.pipeTo(Writable.toWeb(response))
}
