import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'

/** One request that came over the wire. */
export interface Seen {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface Scripted {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: object | string
}

/**
 * What becomes of a request: it goes through, it goes through and its answer is lost, it is lost on
 * its way, it is never answered, or the script answers it.
 */
export type Fate = 'through' | 'lose-answer' | 'lose-request' | 'hang' | Scripted

type Decide = (seen: Seen) => Fate | Promise<Fate>
const letThrough: Decide = () => 'through'

export interface Wire {
  readonly origin: string
  readonly seen: readonly Seen[]
  /** The requests for one route, so far. */
  readonly seenAt: (path: string) => readonly Seen[]
  readonly connect: (port: number) => void
  /** The fate of each request from now on; without one they go through. */
  readonly decide: (fateOf: Decide) => void
  readonly decideNext: (...fates: readonly Fate[]) => void
  readonly cut: () => Promise<void>
}

/** A real server that stands where the issuer, or a service, should be. */
export async function openWire(t: TestContext): Promise<Wire> {
  const seen: Seen[] = []
  let upstream = ''
  let decide: Decide = letThrough
  const server = createServer((request, response) => {
    void handle(request, response).catch(() => response.destroy())
  })

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const one = await readRequest(request)
    seen.push(one)
    const fate = await decide(one)
    if (fate === 'hang') return
    if (fate === 'lose-request') {
      request.socket.destroy()
      return
    }
    const answer = typeof fate === 'object' ? answerOf(fate) : await forward(upstream, one)
    if (fate === 'lose-answer') {
      request.socket.destroy()
      return
    }
    response.writeHead(answer.status, answer.headers).end(answer.body)
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = async (): Promise<void> => {
    server.closeAllConnections()
    if (!server.listening) return
    server.close()
    await once(server, 'close')
  }
  t.after(cut)
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    seenAt: (path) => seen.filter((one) => one.path === path),
    connect: (port) => {
      upstream = `http://127.0.0.1:${port}`
    },
    decide: (fateOf) => {
      decide = fateOf
    },
    decideNext: (...fates) => {
      const left = [...fates]
      decide = () => left.shift() ?? 'through'
    },
    cut,
  }
}

async function readRequest(request: IncomingMessage): Promise<Seen> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const headers = Object.entries(request.headers).map(([name, value]) => [name, String(value)])
  return {
    method: request.method ?? '',
    path: request.url ?? '',
    headers: Object.fromEntries(headers) as Record<string, string>,
    body: Buffer.concat(chunks).toString(),
  }
}

interface Answer {
  readonly status: number
  readonly headers: Record<string, string>
  readonly body: string
}

function answerOf({ status, headers = {}, body = '' }: Scripted): Answer {
  if (typeof body === 'string') return { status, headers, body }
  const type = { 'content-type': 'application/json' }
  return { status, headers: { ...type, ...headers }, body: JSON.stringify(body) }
}

async function forward(upstream: string, { method, path, headers, body }: Seen): Promise<Answer> {
  const sent = Object.entries(headers).filter(([name]) =>
    ['content-type', 'authorization', 'origin', 'cookie'].includes(name),
  )
  const response = await fetch(`${upstream}${path}`, {
    method,
    headers: Object.fromEntries(sent),
    ...(body === '' ? {} : { body }),
  })
  const kept = ['content-type', 'www-authenticate', 'retry-after', 'set-cookie'].flatMap((name) => {
    const value = response.headers.get(name)
    return value === null ? [] : [[name, value]]
  })
  return {
    status: response.status,
    headers: Object.fromEntries(kept) as Record<string, string>,
    body: await response.text(),
  }
}
