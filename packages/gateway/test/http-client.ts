import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request as startRequest } from 'node:http'
import type { Socket } from 'node:net'
import { connect } from 'node:net'
import { buffer } from 'node:stream/consumers'

export interface Answer {
  readonly status: number
  /** Lower-case names; repeated fields joined as Node joins them. */
  readonly headers: IncomingMessage['headers']
  readonly rawHeaders: readonly string[]
  readonly body: string
  readonly json: () => Record<string, unknown>
}

export interface Question {
  readonly method?: string
  readonly path?: string
  /** Name, value, name, value … in this order and spelling. */
  readonly headers?: readonly string[]
  readonly token?: string
  readonly body?: string | Buffer
}

/** One well-formed request on its own connection. */
export async function ask(port: number, question: Question = {}): Promise<Answer> {
  const { method = 'GET', path = '/orders', headers = [], token, body } = question
  const authorization = token === undefined ? [] : ['Authorization', `Bearer ${token}`]
  const length = body === undefined ? [] : ['Content-Length', String(Buffer.byteLength(body))]
  const host = headers.some((name) => name.toLowerCase() === 'host') ? [] : ['Host', 'shop.example']
  const request = startRequest({
    port,
    method,
    path,
    agent: false,
    headers: [...host, ...authorization, ...length, ...headers],
  })
  request.end(body)
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  return toAnswer(
    response.statusCode ?? 0,
    response.headers,
    response.rawHeaders,
    await buffer(response),
  )
}

/** Lines `Name: value` as the flat list of names and values that Node takes. */
export function fields(...lines: readonly string[]): string[] {
  return lines.flatMap((line) => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon), line.slice(colon + 1).trimStart()]
  })
}

const patienceMs = 5000

/**
 * Writes octets as they stand and reads until the other side closes. Rejects when it does not: so a
 * request that is expected to be served asks for `Connection: close`.
 */
export async function sendRaw(port: number, octets: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => socket.destroy())
  socket.setTimeout(patienceMs, () => socket.destroy(new Error('no answer')))
  socket.write(Buffer.from(octets, 'latin1'))
  const pieces: Buffer[] = []
  socket.on('data', (piece: Buffer) => pieces.push(piece))
  await new Promise((resolve) => socket.once('close', resolve))
  return Buffer.concat(pieces).toString('latin1')
}

/** The status of each answer in a piece of raw text. */
export function statusesIn(raw: string): number[] {
  return [...raw.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status))
}

/** Opens a connection whose octets the test writes and reads itself. */
export async function openSocket(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => socket.destroy())
  await once(socket, 'connect')
  return socket
}

/** Collects what arrives until it holds the text. */
export async function readUntil(socket: Socket, text: string): Promise<string> {
  let received = ''
  for await (const piece of socket.iterator({ destroyOnReturn: false })) {
    received += (piece as Buffer).toString('latin1')
    if (received.includes(text)) return received
  }
  throw new Error(`the connection ended after ${JSON.stringify(received)}`)
}

function toAnswer(
  status: number,
  headers: IncomingMessage['headers'],
  rawHeaders: readonly string[],
  octets: Buffer,
): Answer {
  const body = octets.toString()
  return {
    status,
    headers,
    rawHeaders,
    body,
    json: () => JSON.parse(body) as Record<string, unknown>,
  }
}
