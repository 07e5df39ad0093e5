import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { Socket } from 'node:net'
import process from 'node:process'
import { pipeline } from 'node:stream/promises'
import { echoFrames, switchingTo } from './echoed-frames.ts'
import { bodyOf } from './pattern.ts'

/*
 * A service behind the gateway, as a process that is stopped, killed and started again: it tells whoever asks what
 * it has been asked, and gives and takes bodies, events and WebSockets.
 */

const [name = 'a', port = '0'] = process.argv.slice(2)
let underWay = 0
const switched = new Set<Socket>()

const server = createServer((request, response) => {
  underWay += 1
  response.once('close', () => (underWay -= 1))
  answer(request, response).catch(() => response.destroy())
})
server.on('upgrade', (request: IncomingMessage, socket: Socket) => {
  switched.add(socket)
  socket.once('close', () => switched.delete(socket))
  socket.on('error', () => socket.destroy())
  socket.write(switchingTo(request))
  echoFrames(socket)
})
server.listen(Number(port), '127.0.0.1')

const cutMs = 500
process.once('SIGTERM', () => {
  server.close()
  setTimeout(() => process.exit(0), cutMs).unref()
  for (const socket of switched) socket.destroy()
})

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method = '', url = '' } = request
  const [, , what = '', first = '', second = ''] = url.split('/')
  if (what === 'stats') return sendJson(response, { underWay, switched: switched.size })
  if (what === 'events') return sendEvents(response, first, Number(second), subjectOf(request))
  if (what === 'slow') {
    await new Promise((resolve) => setTimeout(resolve, Number(second)))
    return sendJson(response, { ...facts(request), method, url })
  }
  if (what === 'file') {
    const bytes = Number(second)
    response.writeHead(200, { 'content-length': bytes, 'x-nonce': first })
    return pipeline(pieces(bodyOf(Number(first), bytes)), response)
  }
  if (what === 'endless') return sendEndless(response)
  // Never reads the body, and never answers.
  if (what === 'deaf') return
  if (what === 'upload') {
    const hash = createHash('sha256')
    let bytes = 0
    for await (const piece of request as AsyncIterable<Buffer>) {
      hash.update(piece)
      bytes += piece.length
    }
    return sendJson(response, { ...facts(request), method, url, bytes, sha256: hash.digest('hex') })
  }
  const body: Buffer[] = []
  for await (const piece of request as AsyncIterable<Buffer>) body.push(piece)
  sendJson(response, { ...facts(request), method, url, body: Buffer.concat(body).toString() })
}

/** What it was told about the caller, by whom the request is, and which it is. */
function facts({ rawHeaders, headers }: IncomingMessage): object {
  const about: [string, string][] = []
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const field = rawHeaders[at]?.toLowerCase() ?? ''
    if (/^x.auth.|forwarded|real.ip/.test(field)) about.push([field, rawHeaders[at + 1] ?? ''])
  }
  const { authorization, cookie } = headers
  return { name, about, authorization, cookie, requestId: headers['x-request-id'] }
}

function subjectOf({ headers }: IncomingMessage): string {
  return String(headers['x-auth-subject'])
}

function sendJson(response: ServerResponse, value: object): void {
  const body = JSON.stringify(value)
  response.writeHead(200, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  })
  response.end(body)
}

function sendEvents(response: ServerResponse, nonce: string, everyMs: number, who: string): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  let count = 0
  const timer = setInterval(() => {
    response.write(`data: ${JSON.stringify([nonce, count, who])}\n\n`)
    count += 1
  }, everyMs)
  response.once('close', () => clearInterval(timer))
}

/** As much as is taken, for as long as somebody takes it. */
function sendEndless(response: ServerResponse): void {
  const piece = bodyOf(0, pieceBytes)
  const write = (): void => {
    while (!response.destroyed && response.write(piece));
  }
  response.on('drain', write)
  response.writeHead(200)
  write()
}

const pieceBytes = 32 * 1024

function* pieces(body: Buffer): Generator<Buffer> {
  for (let at = 0; at < body.length; at += pieceBytes) yield body.subarray(at, at + pieceBytes)
}
