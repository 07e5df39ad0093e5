import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { Agent, request as startRequest } from 'node:http'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { text } from 'node:stream/consumers'
import { setTimeout } from 'node:timers/promises'
import { createTestIssuer } from '@portcullis/verify/testing'
import { open, startFileWorld } from './file-world.ts'
import { ask, openSocket, readUntil } from './http-client.ts'
import type { Recorder } from './recorder.ts'
import { startRecorder } from './recorder.ts'
import { waitUntil } from './wait-until.ts'

async function startService(t: TestContext, listener?: RequestListener): Promise<Recorder> {
  const service = await startRecorder(listener)
  t.after(service.close)
  return service
}

interface Traffic {
  readonly counts: Readonly<Record<'served' | 'wrong' | 'failed', number>>
  readonly stop: () => Promise<void>
}

/** Clients that ask as fast as they are answered, on connections that they keep, each the next path in turn. */
function startTraffic(
  port: number,
  clients: number,
  isRight: (answer: string) => boolean,
): Traffic {
  const agent = new Agent({ keepAlive: true })
  const counts = { served: 0, wrong: 0, failed: 0 }
  const over = new AbortController()
  const askOnce = async (path: string, body: string): Promise<void> => {
    const method = body === '' ? 'GET' : 'POST'
    const request = startRequest({ port, path, agent, method }).end(body)
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    const answer = `${response.statusCode} ${await text(response)}`
    counts[isRight(answer) ? 'served' : 'wrong'] += 1
  }
  const loops = Array.from({ length: clients }, async (_client, at) => {
    while (!over.signal.aborted) {
      await askOnce(`/a/${at}`, at % 2 === 0 ? '' : 'x'.repeat(1000)).catch(
        () => (counts.failed += 1),
      )
    }
  })
  return {
    counts,
    stop: async () => {
      over.abort()
      await Promise.all(loops)
      agent.destroy()
    },
  }
}

/** A service that says its name and what it was asked for. */
function echo(name: string): RequestListener {
  return (request, response) => {
    text(request).then(
      () => setImmediate(() => response.end(`${name} ${request.url}`)),
      () => response.destroy(),
    )
  }
}

test('no request is dropped while the file is exchanged under traffic, and none is served by two', async (t) => {
  const [left, right] = [await startService(t, echo('left')), await startService(t, echo('right'))]
  const files = [
    { routes: [open('/a/*', [left.origin], { rewrite: '/left/*' })] },
    { routes: [open('/a/*', [right.origin], { rewrite: '/right/*' })] },
  ]
  const world = await startFileWorld(t, files[0] ?? {})
  const traffic = startTraffic(world.gateway.port, 12, (answer) =>
    /^200 (left|right) \/\1\/\d+$/.test(answer),
  )
  for (let round = 1; round <= 40; round += 1) {
    world.write(files[round % 2] ?? {})
    await world.gateway.reload()
    await waitUntil(() => traffic.counts.served > round * 15, 'the traffic goes on', 3000)
  }
  await traffic.stop()
  const { served, ...others } = traffic.counts
  assert.deepEqual(others, { wrong: 0, failed: 0 })
  assert.ok(served > 500, `only ${served} were served`)
  assert.equal(world.log().match(/is in force/g)?.length, 40)
  t.diagnostic(`${served} requests over 40 reloads`)
})

test('a request under way ends by the settings that it began with', async (t) => {
  let waiting: ServerResponse | undefined
  const service = await startService(t, (request, response) => {
    waiting = response
    request.resume()
  })
  const world = await startFileWorld(t, { routes: [open('/a', [service.origin])] })
  const { port } = world.gateway
  const upload = startRequest({ port, path: '/a', method: 'POST', agent: false })
  upload.write('begun')
  await waitUntil(() => waiting !== undefined, 'the request gets there', 3000)
  const other = await startService(t)
  world.write({ limits: { bodyBytes: 5 }, routes: [open('/b', [other.origin])] })
  await world.gateway.reload()
  assert.equal((await ask(port, { path: '/a' })).status, 404)
  assert.equal((await ask(port, { path: '/b' })).status, 200)
  upload.end('more than five')
  waiting?.end('ended')
  const [response] = (await once(upload, 'response')) as [IncomingMessage]
  assert.equal(response.statusCode, 200)
  assert.equal(await text(response), 'ended')
})

