import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { buffer } from 'node:stream/consumers'

// Not by `import`, for the reason that `startOperations` has: it takes 50 ms in each of many processes.
const { request: startRequest } = process.getBuiltinModule('node:http')

export interface Question {
  readonly method?: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
}

export interface Answer {
  readonly status: number
  /** Lower-case names. */
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly bytes: Buffer
  /** The members of the body, which must be one JSON object. */
  readonly members: () => Readonly<Record<string, unknown>>
}

/** One request on a connection of its own. */
export async function ask(port: number, question: Question): Promise<Answer> {
  const { method = 'GET', path, headers = {}, body } = question
  const request = startRequest({ host: '127.0.0.1', port, method, path, headers, agent: false })
  const answered = once(request, 'response') as Promise<[IncomingMessage]>
  // A server that refuses a body stops reading it, so the rest of it may fail to be written.
  request.on('error', () => request.destroy())
  request.end(body)
  const [response] = await answered
  const bytes = await buffer(response)
  const text = bytes.toString()
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: text,
    bytes,
    members: () => JSON.parse(text) as Record<string, unknown>,
  }
}

const patienceMs = 5000

/** Writes octets as they stand and reads until the other side closes; rejects when it never does. */
export async function sendRaw(port: number, octets: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  const pieces: Buffer[] = []
  let isLate = false
  socket.on('data', (piece: Buffer) => pieces.push(piece))
  socket.on('error', () => socket.destroy())
  socket.setTimeout(patienceMs, () => {
    isLate = true
    socket.destroy()
  })
  socket.write(Buffer.from(octets, 'latin1'))
  await once(socket, 'close')
  if (isLate) throw new Error('the connection was neither answered nor closed')
  return Buffer.concat(pieces).toString('latin1')
}
