import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMetrics, createMetricsOfWorkers } from '../src/index.ts'
import { wholePieces } from '../src/whole-pieces.ts'

function createWorker(gauges: { readonly least: number; readonly all: number }) {
  const metrics = createMetrics({ ofProcess: false })
  const count = metrics.counter({ name: 'portcullis_counted', help: '-', labels: ['kind'] })
  const gauge = (name: 'least' | 'all' | 'own', together?: 'min' | 'omit'): void => {
    const described = { name: `portcullis_${name}`, help: '-', labels: [] } as const
    const value = name === 'own' ? 100 : gauges[name]
    metrics.gauge(together === undefined ? described : { ...described, together }, () => value)
  }
  gauge('least', 'min')
  gauge('all')
  gauge('own', 'omit')
  return { ...metrics, count, requests: metrics.requests() }
}

async function seriesOf(exposition: Promise<{ readonly text: string }>): Promise<Set<string>> {
  const { text } = await exposition
  return new Set(text.split('\n').filter((line) => line !== '' && !line.startsWith('#')))
}

test('what workers count adds up, and stays counted when one has ended', async () => {
  const [one, two] = [createWorker({ least: 3, all: 1 }), createWorker({ least: 5, all: 2 })]
  const own = createMetrics({ ofProcess: false })
  own.gauge({ name: 'portcullis_own', help: '-', labels: [] }, () => 7)
  const together = createMetricsOfWorkers()
  const told = async (): Promise<Set<string>> => seriesOf(together.exposition(await own.snapshot()))
  one.count({ kind: 'a' }, 10)
  two.count({ kind: 'a' }, 5)
  two.count({ kind: 'b' })
  const request = { method: 'GET', route: '/a', status: 200, seconds: 0.03 }
  one.requests.observe(request)
  two.requests.observe({ ...request, seconds: 0.7 })
  together.take(1, await one.snapshot())
  together.take(2, await two.snapshot())
  const labels = 'method="GET",route="/a",status="200"'
  const both = await told()
  for (const line of [
    'portcullis_counted{kind="a"} 15',
    'portcullis_counted{kind="b"} 1',
    'portcullis_least 3',
    'portcullis_all 3',
    'portcullis_own 7',
    `portcullis_http_request_duration_seconds_bucket{le="0.05",${labels}} 1`,
    `portcullis_http_request_duration_seconds_count{${labels}} 2`,
  ]) {
    assert.ok(both.has(line), `${line} is not among ${[...both].join('\n')}`)
  }
  together.leave(1)
  together.leave(1)
  const another = createWorker({ least: 9, all: 4 })
  another.count({ kind: 'a' }, 2)
  together.take(1, await another.snapshot())
  const later = await told()
  for (const line of [
    'portcullis_counted{kind="a"} 17',
    'portcullis_least 5',
    'portcullis_all 6',
    `portcullis_http_request_duration_seconds_count{${labels}} 2`,
  ]) {
    assert.ok(later.has(line), `${line} is not among ${[...later].join('\n')}`)
  }
})

test('lines go to a shared output in pieces that no other process can come between', () => {
  const lines = Array.from({ length: 500 }, (_, at) => `${'ü'.repeat(at % 90)} ${at}\n`)
  const long = `${'x'.repeat(10_000)}\n`
  const text = `${lines.join('')}${long}${lines.join('')}without an end`
  const pieces = [...wholePieces(text)].map(String)
  assert.equal(pieces.join(''), text)
  assert.ok(pieces.length > 10)
  assert.deepEqual(
    pieces.filter((piece) => Buffer.byteLength(piece) > 4096),
    [long],
  )
  assert.ok(pieces.slice(0, -1).every((piece) => piece.endsWith('\n')))
  assert.deepEqual([...wholePieces('')], [])
})
