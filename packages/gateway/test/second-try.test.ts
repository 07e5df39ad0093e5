import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import * as fc from 'fast-check'
import type { Dispatcher } from 'undici'
import { send } from '../src/upstream/second-try.ts'
import { createHealth } from '../src/upstream/health.ts'
import type { Upstream } from '../src/upstream/upstream.ts'
import type { BreakingService, Way } from './breaking-service.ts'
import { startBreakingService, ways } from './breaking-service.ts'
import type { Answer, Question } from './http-client.ts'
import { sendRaw, statusesIn } from './http-client.ts'
import type { World } from './world.ts'
import { startWorld } from './world.ts'

interface Pair {
  readonly world: World
  readonly services: readonly BreakingService[]
  readonly ask: (question?: Question) => Promise<Answer>
}

async function startBeforeThese(
  t: TestContext,
  manners: readonly (Way | 'refuses')[],
  limits: object = {},
): Promise<Pair> {
  const services = await Promise.all(manners.map((way) => startBreakingService(t, way)))
  const to = services.map(({ origin }) => origin)
  const world = await startWorld(t, {
    file: () => ({
      limits,
      routes: [
        { match: '/public/*', to, auth: { mode: 'none' } },
        { match: '/orders/*', to },
      ],
      identityHeaders: { subject: 'X-Auth-Subject', roles: 'X-Auth-Roles' },
    }),
  })
  return { world, services, ask: (question) => world.ask({ path: '/public/a?b=c', ...question }) }
}

const unreachable = ['refuses', ways.resets, ways.ends, ways.resetsInsideHeaders] as const

test('a request without a body is sent again to another service where the first broke off before its headers', async (t) => {
  for (const broken of unreachable) {
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']) {
      const { world, services, ask } = await startBeforeThese(t, [broken, ways.answers])
      const answer = await ask({ method, headers: ['Content-Length', '0'] })
      assert.equal(answer.status, 200, method)
      assert.equal(services[1]?.heads.length, 1)
      assert.match(world.log(), /the upstream failed: the request is sent again/)
      assert.match(world.log(), /"status":200,"tries":2/)
    }
  }
})

/** The connection of the second try is not kept. */
const ofRequest = (line: string): boolean => !line.startsWith('connection: ')

test('what is sent again is the same, token, identity and request id among it', async (t) => {
  const { world, services, ask } = await startBeforeThese(t, [ways.resets, ways.answers])
  const token = world.issuer.mint({ sub: 'person', roles: ['customer'] })
  const headers = ['X-Auth-Subject', 'forged', 'X-A', 'b', 'Cookie', 'c=d']
  assert.equal((await ask({ path: '/orders/1?x=%20', token, headers })).status, 200)
  const [first, second] = services.map(({ heads }) => heads[0]?.split('\r\n'))
  assert.ok(first && second)
  assert.deepEqual(second.filter(ofRequest), first.filter(ofRequest))
  assert.ok(second.includes('X-Auth-Subject: person'))
  assert.ok(second.includes(`Authorization: Bearer ${token}`))
  assert.equal(services.flatMap(({ heads }) => heads).length, 2)
})

test('a request that may do something twice reaches one service at most once', async (t) => {
  const questions: Question[] = [
    { method: 'POST', body: '' },
    { method: 'PATCH', body: '' },
    { method: 'POST', body: 'x' },
    { method: 'PUT', body: 'x' },
    { method: 'DELETE', body: 'x' },
    { method: 'PUT', headers: ['Transfer-Encoding', 'chunked'] },
  ]
  for (const broken of unreachable) {
    for (const question of questions) {
      const { world, services, ask } = await startBeforeThese(t, [broken, ways.answers])
      const name = JSON.stringify(question)
      assert.equal((await ask(question)).status, 502, name)
      assert.deepEqual(services[1]?.heads, [], name)
      assert.doesNotMatch(world.log(), /sent again|tries/, name)
    }
  }
})

test('once anything of an answer was seen, or the time for it is over, nothing is sent again', async (t) => {
  const ends: [Way, number | undefined][] = [
    [ways.resetsAfterInterim, 502],
    [ways.resetsAfterHeaders, undefined],
    [ways.answersNonsense, 502],
    [ways.hangs, 504],
  ]
  for (const [way, status] of ends) {
    const limits = { idleTimeoutSeconds: 1 }
    const { services, world } = await startBeforeThese(t, [way, ways.answers], limits)
    const raw = await sendRaw(
      world.port,
      'GET /public HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
    )
    if (status === undefined) assert.match(raw, /hello$/)
    else assert.deepEqual(statusesIn(raw), [status])
    assert.equal(services[0]?.heads.length, 1)
    assert.deepEqual(services[1]?.heads, [])
  }
})

