import { once } from 'node:events'
import type { Socket } from 'node:net'
import { connect } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import type { Scene } from './scene.ts'
import { newNonce } from './scene.ts'

/** What a client has sent when it leaves; some of them wait for a part of the answer. */
interface Leaving {
  readonly stage: string
  readonly octets: (fields: string) => string
  /** Leaves only when so much of the answer is there. */
  readonly answerBytes?: number
}

const half = 'x'.repeat(40_000)
const handshake =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'

const stages: readonly [Leaving, ...Leaving[]] = [
  { stage: 'without a word', octets: () => '' },
  { stage: 'in the request line', octets: () => 'GET /orders/ec' },
  { stage: 'in the headers', octets: (fields) => `GET /orders/echo HTTP/1.1\r\n${fields}X-A: b` },
  {
    stage: 'before the body',
    octets: (fields) => `POST /orders/upload HTTP/1.1\r\n${fields}Content-Length: 80000\r\n\r\n`,
  },
  {
    stage: 'in the body',
    octets: (fields) =>
      `POST /orders/upload HTTP/1.1\r\n${fields}Content-Length: 80000\r\n\r\n${half}`,
  },
  {
    stage: 'in a chunk',
    octets: (fields) =>
      `POST /orders/upload HTTP/1.1\r\n${fields}Transfer-Encoding: chunked\r\n\r\nffff\r\n${half}`,
  },
  {
    stage: 'before 100 Continue',
    octets: (fields) =>
      `POST /orders/upload HTTP/1.1\r\n${fields}Expect: 100-continue\r\nContent-Length: 9\r\n\r\n`,
  },
  {
    stage: 'before the answer',
    octets: (fields) => `GET /orders/slow/x/1000 HTTP/1.1\r\n${fields}\r\n`,
  },
  {
    stage: 'in the answer',
    octets: (fields) => `GET /orders/file/1/1000000 HTTP/1.1\r\n${fields}\r\n`,
    answerBytes: 100_000,
  },
  {
    stage: 'with an answer that nobody reads',
    octets: (fields) => `GET /orders/file/1/1000000 HTTP/1.1\r\n${fields}\r\n`,
  },
  {
    stage: 'in a stream of events',
    octets: (fields) => `GET /live/events/x/20 HTTP/1.1\r\n${fields}\r\n`,
    answerBytes: 600,
  },
  {
    stage: 'in a handshake',
    octets: (fields) => `GET /live/socket HTTP/1.1\r\n${fields}${handshake}\r\n`,
  },
  {
    stage: 'in a WebSocket',
    octets: (fields) => `GET /live/socket HTTP/1.1\r\n${fields}${handshake}\r\n`,
    answerBytes: 20,
  },
  {
    stage: 'behind three requests at once',
    octets: (fields) => `GET /orders/echo/${newNonce()} HTTP/1.1\r\n${fields}\r\n`.repeat(3),
  },
]

const patienceMs = 3000

/** Begins something and leaves: by an end, by a reset, or by an end with everything unread. */
export async function leaveEarly(scene: Scene): Promise<void> {
  const { chance, sessions, port, book } = scene
  const { stage, octets, answerBytes } = chance.pick(stages)
  const fields = `Host: shop.example\r\nAuthorization: Bearer ${sessions.live().text}\r\n`
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  await Promise.race([once(socket, 'connect').catch(() => undefined), setTimeout(patienceMs)])
  socket.write(octets(fields))
  if (answerBytes !== undefined) await readSome(socket, answerBytes)
  else await setTimeout(chance.integer(0, 30))
  chance.pick([
    () => socket.destroy(),
    () => socket.resetAndDestroy(),
    () => {
      socket.end()
      void setTimeout(200).then(() => socket.destroy())
    },
  ])()
  book.count(`clients that left ${stage}`)
}

function readSome(socket: Socket, bytes: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let read = 0
  socket.on('data', (piece: Buffer) => {
    read += piece.length
    if (read >= bytes) resolve()
  })
  socket.once('close', () => resolve())
  void setTimeout(patienceMs, undefined, { ref: false }).then(resolve)
  return promise
}
