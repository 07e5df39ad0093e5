import { Buffer } from 'node:buffer'
import type { Socket } from 'node:net'
import { connect } from 'node:net'
import { setInterval } from 'node:timers/promises'

/** Where to, and by which token. */
export interface Target {
  readonly port: number
  readonly token: string
}

export interface Flood {
  readonly kind: string
  /** Connections that it holds at a time; none for one that comes and goes. */
  readonly connections: number
  /** Connections that it opens a second, where it comes and goes. */
  readonly perSecond: number
  /** What the gateway may need for it, beside what it needs anyway. */
  readonly residentBytesMax: number
  /** What it does with each connection. */
  readonly begin: (socket: Socket, target: Target) => void
}

/** What a connection may cost where its octets are held back: Node's and undici's buffers, and two sockets. */
const heldBackBytes = 320 * 1024
/** What an open connection may cost where there is nothing to hold. */
const openBytes = 48 * 1024
/** Garbage between two collections, for which V8 takes up to three times 32 MiB, and pieces of the heap. */
const slackBytes = 128 * 2 ** 20

const holding = (connections: number, bytes: number): number => slackBytes + connections * bytes

export const floods: readonly Flood[] = [
  {
    kind: 'readers that read nothing of an endless answer',
    connections: 100,
    perSecond: 0,
    residentBytesMax: holding(100, heldBackBytes),
    begin: (socket, target) => {
      socket.pause()
      socket.write(head(target, 'GET /orders/endless'))
    },
  },
  {
    kind: 'readers of one octet now and then',
    connections: 100,
    perSecond: 0,
    residentBytesMax: holding(100, heldBackBytes),
    begin: (socket, target) => {
      socket.pause()
      socket.write(head(target, 'GET /orders/endless'))
      dribble(socket, () => socket.read(1))
    },
  },
  {
    kind: 'writers of one octet of a body now and then',
    connections: 300,
    perSecond: 0,
    residentBytesMax: holding(300, heldBackBytes),
    begin: (socket, target) => {
      socket.write(head(target, 'POST /orders/upload', 'Content-Length: 1000000'))
      dribble(socket, () => socket.write('x'))
    },
  },
  {
    kind: 'fast writers to a service that does not read',
    connections: 100,
    perSecond: 0,
    residentBytesMax: holding(100, heldBackBytes),
    begin: (socket, target) => {
      socket.write(head(target, 'POST /orders/deaf', `Content-Length: ${bodyBytes}`))
      socket.write(Buffer.alloc(bodyBytes))
    },
  },
  {
    kind: 'writers of one octet of a header now and then',
    connections: 500,
    perSecond: 0,
    residentBytesMax: holding(500, openBytes),
    begin: (socket) => {
      socket.write('GET /public/echo HTTP/1.1\r\nHost: a\r\nX-Long: ')
      dribble(socket, () => socket.write('x'))
    },
  },
  {
    kind: 'connections that say nothing',
    connections: 1000,
    perSecond: 0,
    residentBytesMax: holding(1000, openBytes),
    begin: () => undefined,
  },
  {
    kind: 'connections that come and go',
    connections: 0,
    perSecond: 300,
    residentBytesMax: slackBytes,
    begin: (socket) => socket.resetAndDestroy(),
  },
  {
    kind: 'headers without end',
    connections: 0,
    perSecond: 100,
    residentBytesMax: slackBytes,
    begin: (socket) => {
      socket.write(`GET /public/echo HTTP/1.1\r\nHost: a\r\nX-Long: ${'x'.repeat(60_000)}`)
      leaveSoon(socket)
    },
  },
  {
    kind: 'too many headers',
    connections: 0,
    perSecond: 100,
    residentBytesMax: slackBytes,
    begin: (socket) => {
      socket.write(`GET /public/echo HTTP/1.1\r\nHost: a\r\n${'X-A: b\r\n'.repeat(1500)}\r\n`)
      leaveSoon(socket)
    },
  },
  {
    kind: 'addresses and tokens that are too long',
    connections: 0,
    perSecond: 100,
    residentBytesMax: slackBytes,
    begin: (socket, target) => {
      const token = `${target.token.slice(0, 200)}${'A'.repeat(14_000)}`
      socket.write(head({ ...target, token }, 'GET /orders/echo'))
      socket.write(head(target, `GET /orders/${'y'.repeat(30_000)}`))
      leaveSoon(socket)
    },
  },
  {
    kind: 'bodies that are too large, by their length and in chunks',
    connections: 0,
    perSecond: 30,
    residentBytesMax: slackBytes,
    begin: (socket, target) => {
      const framing = countUp() % 2 === 0 ? 'Content-Length: 9000000' : 'Transfer-Encoding: chunked'
      socket.write(head(target, 'POST /orders/upload', framing))
      if (framing.startsWith('T')) socket.write('400000\r\n')
      socket.write(Buffer.alloc(2 ** 21))
      leaveSoon(socket)
    },
  },
  {
    kind: 'chunks with long extensions',
    connections: 0,
    perSecond: 100,
    residentBytesMax: slackBytes,
    begin: (socket, target) => {
      socket.write(head(target, 'POST /orders/upload', 'Transfer-Encoding: chunked'))
      socket.write(`1;${'x'.repeat(60_000)}\r\n`)
      leaveSoon(socket)
    },
  },
  {
    kind: 'requests in a row whose answers nobody reads',
    // They are cut.
    connections: 0,
    perSecond: 100,
    residentBytesMax: holding(50, 2 * 2 ** 20),
    begin: (socket) => {
      socket.pause()
      socket.write('GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(20_000))
    },
  },
  {
    kind: 'WebSockets whose echoes nobody reads',
    connections: 100,
    perSecond: 0,
    residentBytesMax: holding(100, heldBackBytes),
    begin: (socket, target) => {
      socket.pause()
      const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13'
      socket.write(head(target, 'GET /live/socket', `${upgrade}\r\nSec-WebSocket-Key: ${key}`))
      // The answer to the handshake is to be there before the first frame.
      setTimeout(() => socket.write(frames), 1000)
    },
  },
]

const bodyBytes = 1_000_000
const key = 'dGhlIHNhbXBsZSBub25jZQ=='

/** RFC 6455 section 5.2: two thousand binary frames of a thousand octets, with a mask of zeros. */
const frames = Buffer.concat(
  Array.from({ length: 2000 }, () => {
    const frame = Buffer.alloc(8 + 1000)
    frame.writeUInt16BE(0x82fe, 0)
    frame.writeUInt16BE(1000, 2)
    return frame
  }),
)

function head({ token }: Target, line: string, ...fields: readonly string[]): string {
  const all = ['Host: shop.example', `Authorization: Bearer ${token}`, ...fields]
  return `${line} HTTP/1.1\r\n${all.join('\r\n')}\r\n\r\n`
}

const dribbleMs = 250

function dribble(socket: Socket, step: () => void): void {
  const timer = globalThis.setInterval(step, dribbleMs)
  socket.once('close', () => clearInterval(timer))
}

const leaveMs = 300

/** Reads what it is told, and goes. */
function leaveSoon(socket: Socket): void {
  socket.resume()
  setTimeout(() => socket.destroy(), leaveMs)
}

/** Goes on until its process ends. `onConnected` hears of each connection that came about. */
export async function flow(flood: Flood, target: Target, onConnected: () => void): Promise<void> {
  const open = (): Socket => {
    const socket = connect(target.port, '127.0.0.1')
    socket.on('error', () => undefined)
    return socket.once('connect', () => {
      onConnected()
      flood.begin(socket, target)
    })
  }
  await (flood.perSecond === 0
    ? holdOpen(flood.connections, open)
    : comeAndGo(flood.perSecond, open))
}

/** So many at a time; whoever is thrown out comes again a little later. */
async function holdOpen(count: number, open: () => Socket): Promise<void> {
  const keepOpen = (): void => void open().once('close', () => setTimeout(keepOpen, dribbleMs))
  let opened = 0
  // Not all in the same moment: that is another flood.
  for await (const _ of setInterval(10)) {
    for (let step = 0; step < count / 50 && opened < count; step += 1, opened += 1) keepOpen()
  }
}

const ticksPerSecond = 50

async function comeAndGo(perSecond: number, open: () => Socket): Promise<void> {
  let owed = 0
  for await (const _ of setInterval(1000 / ticksPerSecond)) {
    for (owed += perSecond / ticksPerSecond; owed >= 1; owed -= 1) open()
  }
}

let counted = 0

function countUp(): number {
  counted += 1
  return counted
}
