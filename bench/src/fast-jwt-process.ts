import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:http'
import { parseArgs } from 'node:util'
import { fastJwtVerifier } from './fast-jwt-verifier.ts'
import { bearerOf, readTrust } from './proxy-trust.ts'

/** What one writes for `auth_request` of nginx: 204 for a token that fast-jwt takes, its cache on, else 401. */
const { positionals } = parseArgs({ allowPositionals: true })
const [port, , trustPath = ''] = positionals
const verify = fastJwtVerifier(readTrust(trustPath), 20_000)

const server = createServer((request, response) => {
  response.writeHead(request.url === '/open' || isKnown(request) ? 204 : 401).end()
})
server.keepAliveTimeout = 3_600_000
server.listen(Number(port), '127.0.0.1')

function isKnown({ headers }: IncomingMessage): boolean {
  try {
    verify(bearerOf(headers.authorization))
    return true
  } catch {
    return false
  }
}
