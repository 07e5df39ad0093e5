import type * as http from 'node:http'
import { createRequire } from 'node:module'

// What is required can be instrumented without a loader.
const { createServer } = createRequire(import.meta.url)('node:http') as typeof http

/** A service that asks identity about the token of each request, as one that judges none itself. Knows nothing of traces. */
const { CALLING_PORT, CALLING_ISSUER, CALLING_CLIENT } = process.env

async function introspect(authorization = ''): Promise<number> {
  const answer = await fetch(`${CALLING_ISSUER}/introspect`, {
    method: 'POST',
    headers: { authorization: `Basic ${CALLING_CLIENT}` },
    body: new URLSearchParams({ token: authorization.replace(/^Bearer /, '') }),
  })
  await answer.arrayBuffer()
  return answer.status
}

createServer((request, response) => {
  introspect(request.headers.authorization).then(
    (status) => response.writeHead(status).end(),
    () => response.writeHead(502).end(),
  )
}).listen(Number(CALLING_PORT), '127.0.0.1')
