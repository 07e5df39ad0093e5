import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** An address of the attacker's, with the attacker's key behind it: who asks it has followed a token. */
export interface Trap {
  readonly origin: string
  /** The paths that were asked for since the last time. */
  readonly takeVisits: () => readonly string[]
  readonly close: () => Promise<void>
}

const visitsMax = 100

/** `keySet`: what is found at every path, so that a service that believes it accepts what the attacker signs. */
export async function startTrap(host: string, keys: () => readonly object[]): Promise<Trap> {
  let visits: string[] = []
  let origin = ''
  const server = createServer((request, response) => {
    if (visits.length < visitsMax) visits.push(pathOf(request.url))
    response.setHeader('content-type', 'application/json')
    // As key set and as metadata in one.
    response.end(JSON.stringify({ keys: keys(), issuer: origin, jwks_uri: `${origin}/keys.json` }))
  })
  server.listen(0, host)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  origin = `http://${host.includes(':') ? `[${host}]` : host}:${port}`
  return {
    origin,
    takeVisits: () => {
      const taken = visits
      visits = []
      return taken
    },
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Not its query, in which a token could stand. */
function pathOf(url = ''): string {
  return (url.split('?')[0] ?? '').slice(0, pathLengthMax)
}

const pathLengthMax = 100
