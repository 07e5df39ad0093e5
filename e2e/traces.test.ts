import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { context, propagation, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import type { Client } from '@portcullis/client'
import { createClient } from '@portcullis/client'
import { parseGatewaySettings, startGateway } from '@portcullis/gateway'
import type { Identity } from '@portcullis/identity'
import {
  bootstrap,
  newClientCredential,
  newRandomSecret,
  parseIdentitySettings,
  readSecrets,
  startIdentity,
} from '@portcullis/identity'
import { createLog } from '@portcullis/runtime'
import { keepLines } from '../packages/runtime/test/kept-lines.ts'
import { freePort } from '../tools/free-port.ts'
import { untilItWorks } from './patience.ts'
import { newFolder, removeFolder } from './running-system.ts'
import type { CollectedSpan, SpanCollector } from './traces/span-collector.ts'
import { startSpanCollector } from './traces/span-collector.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const alice = { identifier: 'alice', password: newRandomSecret(), roles: ['customer'] }
const service = {
  ...newClientCredential(),
  name: 'services',
  audiences: [],
  scopes: ['revocations.read'],
}

interface World {
  readonly client: Client
  readonly gateway: string
  readonly collector: SpanCollector
  readonly log: () => string
  /** Sends what is still there. */
  readonly flush: () => Promise<void>
}

/** The SDK of the client, for this process: the gateway and identity, which run in it, use none that is global. */
function startClientTracing(t: TestContext, endpoint: string): TracerProvider {
  const exporter = new OTLPTraceExporter({ url: `${endpoint}/v1/traces` })
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'client' }),
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
  })
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  propagation.setGlobalPropagator(new W3CTraceContextPropagator())
  trace.setGlobalTracerProvider(provider)
  t.after(async () => {
    context.disable()
    propagation.disable()
    trace.disable()
    await provider.shutdown()
  })
  return provider
}

/** The file that docs/traces.md shows, where it finds the libraries. */
function writeDocumentedTracing(): string {
  const page = readFileSync(join(root, 'docs/traces.md'), 'utf8')
  const [, text = ''] = /<!-- service -->\n+```js\n(.*?)```/s.exec(page) ?? []
  assert.ok(text.includes('registerInstrumentations'))
  const folder = join(root, 'node_modules', '.cache', 'traces')
  mkdirSync(folder, { recursive: true })
  const path = join(folder, 'tracing.mjs')
  writeFileSync(path, text)
  return path
}

