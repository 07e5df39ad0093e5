import { once } from 'node:events'
import type { Socket } from 'node:net'
import { connect, createServer } from 'node:net'

/** A TCP proxy on loopback that can fall silent: a partition, as the parts on both sides see it. */
export interface SilentProxy {
  readonly port: number
  /** From now on nothing passes; connections stay open, and new ones are accepted and say nothing. */
  readonly fallSilent: () => void
  /** On the connections that there are, nothing passes any more; they stay open, and new ones work. */
  readonly forget: () => void
  /** Passes again, on new connections: what hung so far is cut. */
  readonly heal: () => void
  readonly close: () => Promise<void>
}

/** `target` is asked at each connection, so that what is behind it may start later or move. */
export async function startSilentProxy(target: () => number): Promise<SilentProxy> {
  const sockets = new Set<Socket>()
  let isSilent = false

  const keep = (socket: Socket): Socket => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.once('close', () => sockets.delete(socket))
    return socket
  }
  const server = createServer((inner) => {
    keep(inner)
    if (isSilent) {
      inner.pause()
      return
    }
    const outer = keep(connect(target(), '127.0.0.1'))
    inner.pipe(outer)
    outer.pipe(inner)
    inner.once('close', () => outer.destroy())
    outer.once('close', () => inner.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('not listening on TCP')

  const forget = (): void => {
    for (const socket of sockets) socket.unpipe().pause()
  }
  return {
    port: address.port,
    fallSilent: () => {
      isSilent = true
      forget()
    },
    forget,
    heal: () => {
      isSilent = false
      for (const socket of sockets) socket.destroy()
    },
    close: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
