import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import type { SpanFacts, TraceParent } from '@portcullis/runtime'
import { createLog } from '@portcullis/runtime'
import { createHttpServer } from '../src/http/server.ts'

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const traceparent = (flags: string): string => `00-${traceId}-00f067aa0ba902b7-${flags}`

interface Begun {
  readonly parent: TraceParent | undefined
  readonly isTrusted: boolean
}

/** A listener with one route, and what it tells of its requests. */
function startListener(t: TestContext, trustedProxies: readonly string[]) {
  const begun: Begun[] = []
  const ended: SpanFacts[] = []
  const app = createHttpServer(createLog({ name: 'identity', level: 'silent' }), {
    issuer: 'http://localhost:4000',
    trustedProxies,
    tracing: {
      begin: (parent, isTrusted) => {
        begun.push({ parent, isTrusted })
        const context = { traceId, spanId: '1'.repeat(16), isSampled: true }
        return { context, beginCall: () => assert.fail(), end: (facts) => ended.push(facts) }
      },
      close: async () => undefined,
    },
  })
  app.get('/things/:id', async (request, reply) =>
    reply.code(request.headers['x-fail'] === undefined ? 200 : 500).send({}),
  )
  app.get('/beats', { config: { isBackground: true } }, async () => ({}))
  t.after(() => app.close())
  const ask = (url: string, headers: Readonly<Record<string, string>> = {}) =>
    app.inject({ url, headers: { host: 'id.example', ...headers } })
  return { ask, begun, ended }
}

test('a span of identity has method, route and status, and nothing that somebody has sent but the host', async (t) => {
  const { ask, ended } = startListener(t, [])
  await ask('/things/secret-id?secret=query', { authorization: 'Bearer secret-token' })
  await ask('/things/1', { 'x-fail': 'yes' })
  await ask('/nowhere/secret-path')
  const usual = { 'http.request.method': 'GET', 'server.address': 'id.example' }
  const more = { 'url.scheme': 'http', 'network.protocol.version': '1.1' }
  assert.deepEqual(ended, [
    {
      name: 'GET /things/:id',
      attributes: {
        ...usual,
        ...more,
        'http.route': '/things/:id',
        'http.response.status_code': 200,
        'error.type': undefined,
      },
      isError: false,
    },
    {
      name: 'GET /things/:id',
      attributes: {
        ...usual,
        ...more,
        'http.route': '/things/:id',
        'http.response.status_code': 500,
        'error.type': '500',
      },
      isError: true,
    },
    {
      name: 'GET',
      attributes: {
        ...usual,
        ...more,
        'http.route': undefined,
        'http.response.status_code': 404,
        'error.type': 'not-found',
      },
      isError: false,
    },
  ])
})

test('only a trusted proxy may say whether a request is recorded, and what followers report all the time is none', async (t) => {
  const strangers = startListener(t, [])
  await strangers.ask('/things/1', { traceparent: traceparent('01') })
  await strangers.ask('/things/1', { traceparent: 'nonsense' })
  assert.deepEqual(
    strangers.begun.map(({ parent, isTrusted }) => [parent?.traceId, isTrusted]),
    [
      [traceId, false],
      [undefined, false],
    ],
  )
  const proxied = startListener(t, ['127.0.0.1'])
  await proxied.ask('/beats', { traceparent: traceparent('01') })
  assert.deepEqual(
    proxied.begun.map(({ parent, isTrusted }) => [parent?.isSampled, isTrusted]),
    [[true, true]],
  )
  assert.deepEqual(proxied.ended, [])
})
