import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { createServer } from 'node:net'
import type { TestContext } from 'node:test'
import { WebSocket } from 'undici'
import type { WebSocket as ServiceSocket } from 'ws'
import { WebSocketServer } from 'ws'
import { acceptOf } from '../src/websocket/handshake.ts'
import type { World, WorldOptions } from './world.ts'
import { startWorld } from './world.ts'

type Members = Readonly<Record<string, unknown>>

export interface SocketWorldOptions extends Pick<WorldOptions, 'issuer' | 'service'> {
  /** Members of the two routes, `/orders/*` (a token is required) and `/public/*`. */
  readonly route?: Members
  /** Members of the file. */
  readonly file?: Members
  /** Replaces the origin of the service. */
  readonly to?: readonly string[]
}

/** A gateway that opens WebSockets, before a service that has them from the library `ws`, on `server`. */
export function startSocketWorld(t: TestContext, options: SocketWorldOptions = {}): Promise<World> {
  const { route, file, to, ...others } = options
  return startWorld(t, {
    ...others,
    file: (service) => ({
      routes: [
        { match: '/orders/*', to: to ?? service, upgrade: ['websocket'], ...route },
        {
          match: '/public/*',
          to: to ?? service,
          auth: { mode: 'none' },
          upgrade: ['websocket'],
          ...route,
        },
        { match: '/plain/*', to: to ?? service, auth: { mode: 'none' } },
      ],
      ...file,
    }),
  })
}

/** The service takes every handshake, and this is done with each socket. */
export function serveSockets(
  { service }: Pick<World, 'service'>,
  serve: (socket: ServiceSocket) => void,
  options: object = {},
): WebSocketServer {
  const server = new WebSocketServer({ server: service.server, ...options })
  server.on('connection', (socket) => {
    socket.on('error', () => socket.terminate())
    serve(socket)
  })
  return server
}

/** The example of RFC 6455 section 1.3. */
export const key = 'dGhlIHNhbXBsZSBub25jZQ=='

const handshakeFields = {
  Host: 'shop.example',
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': key,
}

/** A handshake as octets; a field that is undefined is left out. */
export function handshake(
  target: string,
  fields: Readonly<Record<string, string | undefined>> = {},
): string {
  const lines = Object.entries({ ...handshakeFields, ...fields }).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${value}\r\n`],
  )
  return `GET ${target} HTTP/1.1\r\n${lines.join('')}\r\n`
}

export const switched: string =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  `Sec-WebSocket-Accept: ${acceptOf(key)}\r\n\r\n`

export interface BareService {
  readonly to: readonly string[]
  /** All that came over each connection so far, as text. */
  readonly received: readonly string[]
}

/** A service that is nothing but a socket, and is told each piece that comes. */
export async function startBareService(
  t: TestContext,
  answer: (socket: Socket, received: string) => void,
): Promise<BareService> {
  const received: string[] = []
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    const connection = received.push('') - 1
    open.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('data', (piece) => {
      received[connection] += piece.toString('latin1')
      answer(socket, received[connection] ?? '')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of open) socket.destroy()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { to: [`http://127.0.0.1:${port}`], received }
}

/** Opens a WebSocket as browsers do, with a token that they could not send along. */
export async function openWebSocket(
  { port }: World,
  path: string,
  token?: string,
  protocols: readonly string[] = [],
): Promise<WebSocket> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, {
    headers,
    protocols: [...protocols],
  })
  socket.binaryType = 'arraybuffer'
  await Promise.race([
    once(socket, 'open'),
    once(socket, 'error').then(() => {
      throw new Error(`no WebSocket at ${path}`)
    }),
  ])
  return socket
}

/** What a client is told at the end. */
export async function farewellOf(socket: WebSocket): Promise<[code: number, reason: string]> {
  const [event] = (await once(socket, 'close')) as [{ code: number; reason: string }]
  return [event.code, event.reason]
}
