import { once } from 'node:events'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { createServer, request as startRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'

/** A request for a path on its way to the issuer. */
export interface Passing {
  readonly path: string
  readonly headers: IncomingHttpHeaders
}

/** `lose-answer`: the issuer acts, and nobody hears of it. */
export type Fate = 'through' | 'lose-answer' | 'lose-request' | Scripted

export interface Scripted {
  readonly status: number
  readonly body: object | string
  readonly headers?: Readonly<Record<string, string>>
}

/** What stands between gateways and their issuer: it counts, loses and holds back what goes through it. */
export interface IssuerWire {
  readonly origin: string
  readonly connect: (port: number) => void
  readonly seenAt: (path: string) => readonly Passing[]
  readonly decide: (fateOf: (passing: Passing) => Fate) => void
}

const letThrough = (): Fate => 'through'

export async function openIssuerWire(t: TestContext): Promise<IssuerWire> {
  const seen: Passing[] = []
  let issuerPort = 0
  let fateOf: (passing: Passing) => Fate = letThrough
  const pass = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method, url: path = '', headers } = request
    const passing = { path, headers }
    seen.push(passing)
    const fate = fateOf(passing)
    if (typeof fate === 'object') {
      const { status, body, headers: fields } = fate
      request.resume()
      const text = typeof body === 'string' ? body : JSON.stringify(body)
      return void response.writeHead(status, fields).end(text)
    }
    if (fate === 'lose-request') return void request.socket.destroy()
    const onward = startRequest({ port: issuerPort, host: '127.0.0.1', method, path, headers })
    onward.on('error', () => response.destroy())
    response.on('close', () => onward.destroy())
    request.pipe(onward)
    const [answer] = (await once(onward, 'response')) as [IncomingMessage]
    if (fate === 'lose-answer') {
      answer.resume()
      await once(answer, 'end')
      return void request.socket.destroy()
    }
    response.writeHead(answer.statusCode ?? 0, answer.rawHeaders)
    answer.on('error', () => response.destroy())
    answer.pipe(response)
  }
  const server = createServer((request, response) => {
    pass(request, response).catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connect: (port) => (issuerPort = port),
    seenAt: (path) => seen.filter((one) => one.path === path),
    decide: (next) => (fateOf = next),
  }
}
