import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import type { RequestListener, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { connect } from 'node:net'
import type { TestContext } from 'node:test'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createLongAnswers } from '../src/exchange/long-answers.ts'
import { openSocket, readUntil, sendRaw, statusesIn } from './http-client.ts'
import {
  farewellOf,
  handshake,
  openWebSocket,
  serveSockets,
  startBareService,
  startSocketWorld,
  switched,
} from './socket-world.ts'
import type { World } from './world.ts'
import { startWorld } from './world.ts'

const sid = 'A'.repeat(22)
const otherSid = 'B'.repeat(22)
/** Each waits for a turn or two of the clock that looks for what lasts. */
const within = { concurrency: true, timeout: 30_000 }

/** A service that sends an event ten times a second, and never ends. */
const streaming: RequestListener = (_request, response) => sendEvents(response)

function sendEvents(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const timer = setInterval(() => response.write('data: 1\n\n'), 100)
  response.once('close', () => clearInterval(timer))
}

function getWith(
  token: string | undefined,
  target: string = '/orders',
  version: string = '1.1',
): string {
  const authorization = token === undefined ? '' : `Authorization: Bearer ${token}\r\n`
  return `GET ${target} HTTP/${version}\r\nHost: a\r\n${authorization}\r\n`
}

async function openStream({ port }: World, request: string): Promise<Socket> {
  const client = await openSocket(port)
  client.write(request)
  assert.deepEqual(statusesIn(await readUntil(client, 'data: 1\n\n')), [200])
  client.resume()
  return client
}

/** Fails when the answer ends as if it were whole. */
async function untilReset(client: Socket): Promise<void> {
  const failed = once(client, 'error')
  const ended = once(client, 'end').then(() => assert.fail('a clean end'))
  await Promise.race([failed, ended])
}

function isOpen(client: Socket): boolean {
  return !client.destroyed && !client.readableEnded
}

describe('what lasts ends with its token', within, () => {
  test('a stream whose session is ended is cut, and the streams of others go on', async (t) => {
    const world = await startWorld(t, { service: streaming })
    const { issuer, log } = world
    const ended = await openStream(world, getWith(issuer.mint({ sid })))
    const old = await openStream(world, getWith(issuer.mint({ sid }), '/orders', '1.0'))
    const others = await Promise.all([
      openStream(world, getWith(issuer.mint({ sid: otherSid }))),
      openStream(world, getWith(issuer.mint({ sid }), '/public')),
      openStream(world, getWith(undefined, '/optional')),
    ])
    const resets = Promise.all([ended, old].map(untilReset))
    issuer.revoke({ sid })
    await resets
    await sleep(100)
    assert.ok(others.every(isOpen))
    assert.match(log(), /"status":200,"reason":"revoked",.*"complete":false/)
    assert.doesNotMatch(log(), /the upstream failed/)
    for (const client of others) client.destroy()
  })

  test('a stream that has lasted a while is cut some ten milliseconds after the revocation', async (t) => {
    const world = await startWorld(t, { service: streaming })
    const client = await openStream(world, getWith(world.issuer.mint({ sid })))
    await sleep(2500)
    const reset = untilReset(client)
    const startedMs = performance.now()
    world.issuer.revoke({ sid })
    await reset
    const tookMs = performance.now() - startedMs
    t.diagnostic(`cut ${tookMs.toFixed(1)} ms after the revocation`)
    assert.ok(tookMs < 900, 'it was not the next turn that has found it')
  })

  test('a stream whose token expires is cut', async (t) => {
    const { world, pass } = await startTimedWorld(t, streaming)
    const { issuer } = world
    const exp = Math.floor(issuer.now() / 1000) + 300
    const client = await openStream(world, getWith(issuer.mint({ exp })))
    const other = await openStream(world, getWith(issuer.mint({ exp: exp + 300 })))
    const reset = untilReset(client)
    pass(310)
    await reset
    await sleep(100)
    assert.ok(isOpen(other))
    assert.match(world.log(), /"status":200,"reason":"expired"/)
    other.destroy()
  })
})

describe('a stream ends with what vouches for its token', within, () => {
  test('a stream that nobody vouches for any more is cut, by the rule of its route', async (t) => {
    const route = { to: [] as readonly string[] }
    const { world, pass } = await startTimedWorld(t, streaming, (to) => ({
      routes: [
        { match: '/orders/*', ...route, to },
        { match: '/orders/strict/*', ...route, to, auth: { maxStalenessSeconds: 5 } },
      ],
    }))
    const token = world.issuer.mint()
    const strict = await openStream(world, getWith(token, '/orders/strict'))
    const usual = await openStream(world, getWith(token))
    const firstReset = untilReset(strict)
    world.issuer.goDown()
    pass(10)
    await firstReset
    assert.ok(isOpen(usual))
    const secondReset = untilReset(usual)
    pass(30)
    await secondReset
    await sleep(100)
    assert.match(world.log(), /"reason":"stale"/)
  })
})

