import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { setTimeout } from 'node:timers/promises'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { askOver, openHttp2 } from './http2-client.ts'
import { startHttp2World } from './http2-world.ts'

test('a stop lets what is under way end, and tells clients to go elsewhere', async (t) => {
  let held: ServerResponse | undefined
  const world = await startHttp2World(
    t,
    {},
    {
      service: (_request, response) => {
        response.write('begun ')
        held = response
      },
    },
  )
  const session = await openHttp2(t, world)
  const idle = await openHttp2(t, world)
  const stream = session.request({ ':path': '/public' })
  await once(stream, 'response')
  const goaway = once(session, 'goaway')
  const ended = once(idle, 'close')
  const stopped = world.close()
  assert.equal((await goaway)[0], 0)
  await ended
  await setTimeout(200)
  held?.end('ended')
  assert.equal(await text(stream), 'begun ended')
  const startedMs = performance.now()
  await stopped
  assert.ok(performance.now() - startedMs < 3000)
})

test('who comes while a stop is announced is served once', async (t) => {
  const world = await startHttp2World(t, { stop: { notReadySeconds: 1 } })
  const stopped = world.close()
  const session = await openHttp2(t, world)
  const goaway = once(session, 'goaway')
  assert.equal((await askOver(session, { headers: { ':path': '/public' } })).status, 200)
  assert.equal((await goaway)[0], 0)
  await stopped
})

test('what does not end within a stop is cut', async (t) => {
  const world = await startHttp2World(
    t,
    { stop: { drainSeconds: 1 } },
    { service: (_request, response) => response.write('begun') },
  )
  const session = await openHttp2(t, world)
  const stream = session.request({ ':path': '/public' }).resume()
  await once(stream, 'response')
  const startedMs = performance.now()
  await world.close()
  assert.ok(performance.now() - startedMs < 3000)
  if (!stream.closed) await once(stream, 'close')
  assert.notEqual(stream.rstCode, 0)
})
