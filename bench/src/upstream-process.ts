import { createServer } from 'node:http'
import { parseArgs } from 'node:util'

/** The service behind everybody: it answers the same and does nothing. */
const { positionals } = parseArgs({ allowPositionals: true })
const body = JSON.stringify({ order: 42, state: 'shipped', lines: ['a book', 'a lamp'] })
const headers = {
  'content-type': 'application/json',
  'content-length': Buffer.byteLength(body),
}
const server = createServer((_request, response) => {
  response.writeHead(200, headers).end(body)
})
// Nobody loses a connection to it between two rounds.
server.keepAliveTimeout = 3_600_000
server.listen(Number(positionals[0]), '127.0.0.1')
