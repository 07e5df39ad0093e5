import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startBreakingService, ways } from './breaking-service.ts'
import type { Choice } from './choice.ts'
import { choiceOf, origins } from './choice.ts'
import { startWorld } from './world.ts'

const [a, b, c] = origins
const secondsOut = 1

/** Where so many requests in a row would go. */
function spread(choice: Choice, isRepeatable = true): Set<string> {
  return new Set(Array.from({ length: 6 }, () => choice.next(isRepeatable).origin))
}

function failAt(choice: Choice, origin: string | undefined, times: number): void {
  let left = times
  for (let turn = 0; turn < 100 && left > 0; turn += 1) {
    const upstream = choice.next()
    if (upstream.origin !== origin) continue
    upstream.health.begin().end('broken')
    left -= 1
  }
  assert.equal(left, 0, 'it was not asked often enough')
}

test('a service that fails three times in a row is left out, and any answer begins the row anew', () => {
  const choice = choiceOf()
  failAt(choice, a, 2)
  const upstream = choice.next()
  assert.equal(upstream.origin, b)
  failAt(choice, b, 2)
  for (let turn = 0; turn < 3; turn += 1) choice.next().health.begin().end('answered')
  failAt(choice, a, 2)
  assert.deepEqual(choice.unreachable(), [])
  failAt(choice, a, 1)
  assert.deepEqual(choice.unreachable(), [a])
  assert.deepEqual(spread(choice), new Set([b, c]))
})

test('a time-out, an answer of any kind and a client that leaves are no failures', () => {
  const choice = choiceOf()
  for (let turn = 0; turn < 30; turn += 1) {
    const { health } = choice.next()
    health.begin().end('silent')
    health.begin().end('unknown')
  }
  assert.deepEqual(choice.unreachable(), [])
})

test('those that are left share the requests evenly', () => {
  const choice = choiceOf()
  failAt(choice, a, 3)
  const counts = new Map<string, number>()
  for (let turn = 0; turn < 30; turn += 1) {
    const { origin } = choice.next()
    counts.set(origin, (counts.get(origin) ?? 0) + 1)
  }
  assert.deepEqual([...counts.values()], [15, 15])
})

test('one request at a time tries a service that was left out, which stays out twice as long each time', () => {
  const choice = choiceOf()
  failAt(choice, a, 3)
  let seconds = secondsOut
  for (const expected of [1, 2, 4, 8, 16, 30, 30, 30]) {
    assert.equal(seconds, expected)
    choice.advanceMs(seconds * 1000 - 1)
    assert.ok(!spread(choice).has(a ?? ''))
    choice.advanceMs(1)
    const trying = [choice.next(), choice.next(), choice.next()].find(({ origin }) => origin === a)
    assert.ok(trying)
    const trial = trying.health.begin()
    assert.ok(!spread(choice).has(a ?? ''), 'a second request tries it too')
    trial.end(expected === 4 ? 'silent' : 'broken')
    seconds = Math.min(seconds * 2, 30)
  }
  choice.advanceMs(30_000)
  const back = [choice.next(), choice.next(), choice.next()].find(({ origin }) => origin === a)
  back?.health.begin().end('answered')
  assert.deepEqual(choice.unreachable(), [])
  assert.ok(spread(choice).has(a ?? ''))
  // And the next time begins with a second again.
  failAt(choice, a, 3)
  choice.advanceMs(1000)
  assert.ok(spread(choice).has(a ?? ''))
})

test('a try whose client leaves shows nothing, and the next request tries', () => {
  const choice = choiceOf()
  failAt(choice, a, 3)
  choice.advanceMs(1000)
  for (let round = 0; round < 3; round += 1) {
    const trying = [choice.next(), choice.next(), choice.next()].find(({ origin }) => origin === a)
    assert.ok(trying)
    trying.health.begin().end('unknown')
  }
})

test('requests that were under way when a service was left out keep it out no longer', () => {
  const choice = choiceOf()
  const { health } = choice.next()
  const trials = Array.from({ length: 100 }, () => health.begin())
  for (const trial of trials) trial.end('broken')
  choice.advanceMs(1000)
  assert.ok(spread(choice).has(a ?? ''))
})

