import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { parseGatewaySettings } from '../src/index.ts'
import { fields } from './http-client.ts'
import type { Recorder } from './recorder.ts'
import { startRecorder } from './recorder.ts'
import type { World } from './world.ts'
import { startWorld } from './world.ts'

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const callerId = '00f067aa0ba902b7'
const traceparent = (flags: string): string => `traceparent: 00-${traceId}-${callerId}-${flags}`

interface SentSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly kind: number
  readonly attributes: readonly {
    readonly key: string
    readonly value: { readonly stringValue?: string; readonly intValue?: number }
  }[]
}

interface Traced extends World {
  readonly collector: Recorder
  /** What the collector has got once the gateway has ended. */
  readonly spans: () => Promise<readonly SentSpan[]>
}

async function startTraced(
  t: TestContext,
  sampleRatio: number,
  members: object = {},
): Promise<Traced> {
  const collector = await startRecorder()
  t.after(collector.close)
  const endpoint = `${collector.origin}/v1/traces`
  const world = await startWorld(t, {
    file: () => ({ tracing: { endpoint, sampleRatio }, ...members }),
  })
  const spans = async (): Promise<readonly SentSpan[]> => {
    await world.close()
    return collector.requests.flatMap(({ body }) => {
      const { resourceSpans } = JSON.parse(body) as {
        readonly resourceSpans: readonly {
          readonly scopeSpans: readonly { readonly spans: readonly SentSpan[] }[]
        }[]
      }
      return resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans))
    })
  }
  return { ...world, collector, spans }
}

function factsOf({ attributes }: SentSpan): Record<string, string | number | undefined> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [key, value.stringValue ?? value.intValue]),
  )
}

test('a request is two spans, and the service is told the second', async (t) => {
  const world = await startTraced(t, 1)
  const headers = fields(traceparent('00'), 'tracestate: a=1', 'Host: shop.example')
  const path = '/public/secret-path?secret=query'
  assert.equal((await world.ask({ path, headers })).status, 200)
  const { status } = await world.ask({ path: '/orders/secret-path', token: 'secret-token' })
  assert.equal(status, 401)
  const [call, request, refused, ...others] = (await world.spans()).toSorted(
    (one, other) => Number(one.kind === 2) - Number(other.kind === 2),
  )
  assert.ok(call !== undefined && request !== undefined && refused !== undefined)
  assert.deepEqual(others, [])
  assert.equal(request.name, 'GET /public/*')
  assert.deepEqual([request.traceId, request.parentSpanId], [traceId, callerId])
  assert.deepEqual([call.traceId, call.parentSpanId], [traceId, request.spanId])
  const [got] = world.service.requests
  assert.deepEqual(got?.all('traceparent'), [`00-${traceId}-${call.spanId}-01`])
  assert.deepEqual(got?.all('tracestate'), ['a=1'])
  assert.deepEqual(factsOf(request), {
    'http.request.method': 'GET',
    'http.route': '/public/*',
    'http.response.status_code': 200,
    'server.address': 'shop.example',
    'url.scheme': 'http',
    'network.protocol.version': '1.1',
  })
  assert.deepEqual(factsOf(call), {
    'http.request.method': 'GET',
    'http.response.status_code': 200,
    'server.address': '127.0.0.1',
    'server.port': world.service.port,
    'url.scheme': 'http',
  })
  // Its client had no trace, and a new one was begun.
  assert.notEqual(refused.traceId, traceId)
  const { 'error.type': reason, 'http.response.status_code': refusedWith } = factsOf(refused)
  assert.deepEqual([reason, refusedWith], ['malformed', 401])
  assert.ok(world.log().includes(`"traceId":"${traceId}"`))
  assert.ok(world.log().includes(`"traceId":"${refused.traceId}"`))
  for (const { body } of world.collector.requests) assert.doesNotMatch(body, /secret/)
})

test('a client cannot have itself recorded, and a trusted proxy decides', async (t) => {
  const flagsFor = async (sampleRatio: number, members: object): Promise<readonly string[]> => {
    const world = await startTraced(t, sampleRatio, members)
    for (const flags of ['01', '00']) {
      await world.ask({ path: '/public', headers: fields(traceparent(flags)) })
    }
    await world.ask({ path: '/public' })
    const handedOn = world.service.requests.flatMap((request) => request.all('traceparent'))
    for (const one of handedOn)
      assert.match(one, /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-0[01]$/)
    // The span id is always one of the gateway.
    assert.ok(!handedOn.some((one) => one.includes(callerId)))
    const spans = await world.spans()
    const flags = handedOn.map((one) => one.slice(-2))
    assert.equal(spans.length, flags.filter((one) => one === '01').length * 2)
    return flags
  }
  const trusted = { trustedProxies: ['127.0.0.1'] }
  assert.deepEqual(await flagsFor(0, {}), ['00', '00', '00'])
  assert.deepEqual(await flagsFor(1, {}), ['01', '01', '01'])
  assert.deepEqual(await flagsFor(0, trusted), ['01', '00', '00'])
  assert.deepEqual(await flagsFor(1, trusted), ['01', '00', '01'])
})

function settingsOf(tracing: object): unknown {
  const routes = [{ match: '/a', to: ['http://127.0.0.1:9'], auth: { mode: 'none' } }]
  return parseGatewaySettings({ listen: { port: 0 }, issuer: 'https://a', routes, tracing }).tracing
}

test('spans go where the file says, to a URL without a secret', () => {
  const endpoint = 'https://collector.example/v1/traces'
  assert.deepEqual(settingsOf({ endpoint }), { endpoint, sampleRatio: 0.1 })
  const wrong = [
    {},
    { endpoint: 'collector:4318' },
    { endpoint: 'https://me:secret@collector.example' },
    { endpoint, sampleRatio: 1.1 },
    { endpoint, ratio: 1 },
  ]
  for (const tracing of wrong) {
    assert.throws(
      () => settingsOf(tracing),
      /1 mistake in .*\n.*\/tracing/,
      JSON.stringify(tracing),
    )
  }
})

test('a collector that is away costs nothing but spans, and is told of once', async (t) => {
  const world = await startWorld(t, {
    file: () => ({ tracing: { endpoint: 'http://127.0.0.1:9/v1/traces', sampleRatio: 1 } }),
  })
  for (let round = 0; round < 1500; round += 1) {
    const { status } = await world.ask({ path: '/public' })
    assert.equal(status, 200)
  }
  const startedMs = performance.now()
  while (!world.log().includes('spans are lost')) {
    assert.ok(performance.now() - startedMs < 15_000, 'nobody is told')
    await setTimeout(20)
  }
  const stoppedMs = performance.now()
  await world.close()
  assert.ok(performance.now() - stoppedMs < 5000)
  assert.equal(world.log().match(/spans are lost/g)?.length, 1)
})