test('a connection to a service that stays is kept, and that to one that goes is closed after its last answer', async (t) => {
  const sockets: string[] = []
  const closed: string[] = []
  const named =
    (name: string): RequestListener =>
    ({ socket, url }, response) => {
      if (socket.listenerCount('close') < 5 && !sockets.includes(`${name} ${socket.remotePort}`)) {
        sockets.push(`${name} ${socket.remotePort}`)
        socket.once('close', () => closed.push(name))
      }
      if (url === '/goes/slow') setTimeout(200).then(() => response.end('slow'), assert.fail)
      else response.end()
    }
  const [stays, goes] = [
    await startService(t, named('stays')),
    await startService(t, named('goes')),
  ]
  const both = [open('/stays', [stays.origin]), open('/goes/*', [goes.origin])]
  const world = await startFileWorld(t, { routes: both })
  const { port } = world.gateway
  await ask(port, { path: '/stays' })
  const slow = ask(port, { path: '/goes/slow' })
  await waitUntil(() => sockets.length === 2, 'the requests get there', 3000)
  world.write({ routes: both.slice(0, 1) })
  await world.gateway.reload()
  await ask(port, { path: '/stays' })
  assert.equal((await ask(port, { path: '/goes' })).status, 404)
  assert.deepEqual(closed, [])
  assert.equal((await slow).body, 'slow')
  await waitUntil(() => closed.length === 1, 'the connection is closed', 3000)
  assert.deepEqual(closed, ['goes'])
  await ask(port, { path: '/stays' })
  assert.equal(sockets.length, 2)
})

test('keys and feed are kept while the issuer is the same, and policies are new at once', async (t) => {
  const issuer = await createTestIssuer({ algorithm: 'ES256' })
  t.after(issuer.close)
  const service = await startService(t)
  const fileOf = (auth: object): object => ({
    issuer: issuer.issuer,
    routes: [{ match: '/a', to: [service.origin], auth }],
  })
  const world = await startFileWorld(t, fileOf({ audience: 'orders' }))
  const statusWith = async (token: string): Promise<number> =>
    (await ask(world.gateway.port, { path: '/a', token })).status
  const [token, other] = [issuer.mint(), issuer.mint({ aud: 'reviews' })]
  assert.equal(await statusWith(token), 200)
  // A snapshot is enough for the first answer, and the stream is asked for after it.
  await waitUntil(() => issuer.feedRequests.stream > 0, 'the feed is followed', 3000)
  const { stream } = issuer.feedRequests
  const expected: readonly (readonly [object, number, number])[] = [
    [{ audience: 'reviews' }, 401, 200],
    [{ audience: 'orders', scope: ['orders:none'] }, 403, 401],
    [{ audience: 'orders', roles: ['customer'] }, 200, 401],
    [{ mode: 'none' }, 200, 200],
    [{ mode: 'optional', audience: 'orders' }, 200, 401],
  ]
  for (const [auth, ofOrders, ofReviews] of expected.slice(0, 3)) {
    world.write(fileOf(auth))
    await world.gateway.reload()
    assert.deepEqual([await statusWith(token), await statusWith(other)], [ofOrders, ofReviews])
  }
  assert.equal(issuer.feedRequests.stream, stream)
  // Nobody is asked for a token in between.
  for (const [auth, ofOrders, ofReviews] of expected.slice(3)) {
    world.write(fileOf(auth))
    await world.gateway.reload()
    assert.deepEqual([await statusWith(token), await statusWith(other)], [ofOrders, ofReviews])
  }
})

