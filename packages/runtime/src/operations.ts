import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ListenAddress } from './listen.ts'
import { listen } from './listen.ts'
import type { Exposition, Metrics } from './metrics.ts'
import type { Running } from './process.ts'

// Not by `import`, which reads every member of this module: one of them loads an HTTP client, which takes 50 ms
// and 15 MB.
const { createServer } = process.getBuiltinModule('node:http')

export interface OperationsOptions extends ListenAddress {
  /** Names what is not ready; an empty list means ready. */
  readonly notReady: () => Promise<readonly string[]>
  /** Names what somebody should see to although it is ready. */
  readonly warnings?: () => readonly string[]
  /** Served at `/metrics`. */
  readonly metrics: Pick<Metrics, 'exposition'>
}

export interface Operations extends Running {
  readonly port: number
}

/** Operators' requests have no bodies; a connection that is slower than this is not one of theirs. */
const timeLimits = {
  headersTimeout: 10_000,
  requestTimeout: 10_000,
  connectionsCheckingInterval: 500,
}

/**
 * The listener for operators, apart from the public one: `GET /health/live` answers 200 while the
 * process runs, `GET /health/ready` 200 or 503 with what is missing, and either with what somebody should see to;
 * `GET /metrics` what Prometheus reads.
 */
export async function startOperations(options: OperationsOptions): Promise<Operations> {
  const server = createServer(timeLimits, (request, response) => {
    answer(request, options)
      .catch((): Answer => ({ status: 500, body: { status: 'error' } }))
      .then((answered) => send(response, answered))
      .catch(() => response.destroy())
  })
  const port = await listen(server, options, 'the operations listener')
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

interface Answer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>> | Exposition
  readonly allow?: string
}

const known: readonly string[] = ['/health/live', '/health/ready', '/metrics']

async function answer(request: IncomingMessage, options: OperationsOptions): Promise<Answer> {
  const path = request.url?.split('?', 1)[0]
  if (path === undefined || !known.includes(path)) {
    return { status: 404, body: { status: 'not-found', known } }
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return { status: 405, body: { status: 'method-not-allowed' }, allow: 'GET, HEAD' }
  }
  if (path === '/metrics') return { status: 200, body: await options.metrics.exposition() }
  if (path === '/health/live') return { status: 200, body: { status: 'ok' } }
  const missing = await options.notReady()
  const names = options.warnings?.() ?? []
  const warnings = names.length === 0 ? {} : { warnings: names }
  return missing.length === 0
    ? { status: 200, body: { status: 'ok', ...warnings } }
    : { status: 503, body: { status: 'not-ready', missing, ...warnings } }
}

function send(response: ServerResponse, { status, body, allow }: Answer): void {
  const { contentType, text } = isExposition(body)
    ? body
    : { contentType: 'application/json', text: JSON.stringify(body) }
  response.setHeader('content-type', contentType)
  response.setHeader('cache-control', 'no-store')
  if (allow !== undefined) response.setHeader('allow', allow)
  response.writeHead(status).end(text)
}

function isExposition(body: Answer['body']): body is Exposition {
  return 'contentType' in body
}
