import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { connect, createServer } from 'node:net'
import type { TestContext } from 'node:test'
import type { Fetch } from '@portcullis/verify'

/** A path through the network that can go dead without a word, as a half-open connection does. */
export interface TcpProxy {
  /** `fetch` whose connections take this path. */
  readonly fetch: Fetch
  /** `localhost:<port>` */
  readonly address: string
  /** Octets are swallowed both ways; connections stay open and new ones are accepted. */
  readonly goSilent: () => void
  /** New connections get through; those of before stay dead. */
  readonly heal: () => void
}

export async function startTcpProxy(t: TestContext, target: string): Promise<TcpProxy> {
  const sockets = new Set<Socket>()
  let isSilent = false
  const server = createServer((near) => {
    const far = connect(Number(new URL(target).port), new URL(target).hostname)
    let isDead = false
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from)
      from.on('data', (chunk) => {
        isDead ||= isSilent
        if (!isDead) to.write(chunk)
      })
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
      from.on('error', () => to.destroy())
    }
  })
  server.listen(0, 'localhost')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  t.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return {
    fetch: (url, init) => fetch(url.replace(target, `http://localhost:${port}`), init),
    address: `localhost:${port}`,
    goSilent: () => {
      isSilent = true
    },
    heal: () => {
      isSilent = false
    },
  }
}