test('another issuer takes over with its keys at hand, and the old one is left', async (t) => {
  const [before, after] = await Promise.all([
    createTestIssuer({ algorithm: 'ES256' }),
    createTestIssuer({ algorithm: 'ES256' }),
  ])
  t.after(() => Promise.all([before.close(), after.close()]))
  const service = await startService(t)
  const fileOf = ({ issuer }: { readonly issuer: string }): object => ({
    issuer,
    relay: {},
    routes: [{ match: '/a', to: [service.origin], auth: { audience: 'orders' } }],
  })
  const world = await startFileWorld(t, fileOf(before))
  const statusWith = async (token: string): Promise<number> =>
    (await ask(world.gateway.port, { path: '/a', token })).status
  assert.equal(await statusWith(before.mint()), 200)
  assert.equal(await statusWith(after.mint()), 401)
  world.write(fileOf(after))
  await world.gateway.reload()
  assert.equal(await statusWith(after.mint()), 200)
  assert.equal(await statusWith(before.mint()), 401)
  const sid = 'A'.repeat(22)
  const token = after.mint({ sid })
  assert.equal(await statusWith(token), 200)
  after.revoke({ sid })
  const startedMs = performance.now()
  while ((await statusWith(token)) === 200) assert.ok(performance.now() - startedMs < 3000)
  const { stream } = before.feedRequests
  await setTimeout(300)
  assert.equal(before.feedRequests.stream, stream, 'the old issuer is still followed')
})

test('time limits of the new file hold for connections that are there', async (t) => {
  const service = await startService(t, (request, response) => {
    if (request.url === '/a') response.end('{"ok":true}')
  })
  const file = { routes: [open('/*', [service.origin])] }
  const world = await startFileWorld(t, file)
  const socket = await openSocket(world.gateway.port)
  socket.write('GET /a HTTP/1.1\r\nHost: a\r\n\r\n')
  await readUntil(socket, '{"ok":true}')
  world.write({ ...file, limits: { idleTimeoutSeconds: 1 } })
  await world.gateway.reload()
  socket.write('GET /silent HTTP/1.1\r\nHost: a\r\n\r\n')
  assert.match(await readUntil(socket, 'upstream-timeout'), /504/)
  const again = await openSocket(world.gateway.port)
  again.write('GET /a HTTP/1.1\r\nHost: a\r\n\r\n')
  await readUntil(again, '{"ok":true}')
  // An idle connection was kept for a minute before.
  await once(again.resume(), 'close', { signal: AbortSignal.timeout(5000) })
  socket.destroy()
})

test('what a network has spent stays spent when the file is new and its limits are not', async (t) => {
  const service = await startService(t)
  const { origin } = service
  const rateLimits = { perNetworkPerSecond: 0.01, perNetworkBurst: 2 }
  const world = await startFileWorld(t, { routes: [open('/a', [origin])], rateLimits })
  const statusOf = async (path: string): Promise<number> =>
    (await ask(world.gateway.port, { path })).status
  assert.deepEqual(
    [await statusOf('/a'), await statusOf('/a'), await statusOf('/a')],
    [200, 200, 429],
  )
  world.write({ routes: [open('/b', [origin])], rateLimits })
  await world.gateway.reload()
  assert.equal(await statusOf('/b'), 429)
  world.write({ routes: [open('/b', [origin])], rateLimits: { perNetworkPerSecond: 100 } })
  await world.gateway.reload()
  assert.equal(await statusOf('/b'), 200)
})

test('bounds on what is under way are those of the new file, and count what began by the old one', async (t) => {
  const waiting: ServerResponse[] = []
  const service = await startService(t, (_request, response) => void waiting.push(response))
  const routes = [open('/*', [service.origin])]
  const world = await startFileWorld(t, { routes, stop: { drainSeconds: 600 } })
  const { port, stopSecondsMax } = world.gateway
  assert.ok(stopSecondsMax() > 600)
  const first = ask(port, { path: '/a' })
  await waitUntil(() => waiting.length === 1, 'the service is asked', 3000)
  const bounds = [{ requests: 1 }, { requestsPerService: 1 }]
  for (const limits of bounds) {
    world.write({ routes, limits, stop: { drainSeconds: 1 } })
    await world.gateway.reload()
    assert.equal((await ask(port, { path: '/a' })).status, 503, JSON.stringify(limits))
  }
  assert.ok(stopSecondsMax() < 10)
  waiting[0]?.end()
  assert.equal((await first).status, 200)
})