test('a request that cannot be sent again tries a service only when nobody else did for ten seconds', () => {
  const choice = choiceOf()
  failAt(choice, a, 3)
  choice.advanceMs(10_999)
  assert.ok(!spread(choice, false).has(a ?? ''))
  assert.ok(spread(choice, true).has(a ?? ''))
  choice.advanceMs(1)
  assert.ok(spread(choice, false).has(a ?? ''))
})

test('when all are left out, the one that is to be tried first is asked all the same', () => {
  const choice = choiceOf()
  failAt(choice, b, 3)
  choice.advanceMs(100)
  failAt(choice, a, 3)
  failAt(choice, c, 3)
  assert.equal(choice.unreachable().length, 3)
  assert.deepEqual(spread(choice), new Set([b]))
  choice.next().health.begin().end('answered')
  assert.deepEqual(spread(choice), new Set([b]))
})

test('a request is sent again to a service that is in, else to the same, else to one that is left out', () => {
  const choice = choiceOf()
  failAt(choice, a, 3)
  const one = choice.next()
  const other = choice.second(one, true)
  assert.ok(other && other !== one && other.origin !== a)
  failAt(choice, other.origin, 3)
  assert.equal(choice.second(one, true), one)
  const last = choice.second(one, false)
  assert.ok(last && last !== one)
})

test('a service that is gone fails three requests, and comes back by the first that tries it', async (t) => {
  let nowMs = 0
  const [gone, other] = await Promise.all([
    startBreakingService(t, ways.answers),
    startBreakingService(t, ways.answers),
  ])
  const to = [gone.origin, other.origin]
  const world = await startWorld(t, {
    steadyNow: () => nowMs,
    file: () => ({
      operations: { port: 0 },
      routes: [{ match: '/public/*', to, auth: { mode: 'none' } }],
    }),
  })
  const post = async (): Promise<number> =>
    (await world.ask({ path: '/public', method: 'POST', body: '' })).status
  const readiness = async (): Promise<unknown> => {
    const answer = await fetch(`http://127.0.0.1:${world.operationsPort}/health/ready`)
    return answer.json()
  }
  await gone.stop()
  const statuses: number[] = []
  for (let n = 0; n < 12; n += 1) statuses.push(await post())
  assert.deepEqual(
    statuses.toSorted((left, right) => left - right),
    [...Array<number>(9).fill(200), 502, 502, 502],
  )
  assert.deepEqual(await readiness(), { status: 'ok', warnings: [`unreachable: ${gone.origin}`] })
  assert.match(world.log(), /"failures":3,"retrySeconds":1,"msg":"an upstream cannot be reached"/)

  await gone.startAgain()
  const before = gone.heads.length
  for (let n = 0; n < 4; n += 1) assert.equal((await world.ask({ path: '/public' })).status, 200)
  assert.equal(gone.heads.length, before)
  nowMs += 1000
  for (let n = 0; n < 4; n += 1) assert.equal((await world.ask({ path: '/public' })).status, 200)
  assert.equal(gone.heads.length, before + 2)
  assert.deepEqual(await readiness(), { status: 'ok' })
  assert.match(world.log(), /an upstream is back/)
  const metrics = await (await fetch(`http://127.0.0.1:${world.operationsPort}/metrics`)).text()
  const failures = `portcullis_gateway_upstream_failures_total{upstream="${gone.origin}",again="no"} 3`
  assert.ok(metrics.includes(failures), metrics)
  assert.match(metrics, /^portcullis_gateway_unreachable_upstreams 0$/m)
  assert.match(metrics, /^portcullis_gateway_requests_under_way 0$/m)
})

test('a service whose connections break before their answers is left out, and one that answers errors is not', async (t) => {
  const [resets, fails] = await Promise.all([
    startBreakingService(t, ways.resets),
    startBreakingService(t, (socket) => {
      socket.write('HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n')
    }),
  ])
  const to = [resets.origin, fails.origin]
  const { ask } = await startWorld(t, {
    steadyNow: () => 0,
    file: () => ({ routes: [{ match: '/public/*', to, auth: { mode: 'none' } }] }),
  })
  for (let n = 0; n < 10; n += 1) assert.equal((await ask({ path: '/public' })).status, 500)
  assert.equal(resets.heads.length, 3)
  assert.equal(fails.heads.length, 10)
})
