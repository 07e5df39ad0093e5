import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { RequestListener, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import type { Answer } from './http-client.ts'
import { openSocket, readUntil, statusesIn } from './http-client.ts'
import { waitUntil } from './wait-until.ts'
import { startWorld } from './world.ts'

interface Waiting {
  readonly service: RequestListener
  readonly responses: ServerResponse[]
}

/** A service that answers nothing until the test does. */
function waiting(): Waiting {
  const responses: ServerResponse[] = []
  return { responses, service: (_request, response) => void responses.push(response) }
}

function assertShed(answer: Answer): void {
  assert.equal(answer.status, 503)
  assert.equal(answer.json()['code'], 'overloaded')
  assert.equal(answer.headers['retry-after'], '1')
}

const routesOf = (to: readonly string[]): object[] => [
  { match: '/public/*', to, auth: { mode: 'none' } },
]

test('more requests than may be under way are refused at once, before anything is looked at', async (t) => {
  const { service, responses } = waiting()
  const world = await startWorld(t, {
    service,
    file: () => ({ limits: { requests: 3 } }),
  })
  const first = Array.from({ length: 3 }, () => world.ask({ path: '/public' }))
  await waitUntil(() => responses.length === 3, 'three are at the service')
  const startedMs = performance.now()
  const others = await Promise.all(
    ['/public', '/orders', '/nowhere'].map((path) => world.ask({ path })),
  )
  assert.ok(performance.now() - startedMs < 1000)
  for (const answer of others) assertShed(answer)
  assert.match(world.log(), /"status":503,"reason":"overloaded"/)
  // They may have come in another order than they were sent in.
  responses[0]?.end()
  assert.equal((await Promise.race(first)).status, 200)
  const again = world.ask({ path: '/public' })
  await waitUntil(() => responses.length === 4, 'one more is at the service')
  for (const response of responses) response.end()
  for (const answer of await Promise.all([...first, again])) assert.equal(answer.status, 200)
})

test('whoever leaves gives up the place', async (t) => {
  const { service, responses } = waiting()
  const world = await startWorld(t, { service, file: () => ({ limits: { requests: 1 } }) })
  for (let n = 1; n <= 3; n += 1) {
    const socket = await openSocket(world.port)
    socket.write('GET /public HTTP/1.1\r\nHost: a\r\n\r\n')
    await waitUntil(() => responses.length === n, 'the service has each')
    assertShed(await world.ask({ path: '/public' }))
    const left = once(responses[n - 1] as ServerResponse, 'close')
    socket.destroy()
    await left
    await setTimeout(10)
  }
})

test('a service that is full is no burden to another one, and nothing waits for it', async (t) => {
  const { service, responses } = waiting()
  const world = await startWorld(t, {
    service,
    file: (to) => ({
      limits: { requestsPerService: 2 },
      routes: [
        ...routesOf(to),
        { match: '/other/*', to: ['http://127.0.0.1:9'], auth: { mode: 'none' } },
      ],
    }),
  })
  const asked = Array.from({ length: 50 }, () => world.ask({ path: '/public' }))
  const answers: Answer[] = []
  for (const one of asked) void one.then((answer) => answers.push(answer))
  await waitUntil(() => answers.length === 48, 'all others are answered')
  for (const answer of answers) assertShed(answer)
  assert.equal(responses.length, 2)
  assert.equal((await world.ask({ path: '/other' })).status, 502)
  for (const response of responses) response.end()
  await Promise.all(asked)
  await setTimeout(20)
  assert.equal(responses.length, 2)
})

test('more connections than there may be are closed at once, and the others are served', async (t) => {
  const world = await startWorld(t, { file: () => ({ limits: { connections: 4 } }) })
  const open: Socket[] = []
  for (let n = 0; n < 4; n += 1) open.push(await openSocket(world.port))
  for (let n = 0; n < 20; n += 1) {
    const socket = await openSocket(world.port)
    await once(socket.resume(), 'close')
  }
  const [one, another] = open
  assert.ok(one && another)
  one.write('GET /public HTTP/1.1\r\nHost: a\r\n\r\n')
  assert.deepEqual(statusesIn(await readUntil(one, '{"ok":true}')), [200])
  assert.equal(world.log().match(/there are too many/g)?.length, 1)
  another.destroy()
  const isServed = (): Promise<boolean> =>
    world.ask({ path: '/public' }).then(
      ({ status }) => status === 200,
      () => false,
    )
  await waitUntil(isServed, 'the place of the one that has left is free')
  for (const socket of open) socket.destroy()
})

test('requests in a row whose answers nobody waits for end their connection, and cost nobody else anything', async (t) => {
  const { service, responses } = waiting()
  const world = await startWorld(t, { service, file: () => ({ limits: { requests: 10 } }) })
  const one = 'GET /public HTTP/1.1\r\nHost: a\r\n\r\n'
  const patient = await openSocket(world.port)
  patient.write(one.repeat(128))
  await waitUntil(() => responses.length === 1, 'the first of the row is at the service')
  const greedy = await openSocket(world.port)
  greedy.write(one.repeat(129))
  await once(greedy.resume(), 'close')
  assert.match(world.log(), /"code":"PIPELINED"/)
  assert.equal(patient.destroyed, false)
  // Only the first of a row is under way, and of the one that was cut nothing: that leaves nine places.
  const others = Array.from({ length: 9 }, () => world.ask({ path: '/public' }))
  await waitUntil(
    () => responses.length === 10 || world.log().includes('overloaded'),
    'nine more are at the service, or one is refused',
  )
  assert.doesNotMatch(world.log(), /overloaded/)
  for (const response of responses) response.end()
  for (const answer of await Promise.all(others)) assert.equal(answer.status, 200)
  patient.destroy()
})