describe('what waits for its answer', within, () => {
  test('a request that waits for its answer is refused when its token is taken back', async (t) => {
    const { promise: arrived, resolve } = Promise.withResolvers<ServerResponse>()
    const world = await startWorld(t, { service: (_request, response) => resolve(response) })
    const { issuer, port } = world
    const answer = sendRaw(
      port,
      getWith(issuer.mint({ sid })).replace('Host', 'Connection: close\r\nHost'),
    )
    const left = once(await arrived, 'close')
    issuer.revoke({ sid })
    const raw = await answer
    assert.deepEqual(statusesIn(raw), [401])
    assert.match(raw, /^www-authenticate: Bearer .*error="invalid_token"/im)
    assert.match(world.log(), /"status":401,"reason":"revoked"/)
    await left
  })

  test('an upload whose token is taken back is refused', async (t) => {
    const { promise: begun, resolve } = Promise.withResolvers<void>()
    const world = await startWorld(t, { service: (request) => request.once('data', resolve) })
    const { issuer, port } = world
    const client = await openSocket(port)
    const length = 'Content-Length: 1000000\r\n'
    client.write(
      getWith(issuer.mint({ sid })).replace('GET', 'POST').replace('Host', `${length}Host`),
    )
    client.write('x'.repeat(1000))
    await begun
    issuer.revoke({ sid })
    assert.deepEqual(statusesIn(await readUntil(client, '}')), [401])
    client.destroy()
  })

  test('a request whose token only expires meanwhile gets its answer, and no stream', async (t) => {
    const answers: ServerResponse[] = []
    const { world, pass } = await startTimedWorld(t, (_request, response) => {
      answers.push(response)
    })
    const { issuer, port } = world
    const exp = Math.floor(issuer.now() / 1000) + 300
    const whole = await openSocket(port)
    whole.write(getWith(issuer.mint({ exp })))
    const stream = await openSocket(port)
    stream.write(getWith(issuer.mint({ exp })))
    while (answers.length < 2) await sleep(10)
    pass(310)
    await sleep(2500)
    const [first, second] = answers
    first?.end('done')
    assert.deepEqual(statusesIn(await readUntil(whole, 'done')), [200])
    whole.destroy()
    if (second === undefined) return assert.fail('two requests')
    sendEvents(second)
    await readUntil(stream, 'data: 1\n\n')
    stream.resume()
    await untilReset(stream)
  })
})

describe('a WebSocket ends with its token', within, () => {
  test('it is closed at once, and says why, when the session is ended', async (t) => {
    const world = await startSocketWorld(t)
    serveSockets(world, (socket) => socket.send('hello'))
    const ended = await openWebSocket(world, '/orders', world.issuer.mint({ sid }))
    const other = await openWebSocket(world, '/orders', world.issuer.mint({ sid: otherSid }))
    const open = await openWebSocket(world, '/public', world.issuer.mint({ sid }))
    const farewell = farewellOf(ended)
    const startedMs = performance.now()
    world.issuer.revoke({ sid })
    assert.deepEqual(await farewell, [3000, 'revoked'])
    const tookMs = performance.now() - startedMs
    t.diagnostic(`closed ${tookMs.toFixed(1)} ms after the revocation`)
    assert.ok(tookMs < 900, 'it was not the next turn that has found it')
    assert.deepEqual([other.readyState, open.readyState], [1, 1])
    await sleep(100)
    assert.match(world.log(), /"status":101,"reason":"revoked"/)
    other.close()
    open.close()
  })

  test('it is closed when the token expires', async (t) => {
    let now = Date.now()
    const world = await startSocketWorld(t, { issuer: { now: () => now } })
    serveSockets(world, () => undefined)
    const exp = Math.floor(now / 1000) + 300
    const socket = await openWebSocket(world, '/orders', world.issuer.mint({ exp }))
    const farewell = farewellOf(socket)
    now += 310_000
    assert.deepEqual(await farewell, [3000, 'expired'])
  })

  test('nothing is put into a frame that is not whole', async (t) => {
    const half = Buffer.concat([Buffer.from([0x82, 126, 0x10, 0]), Buffer.from('half')])
    const { to, received } = await startBareService(t, (socket) => {
      socket.write(Buffer.concat([Buffer.from(switched), half]))
    })
    const { port, issuer } = await startSocketWorld(t, { to })
    const client = connect({ port, allowHalfOpen: true })
    client.on('error', () => client.destroy())
    client.write(handshake('/orders', { Authorization: `Bearer ${issuer.mint({ sid })}` }))
    await readUntil(client, 'half')
    const rest: Buffer[] = []
    client.on('data', (piece: Buffer) => rest.push(piece))
    const ended = once(client, 'end')
    issuer.revoke({ sid })
    await ended
    assert.deepEqual(rest, [])
    client.write('too late')
    await sleep(100)
    assert.doesNotMatch(received.join(''), /too late/)
    client.destroy()
  })

  test('a handshake that waits for its answer is refused when its token is taken back', async (t) => {
    const { to, received } = await startBareService(t, () => undefined)
    const { port, issuer } = await startSocketWorld(t, { to })
    const Authorization = `Bearer ${issuer.mint({ sid })}`
    const answer = sendRaw(port, handshake('/orders', { Authorization }))
    while (received.length === 0) await sleep(10)
    issuer.revoke({ sid })
    assert.deepEqual(statusesIn(await answer), [401])
  })
})

test('an answer that is over soon is never watched', async () => {
  let watches = 0
  const watch = (): never => {
    watches += 1
    throw new TypeError('watched')
  }
  const longAnswers = createLongAnswers()
  for (let round = 0; round < 25; round += 1) {
    const followed = longAnswers.follow({ watch, totalSecondsMax: undefined, end: () => true })
    await sleep(100)
    followed.stop()
    followed.begin()
  }
  longAnswers.close()
  assert.equal(watches, 0)
})

/** A world whose clock the test moves. */
async function startTimedWorld(
  t: TestContext,
  service: RequestListener,
  file: (to: readonly string[]) => object = () => ({}),
): Promise<{ readonly world: World; readonly pass: (seconds: number) => void }> {
  let now = Date.now()
  const world = await startWorld(t, {
    service,
    issuer: { now: () => now },
    file: (to) => ({ ...file(to) }),
  })
  return {
    world,
    pass: (seconds) => {
      now += seconds * 1000
    },
  }
}
