import type { Buffer } from 'node:buffer'
import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { createServer } from 'node:net'
import type { TestContext } from 'node:test'

/** What a service does with the requests of a connection, by how many there were on it before. */
export type Way = (socket: Socket, before: number) => void

export interface BreakingService {
  readonly origin: string
  /** The head of each request that has reached it whole, as it was written. */
  readonly heads: string[]
  /** How many connections were made to it. */
  readonly connections: () => number
  /** From now on it does this. */
  way: Way
  readonly stop: () => Promise<void>
  readonly startAgain: () => Promise<void>
}

const answerOctets = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nKeep-Alive: timeout=60\r\n\r\nok'

export const ways = {
  answers: (socket) => socket.write(answerOctets),
  resets: (socket) => socket.resetAndDestroy(),
  ends: (socket) => socket.end(),
  resetsInsideHeaders: (socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-', () => socket.resetAndDestroy())
  },
  resetsAfterInterim: (socket) => {
    socket.write('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n', () => {
      setTimeout(() => socket.resetAndDestroy(), 20)
    })
  },
  resetsAfterHeaders: (socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello', () => {
      setTimeout(() => socket.resetAndDestroy(), 20)
    })
  },
  answersNonsense: (socket) => socket.end('nonsense\r\n\r\n'),
  hangs: () => undefined,
  /** The race of a connection that is kept alive: it closes when the next request is on its way. */
  answersOncePerConnection: (socket, before) => {
    if (before === 0) socket.write(answerOctets)
    else socket.resetAndDestroy()
  },
} satisfies Readonly<Record<string, Way>>

/** A service that breaks in a chosen way; by name `refuses` there is none at its port. */
export async function startBreakingService(
  t: TestContext,
  way: Way | 'refuses',
): Promise<BreakingService> {
  const sockets = new Set<Socket>()
  let connections = 0
  let before = new WeakMap<Socket, number>()
  const server = createServer((socket) => {
    connections += 1
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    let text = ''
    socket.on('data', (piece: Buffer) => {
      text += piece.toString('latin1')
      const end = text.indexOf('\r\n\r\n')
      // The rest is a body, which nobody here waits for.
      if (end === -1 || !/^[A-Z]+ \//.test(text)) return
      service.heads.push(text.slice(0, end))
      text = ''
      const seen = before.get(socket) ?? 0
      before.set(socket, seen + 1)
      service.way(socket, seen)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const stop = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy()
    before = new WeakMap()
    if (server.listening) await new Promise((resolve) => server.close(resolve))
  }
  const service: BreakingService = {
    origin: `http://127.0.0.1:${port}`,
    heads: [],
    connections: () => connections,
    way: way === 'refuses' ? ways.answers : way,
    stop,
    startAgain: async () => {
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
    },
  }
  if (way === 'refuses') await stop()
  t.after(stop)
  return service
}
