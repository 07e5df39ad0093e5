import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMetrics } from '../src/index.ts'

async function linesOf({
  exposition,
}: ReturnType<typeof createMetrics>): Promise<readonly string[]> {
  return (await exposition()).text.split('\n').filter((line) => line.startsWith('portcullis_'))
}

test('a request is counted by its method, its route and its status, and a refusal by its reason', async () => {
  const metrics = createMetrics()
  const { observe } = metrics.requests()
  const answered = { method: 'GET', route: '/orders/*', seconds: 0.004 }
  observe({ ...answered, status: 200 })
  observe({ ...answered, status: 200 })
  observe({ ...answered, status: 401, reason: 'expired' })
  const lines = await linesOf(metrics)
  const labels = 'method="GET",route="/orders/*",status="200"'
  for (const line of [
    `portcullis_http_request_duration_seconds_bucket{le="0.0025",${labels}} 0`,
    `portcullis_http_request_duration_seconds_bucket{le="0.005",${labels}} 2`,
    `portcullis_http_request_duration_seconds_count{${labels}} 2`,
    'portcullis_http_refusals_total{route="/orders/*",reason="expired"} 1',
  ]) {
    assert.ok(lines.includes(line), `${line} is not in ${lines.join('\n')}`)
  }
})

test('a method that HTTP does not know and a route that was not found make no series of their own', async () => {
  const metrics = createMetrics()
  const { observe } = metrics.requests()
  for (let one = 0; one < 50; one += 1) {
    observe({ method: `M${one}`, route: undefined, status: 404, seconds: 0.001 })
  }
  const counts = (await linesOf(metrics)).filter((line) => line.includes('_seconds_count'))
  assert.deepEqual(counts, [
    'portcullis_http_request_duration_seconds_count{method="other",route="none",status="404"} 50',
  ])
})

test('a gauge is read at each scrape, and is not told while there is nothing to tell', async () => {
  const metrics = createMetrics()
  let seq: number | undefined
  metrics.gauge({ name: 'portcullis_seq', help: 'How far.', labels: [] }, () => seq)
  assert.deepEqual(await linesOf(metrics), [])
  seq = 7
  assert.deepEqual(await linesOf(metrics), ['portcullis_seq 7'])
  seq = undefined
  assert.deepEqual(await linesOf(metrics), [])
})

test('of a gauge with labels only what is told at a scrape has a series', async () => {
  const metrics = createMetrics()
  let readings = [
    { labels: { key: 'a' }, value: 1 },
    { labels: { key: 'b' }, value: 2 },
  ]
  metrics.gauges(
    { name: 'portcullis_test', help: 'Of this test.', labels: ['key'] },
    () => readings,
  )
  assert.deepEqual(await linesOf(metrics), [
    'portcullis_test{key="a"} 1',
    'portcullis_test{key="b"} 2',
  ])
  readings = [{ labels: { key: 'b' }, value: 3 }]
  assert.deepEqual(await linesOf(metrics), ['portcullis_test{key="b"} 3'])
})

test('two registries in one process count for themselves', async () => {
  const [one, other] = [createMetrics(), createMetrics()]
  const description = {
    name: 'portcullis_events_total',
    help: 'Events.',
    labels: ['kind'],
  } as const
  const count = one.counter(description)
  other.counter(description)
  count({ kind: 'a' })
  count({ kind: 'a' }, 2)
  assert.deepEqual(await linesOf(one), ['portcullis_events_total{kind="a"} 3'])
  assert.deepEqual(await linesOf(other), [])
})
