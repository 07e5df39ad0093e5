import type { Buffer } from 'node:buffer'
import type { Duplex } from 'node:stream'
import type { Socket } from 'node:net'
import { closeFrame, createFramePosition } from './frames.ts'

/** A WebSocket under way: octets go both ways as they come, each side read as fast as the other takes them. */
export interface Tunnel {
  /**
   * Cuts the service, and tells the client why by a close frame (RFC 6455 section 7.4) where the last frame of the
   * service is whole; where it is not, the client's connection just ends.
   */
  readonly end: (farewell: Farewell) => void
}

export interface Farewell {
  readonly code: number
  /** Short, and ASCII. */
  readonly reason: string
}

export interface TunnelEnds {
  readonly client: Socket
  readonly service: Duplex
  readonly idleMs: number
}

export interface Tunnels {
  readonly open: (ends: TunnelEnds) => Tunnel
  /** Ends them all, and from now on each one that is opened. */
  readonly close: () => void
}

/** RFC 6455 section 7.4.1: a server that goes down, or will not wait any longer. */
const goingAway = 1001
/** How long the second side may take to close when the first one has. */
const lingerMs = 2000

export function createTunnels(): Tunnels {
  const open = new Set<Tunnel>()
  let isClosing = false
  const stop = (tunnel: Tunnel): void => tunnel.end({ code: goingAway, reason: 'shutdown' })
  return {
    open: (ends) => {
      const tunnel = openTunnel(ends)
      open.add(tunnel)
      ends.client.once('close', () => open.delete(tunnel))
      if (isClosing) stop(tunnel)
      return tunnel
    },
    close: () => {
      isClosing = true
      for (const tunnel of open) stop(tunnel)
    },
  }
}

function openTunnel({ client, service, idleMs }: TunnelEnds): Tunnel {
  const position = createFramePosition()
  let timer: NodeJS.Timeout | undefined
  const cutSoon = (): void => {
    timer ??= setTimeout(() => client.destroy(), lingerMs)
  }

  function end({ code, reason }: Farewell): void {
    client.unpipe(service)
    service.unpipe(client)
    service.destroy()
    cutSoon()
    client.resume()
    if (client.destroyed || client.writableEnded) return
    if (position.mayBeginFrame()) client.write(closeFrame(code, reason))
    client.end()
  }

  service.on('data', (octets: Buffer) => position.note(octets))
  service.on('error', () => service.destroy())
  // The one that is left gets what is on its way to it, and the end of the connection.
  service.once('close', () => client.end())
  client.once('close', () => {
    clearTimeout(timer)
    service.destroy()
  })
  client.once('end', cutSoon)
  client.once('finish', cutSoon)
  client.setTimeout(idleMs, () => end({ code: goingAway, reason: 'idle' }))
  service.pipe(client)
  client.pipe(service)
  return { end }
}
