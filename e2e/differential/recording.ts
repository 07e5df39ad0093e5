import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { createServer } from 'node:net'
import { replyOctets, replyTo } from './answers.ts'
import type { Received } from './comparison.ts'
import { readRequests, valuesOf } from './messages.ts'
import type { ServiceName } from './world.ts'
import { services } from './world.ts'

export interface Services {
  readonly origins: ReadonlyMap<ServiceName, string>
  readonly close: () => void
}

/** Told of each whole request with its tag, and of whatever is none. */
export interface Recording {
  readonly request: (tag: string, received: Received) => void
  readonly note: (fault: string) => void
}

/** A gateway may send more than a client: it says something itself. */
const bounds = { headerOctets: 100_000, fields: 200 }

/** Sockets that read what comes as octets, by the letter, and answer each request with what belongs to its tag. */
export async function startServices(recording: Recording): Promise<Services> {
  const open = new Set<Socket>()
  const servers = services.map((name) => {
    const server = createServer({ noDelay: true }, (socket) => {
      open.add(socket)
      socket.once('close', () => open.delete(socket))
      record(socket, name, recording)
    })
    server.listen(0, '127.0.0.1')
    return { name, server }
  })
  await Promise.all(servers.map(({ server }) => once(server, 'listening')))
  return {
    origins: new Map(
      servers.map(({ name, server }) => {
        const { port } = server.address() as AddressInfo
        return [name, `http://127.0.0.1:${port}`]
      }),
    ),
    close: () => {
      for (const socket of open) socket.destroy()
      for (const { server } of servers) server.close()
    },
  }
}

function record(socket: Socket, service: ServiceName, { request, note }: Recording): void {
  let unread = ''
  socket.on('error', () => socket.destroy())
  socket.on('data', (piece: Buffer) => {
    unread += piece.toString('latin1')
    const { messages, rest, until } = readRequests(unread, bounds)
    for (const message of messages) {
      const tags = valuesOf(message.fields, 'x-tag')
      const [tag = ''] = tags
      if (tags.length !== 1) note(`${service} got a request with the tags "${tags.join()}"`)
      request(tag, { service, message })
      socket.write(Buffer.from(replyOctets(replyTo(tag), message.method), 'latin1'))
    }
    if (rest === 'no message' || rest === 'after the last') {
      note(
        `${service} got octets that are no request: ${JSON.stringify(unread.slice(until, until + 2000))}`,
      )
      socket.destroy()
    }
    unread = unread.slice(until)
  })
}