async function startService(
  t: TestContext,
  main: string,
  variables: Readonly<Record<string, string>>,
): Promise<void> {
  const parameters = ['--conditions=@portcullis/source', '--import', writeDocumentedTracing(), main]
  const child: ChildProcess = spawn(process.execPath, parameters, {
    cwd: root,
    env: { ...process.env, OTEL_BSP_SCHEDULE_DELAY: '100', ...variables },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const ended = once(child, 'exit')
  t.after(async () => {
    child.kill('SIGKILL')
    await ended
  })
}

interface IssuerParts {
  readonly issuer: string
  readonly folder: string
  readonly lines: string[]
  readonly tracing: object
}

async function startIssuer({ issuer, folder, lines, tracing }: IssuerParts): Promise<Identity> {
  const database = `sqlite:${join(folder, 'identity.db')}`
  await bootstrap({ database, accounts: [alice], clients: [service] })
  const file = {
    issuer,
    database,
    audiences: { orders: { scopes: ['orders:read'], roles: ['customer'] } },
    roles: { customer: { orders: ['orders:read'] } },
    listen: { host: 'localhost', port: Number(new URL(issuer).port) },
    operations: { port: 0 },
    tracing,
  }
  const secrets = readSecrets({
    PORTCULLIS_SEALING_KEY: randomBytes(32).toString('base64'),
    PORTCULLIS_REFRESH_PEPPER: randomBytes(32).toString('base64'),
  })
  const log = createLog({ name: 'identity', destination: keepLines(lines) })
  return startIdentity(parseIdentitySettings(file, 'the test'), { ...secrets, log })
}

interface ServiceParts {
  readonly issuer: string
  readonly folder: string
  readonly endpoint: string
}

/** Answers the origins of the example, and of one that asks identity. */
async function startServices(
  t: TestContext,
  { issuer, folder, endpoint }: ServiceParts,
): Promise<{ readonly orders: string; readonly billing: string }> {
  const [orders, billing] = [await freePort(), await freePort()]
  const clientFile = join(folder, 'service.json')
  const { clientId: client_id, clientSecret: client_secret } = service
  writeFileSync(clientFile, JSON.stringify({ client_id, client_secret }), { mode: 0o600 })
  await startService(t, 'examples/orders/src/main.ts', {
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    OTEL_SERVICE_NAME: 'orders',
    ORDERS_PORT: String(orders),
    ORDERS_ISSUER: issuer,
    ORDERS_DATABASE: join(folder, 'orders.db'),
    ORDERS_CLIENT_FILE: clientFile,
  })
  await startService(t, 'e2e/traces/calling-service-process.ts', {
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    OTEL_SERVICE_NAME: 'billing',
    CALLING_PORT: String(billing),
    CALLING_ISSUER: issuer,
    CALLING_CLIENT: Buffer.from(`${client_id}:${client_secret}`).toString('base64'),
  })
  return { orders: `http://127.0.0.1:${orders}`, billing: `http://127.0.0.1:${billing}` }
}

async function startWorld(t: TestContext): Promise<World> {
  const collector = await startSpanCollector()
  t.after(collector.close)
  const folder = newFolder()
  t.after(() => removeFolder(folder))
  const issuer = `http://localhost:${await freePort()}`
  const lines: string[] = []
  const { endpoint } = collector
  const tracing = { endpoint: `${endpoint}/v1/traces`, sampleRatio: 1 }
  const identity = await startIssuer({ issuer, folder, lines, tracing })
  const { orders, billing } = await startServices(t, { issuer, folder, endpoint })
  const auth = { audience: 'orders', scope: ['orders:read'] }
  const routes = [
    { match: '/orders/*', to: [orders], auth },
    { match: '/billing/*', to: [billing], auth },
  ]
  const settings = parseGatewaySettings({ listen: { port: 0 }, issuer, routes, tracing })
  const gateway = await startGateway(settings, {
    log: createLog({ name: 'gateway', destination: keepLines(lines) }),
  })
  const provider = startClientTracing(t, endpoint)
  let isOpen = true
  const flush = async (): Promise<void> => {
    if (!isOpen) return
    isOpen = false
    await Promise.all([provider.forceFlush(), gateway.close()])
    await identity.close()
  }
  t.after(flush)
  return {
    client: createClient({ issuer, fetch: tracedFetch }),
    gateway: `http://127.0.0.1:${gateway.port}`,
    collector,
    log: () => lines.join(''),
    flush,
  }
}

/** As docs/traces.md has it. */
function tracedFetch(url: string, init: RequestInit): Promise<Response> {
  const headers = new Headers(init.headers)
  propagation.inject(context.active(), headers, { set: (to, name, value) => to.set(name, value) })
  return fetch(url, { ...init, headers })
}

test('a request is one trace from the client through the gateway to a service and to identity, and each is the child of whoever asked', async (t) => {
  const { client, gateway, collector, log, flush } = await startWorld(t)
  const { identifier, password } = alice
  const { sessionId } = await client.login({ identifier, password })
  for (const path of ['/orders', '/billing']) {
    await untilItWorks(async () => {
      assert.equal((await client.fetch(`${gateway}${path}`)).status, 200, path)
    })
  }
  const tracer = trace.getTracer('a page')
  const traceId = await tracer.startActiveSpan('a visit', async (span) => {
    await client.login({ identifier, password })
    for (const path of ['/orders?secret=query', '/billing?secret=query']) {
      assert.equal((await client.fetch(`${gateway}${path}`)).status, 200, path)
    }
    span.end()
    return span.spanContext().traceId
  })
  const ofTrace = (): readonly CollectedSpan[] =>
    collector.spans.filter((span) => span.traceId === traceId)
  await flush()
  await untilItWorks(async () => {
    assert.equal(ofTrace().length, 10, namesOf(ofTrace()))
  })

  const expected = [
    'client: a visit',
    'client: a visit > identity: POST /login',
    'client: a visit > gateway: GET /orders/*',
    'client: a visit > gateway: GET /orders/* > gateway: GET',
    'client: a visit > gateway: GET /orders/* > gateway: GET > orders: GET',
    'client: a visit > gateway: GET /billing/*',
    'client: a visit > gateway: GET /billing/* > gateway: GET',
    'client: a visit > gateway: GET /billing/* > gateway: GET > billing: GET',
    'client: a visit > gateway: GET /billing/* > gateway: GET > billing: GET > billing: POST',
    'client: a visit > gateway: GET /billing/* > gateway: GET > billing: GET > billing: POST > identity: POST /introspect',
  ]
  assert.deepEqual(
    ofTrace()
      .map((span) => wayTo(span, ofTrace()))
      .toSorted(),
    expected.toSorted(),
  )

  const own = collector.sentBy('portcullis-identity') + collector.sentBy('portcullis-gateway')
  assert.ok(own.length > 1000)
  for (const secret of ['secret', password, identifier, sessionId]) {
    assert.ok(!own.includes(secret), 'a span tells what it must not')
  }
  const lines = log()
    .split('\n')
    .filter((line) => line.includes(traceId))
  const told = lines.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>)
  assert.deepEqual(
    told.map(({ name, msg, route }) => [name, msg, route].join(' ').trim()).toSorted(),
    [
      'gateway request /billing/*',
      'gateway request /orders/*',
      'identity introspect',
      'identity login',
      'identity request /introspect',
      'identity request /login',
    ],
  )
})

/** From the first of its trace to it. */
function wayTo(span: CollectedSpan, all: readonly CollectedSpan[]): string {
  const name = `${span.service.replace('portcullis-', '')}: ${span.name}`
  if (span.parentSpanId === undefined || span.parentSpanId === '') return name
  const parent = all.find(({ spanId }) => spanId === span.parentSpanId)
  return `${parent === undefined ? 'nobody' : wayTo(parent, all)} > ${name}`
}

function namesOf(spans: readonly CollectedSpan[]): string {
  return spans.map((span) => wayTo(span, spans)).join('\n')
}
