import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Verifier } from '@portcullis/verify'
import {
  authenticateHeader,
  authorizationFields,
  problemOf,
  responseHeadersOf,
  VerifyError,
} from '@portcullis/verify'

/** A service on loopback behind one adapter: whoever is let in gets a 200. */
export interface AdapterServer {
  readonly name: string
  readonly serve: (
    verifier: Verifier,
  ) => Promise<{ readonly url: string; readonly close: () => Promise<void> }>
}

/** A service without any framework, as one would write it over `authenticateHeader`. */
export const plainServer: AdapterServer = {
  name: 'node:http',
  serve: async (verifier) => {
    const server = createServer((request, response) => {
      authenticateHeader(verifier, authorizationFields(request.rawHeaders)).then(
        () => response.end('let in'),
        (error: unknown) => {
          if (!(error instanceof VerifyError)) return response.destroy()
          response.writeHead(error.status, { ...responseHeadersOf(error) })
          return response.end(JSON.stringify(problemOf(error)))
        },
      )
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (address === null || typeof address === 'string') throw new TypeError('not on TCP')
    return {
      url: `http://127.0.0.1:${address.port}`,
      close: async () => {
        server.close()
        server.closeAllConnections()
        await once(server, 'close')
      },
    }
  },
}
