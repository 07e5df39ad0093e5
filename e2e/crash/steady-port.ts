import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

const steadyPortsMin = 20_000
const steadyPortsMax = 30_000

/**
 * A free port below those that systems give to outgoing connections: one of them could take it in the
 * moment between a kill and the next start.
 */
export async function steadyPort(): Promise<number> {
  for (let tries = 0; tries < 50; tries += 1) {
    const port = randomInt(steadyPortsMin, steadyPortsMax)
    const server = createServer()
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true))
    })
    if (!isFree) continue
    server.close()
    await once(server, 'close')
    return port
  }
  throw new Error('no free port was found')
}
