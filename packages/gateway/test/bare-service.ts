import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import type { AddressInfo, Server, Socket } from 'node:net'
import { createServer } from 'node:net'
import type { TestContext } from 'node:test'
import type { World } from './world.ts'
import { startWorld } from './world.ts'

/** A gateway before a service that is nothing but a socket. */
export async function startBefore(
  t: TestContext,
  serve: (socket: Socket) => void,
  limits: object = {},
): Promise<World> {
  const server: Server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    serve(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const to = [`http://127.0.0.1:${port}`]
  return startWorld(t, {
    file: () => ({ limits, routes: [{ match: '/public/*', to, auth: { mode: 'none' } }] }),
  })
}

/** Answers the first octets of each connection with these. */
export function answering(...pieces: readonly string[]): (socket: Socket) => void {
  return (socket) => {
    socket.once('data', () => {
      for (const piece of pieces) socket.write(Buffer.from(piece, 'latin1'))
    })
  }
}
