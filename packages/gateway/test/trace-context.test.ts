import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fields } from './http-client.ts'
import { startWorld } from './world.ts'

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const traceparent = `00-${traceId}-00f067aa0ba902b7-01`

test('a sound trace goes on as it came, with its trace id in the log, and what is not sound is dropped', async (t) => {
  const { ask, service, log } = await startWorld(t)
  const sound = [
    [`Traceparent: ${traceparent}`],
    [`traceparent: ${traceparent}`, 'tracestate: a=1', 'Tracestate: b=2'],
    // It is not the client's to have it removed at this hop.
    [`traceparent: ${traceparent}`, 'Connection: traceparent'],
  ]
  const dropped = [
    ['traceparent: nonsense', 'tracestate: a=1'],
    [`traceparent: ${traceparent}`, `Traceparent: ${traceparent}`],
    [`traceparent: 00-${'0'.repeat(32)}-00f067aa0ba902b7-01`],
    ['tracestate: a=1'],
  ]
  for (const lines of [...sound, ...dropped]) {
    assert.equal((await ask({ path: '/public', headers: fields(...lines) })).status, 200)
  }
  const half = fields(`traceparent: ${traceparent}`, 'tracestate: A=1', 'baggage: who=me')
  await ask({ path: '/public', headers: half })
  const got = service.requests.map((request) =>
    ['traceparent', 'tracestate', 'baggage'].map((name) => request.all(name).join(' + ')),
  )
  assert.deepEqual(got, [
    [traceparent, '', ''],
    [traceparent, 'a=1,b=2', ''],
    [traceparent, '', ''],
    ...dropped.map(() => ['', '', '']),
    [traceparent, '', 'who=me'],
  ])
  const lines = log()
    .split('\n')
    .filter((line) => line.includes('"msg":"request"'))
  const traced = lines.map((line) => (JSON.parse(line) as { traceId?: string }).traceId)
  const none = dropped.map(() => undefined)
  assert.deepEqual(traced, [traceId, traceId, traceId, ...none, traceId])
})