test('a request is sent again once and no more', async (t) => {
  const { services, ask } = await startBeforeThese(t, [ways.resets, ways.resets, ways.answers])
  const answer = await ask()
  assert.equal(answer.status, 502)
  assert.equal(answer.json()['code'], 'upstream-unreachable')
  assert.deepEqual(
    services.map(({ heads }) => heads.length),
    [1, 1, 0],
  )
})

test('the only service is asked again over a new connection, and not where there is none to be had', async (t) => {
  const race = await startBeforeThese(t, [ways.answersOncePerConnection])
  for (let n = 0; n < 5; n += 1) assert.equal((await race.ask()).status, 200)
  const [raced] = race.services
  // Every second one finds the connection that its predecessor has used; the new one is not kept.
  assert.equal(raced?.heads.length, 7)
  assert.equal(raced.heads.filter((head) => head.includes('connection: close')).length, 2)
  assert.equal(raced.connections(), 5)
  assert.equal((await race.ask({ method: 'POST', body: '' })).status, 502)

  const gone = await startBeforeThese(t, ['refuses'])
  assert.equal((await gone.ask()).status, 502)
  assert.doesNotMatch(gone.world.log(), /sent again/)
})

test('a client that leaves before the second try is not served by it', async (t) => {
  const begun: Socket[] = []
  const waits: Way = (socket) => void begun.push(socket)
  const { services, world } = await startBeforeThese(t, [waits, ways.answers])
  const controller = new AbortController()
  const asked = fetch(`http://127.0.0.1:${world.port}/public`, { signal: controller.signal })
  while (begun.length === 0) await setTimeout(2)
  controller.abort()
  await assert.rejects(asked)
  begun[0]?.resetAndDestroy()
  await setTimeout(50)
  assert.deepEqual(services[1]?.heads, [])
})

test('whatever breaks, a request that is not idempotent or has a body reaches services once at most, and others twice', async (t) => {
  const { answers, hangs: _, ...others } = ways
  const { services, world } = await startBeforeThese(t, [answers, answers, answers])
  const fast = { answers, ...others }
  const manner = fc.constantFrom<Way>(...Object.values(fast))
  const method = fc.constantFrom('GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'POST', 'PATCH')
  let again = 0
  const arrivals = (): number => services.reduce((sum, { heads }) => sum + heads.length, 0)
  await fc.assert(
    fc.asyncProperty(
      fc.tuple(manner, manner, manner),
      method,
      fc.boolean(),
      async (chosen, name, hasBody) => {
        for (const [at, way] of chosen.entries()) {
          const service = services[at]
          if (service !== undefined) service.way = way
        }
        const before = arrivals()
        const length = hasBody ? 1 : 0
        const head = `${name} /public HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${length}`
        await sendRaw(world.port, `${head}\r\n\r\n${hasBody ? 'x' : ''}`)
        const reached = arrivals() - before
        const mayRepeat = !hasBody && name !== 'POST' && name !== 'PATCH'
        if (reached === 2) again += 1
        assert.ok(reached <= (mayRepeat ? 2 : 1), `${name} came ${reached} times`)
      },
    ),
    { numRuns: 300 },
  )
  assert.ok(again >= 20, `only ${again} were sent again`)
})

test('a client that leaves while the first connection is made keeps no place at the second service', () => {
  const handlers: Dispatcher.DispatchHandler[] = []
  let places = 0
  const upstream: Upstream = {
    origin: 'http://a.example',
    health: createHealth({ now: () => 0, told: () => undefined }),
    dispatch: (_request, handler) => void handlers.push(handler),
    dispatchAlone: (_request, handler) => void handlers.push(handler),
    underWay: () => places,
    hasRoom: () => true,
    enter: () => {
      places += 1
      return true
    },
    leave: () => {
      places -= 1
    },
  }
  const journey = {
    services: { first: () => upstream, second: () => upstream },
    request: { path: '/', method: 'GET' as const },
    isRepeatable: true,
    handler: {},
    onFailure: () => undefined,
  }
  const refused = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })
  // undici gives no controller where there was never a connection.
  const controller = undefined as unknown as Dispatcher.DispatchController
  const left = send(journey)
  left?.end()
  handlers[0]?.onResponseError?.(controller, refused)
  assert.deepEqual([handlers.length, places], [1, 0])
  const stayed = send(journey)
  handlers[1]?.onResponseError?.(controller, refused)
  assert.deepEqual([handlers.length, places], [3, 1])
  stayed?.end()
  assert.equal(places, 0)
  // A handshake is a GET without a body too.
  const upgrade = { ...journey.request, upgrade: 'websocket' }
  send({ ...journey, request: upgrade })?.end()
  const handshake = send({ ...journey, request: upgrade })
  handlers.at(-1)?.onResponseError?.(controller, refused)
  assert.deepEqual([handlers.length, places], [5, 1])
  handshake?.end()
})
