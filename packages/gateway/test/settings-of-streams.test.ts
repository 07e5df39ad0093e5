import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StartError } from '@portcullis/runtime'
import { parseGatewaySettings } from '../src/index.ts'

const to = ['http://127.0.0.1:4001']
const smallest = {
  listen: { port: 4003 },
  issuer: 'https://id.example',
  auth: { audience: 'orders' },
  routes: [{ match: '/orders/*', to }],
}

test('a route opens WebSockets only by name, and allowed origins are origins', () => {
  const route = { match: '/a', to, upgrade: ['websocket'] }
  const { routes } = parseGatewaySettings({
    ...smallest,
    routes: [
      route,
      { ...route, match: '/b', allowedOrigins: ['https://app.example'] },
      { match: '/c', to, upgrade: [] },
    ],
  })
  assert.deepEqual(
    routes.map(({ webSocket }) => webSocket),
    [{ allowedOrigins: [] }, { allowedOrigins: ['https://app.example'] }, undefined],
  )
  const pointers = pointersOf({
    ...smallest,
    routes: [
      { match: '/a', to, upgrade: ['h2c'] },
      { match: '/b', to, upgrade: 'websocket' },
      { match: '/c', to, allowedOrigins: ['https://app.example'] },
      { ...route, match: '/d', allowedOrigins: ['*', 'https://app.example/', 'null'] },
      { ...route, match: '/e', methods: ['POST'] },
      { match: '/f', upgrade: ['websocket'] },
    ],
    trustedProxies: ['127.0.0.1'],
    forwardAuth: { dialect: 'nginx' },
  })
  assert.deepEqual(
    new Set(pointers),
    new Set([
      '/routes/0/upgrade/0',
      '/routes/1/upgrade',
      '/routes/2/allowedOrigins',
      '/routes/3/allowedOrigins/0',
      '/routes/3/allowedOrigins/1',
      '/routes/3/allowedOrigins/2',
      '/routes/4/upgrade',
      '/routes/5/upgrade',
    ]),
  )
})

test('a request has at least as long as its headers', () => {
  const limits = { headersTimeoutSeconds: 60, requestTimeoutSeconds: 30, totalTimeoutSeconds: 1 }
  assert.deepEqual(
    new Set(pointersOf({ ...smallest, limits })),
    new Set(['/limits/requestTimeoutSeconds', '/limits/totalTimeoutSeconds']),
  )
  assert.deepEqual(pointersOf({ ...smallest, limits: { requestTimeoutSeconds: 5 } }), [
    '/limits/requestTimeoutSeconds',
  ])
  const { limits: read } = parseGatewaySettings({
    ...smallest,
    limits: { requestTimeoutSeconds: 10, totalTimeoutSeconds: 2 },
  })
  assert.equal(read.totalTimeoutSeconds, 2)
})

test('a route has the whole time of the file, or one of its own', () => {
  const { routes } = parseGatewaySettings({
    ...smallest,
    limits: { totalTimeoutSeconds: 60 },
    routes: [
      { match: '/a', to },
      { match: '/b', to, limits: { totalTimeoutSeconds: 3600 } },
    ],
  })
  assert.deepEqual(
    routes.map(({ limits }) => limits.totalTimeoutSeconds),
    [60, 3600],
  )
})

function pointersOf(value: unknown): string[] {
  try {
    parseGatewaySettings(value)
  } catch (error) {
    assert.ok(error instanceof StartError)
    const [, ...lines] = error.message.split('\n')
    return lines.map((line) => /^ {2}(\(the whole\)|\/\S*) /.exec(line)?.[1] ?? line)
  }
  return []
}
