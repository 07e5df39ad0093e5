import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import { subscribe } from './event-stream.ts'
import { codesOf, graphqlPath, startReviews } from './running-reviews.ts'

async function waitUntil(condition: () => boolean, why: string, msMax = 5000): Promise<void> {
  const deadline = Date.now() + msMax
  while (!condition()) {
    assert.ok(Date.now() < deadline, why)
    await sleep(5)
  }
}

const nextSecond = (): number => Math.floor(Date.now() / 1000) + 2

test('a subscriber receives what is added from then on, of the chosen item, with the fields that are theirs', async (t) => {
  const service = await startReviews(t)
  await service.add('bob', 'lamp', 'before')
  const selection = 'reviewAdded(item: "lamp") { text author }'
  const alice = await subscribe(service, service.mint({ sub: 'alice' }), selection)
  const moderator = await subscribe(service, service.mint({ roles: ['moderator'] }))
  await service.add('bob', 'chair', 'sturdy')
  await service.add('bob', 'lamp', 'bright')
  await service.add('alice', 'lamp', 'brighter')

  const bright = { reviewAdded: { text: 'bright', author: null } }
  const own = { reviewAdded: { text: 'brighter', author: 'alice' } }
  assert.deepEqual(await alice.next(), { event: 'next', body: { data: bright } })
  assert.deepEqual(await alice.next(), { event: 'next', body: { data: own } })
  const first = await moderator.next()
  const all = { reviewAdded: { item: 'chair', text: 'sturdy', author: 'bob' } }
  assert.deepEqual(first?.body, { data: all })
  alice.leave()
  moderator.leave()
})

test('a subscription ends when its token expires, and the last event says why', async (t) => {
  const service = await startReviews(t)
  const exp = nextSecond()
  const stream = await subscribe(service, service.mint({ exp }))
  const other = await subscribe(service, service.mint({ sub: 'with more time' }))
  await service.add('bob', 'lamp', 'in time')
  assert.ok((await stream.next())?.body?.data)

  const [last, complete, ...others] = await stream.rest()
  assert.ok(Date.now() >= exp * 1000 - 50, 'it ended before the token did')
  assert.ok(Date.now() < exp * 1000 + 3000, 'it went on after the token')
  assert.equal(last?.event, 'next')
  assert.deepEqual(
    last?.body?.errors?.map(({ message, extensions }) => ({ message, extensions })),
    [
      {
        message: 'the token has expired',
        extensions: { code: 'UNAUTHENTICATED', reason: 'expired' },
      },
    ],
  )
  assert.deepEqual(complete, { event: 'complete', body: undefined })
  assert.deepEqual(others, [])
  assert.deepEqual([service.feed.size(), service.watched()], [1, 1])

  await service.add('bob', 'lamp', 'too late for one')
  assert.ok((await other.next())?.body?.data)
  other.leave()
})

test('a subscription ends when its session is revoked, and others go on', async (t) => {
  const service = await startReviews(t)
  const [sid, otherSid] = ['AAAAAAAAAAAAAAAAAAAAAA', 'BBBBBBBBBBBBBBBBBBBBBB']
  const ended = await subscribe(service, service.mint({ sid }))
  const other = await subscribe(service, service.mint({ sid: otherSid }))
  service.issuer.revoke({ sid })
  const events = await ended.rest()
  assert.deepEqual(
    events.map(({ event }) => event),
    ['next', 'complete'],
  )
  assert.deepEqual(codesOf(events[0]?.body ?? {}), ['UNAUTHENTICATED'])
  await service.add('bob', 'lamp', 'bright')
  assert.equal((await other.next())?.event, 'next')
  other.leave()
})

test('who leaves is forgotten, and so is the watch of the token', async (t) => {
  const service = await startReviews(t)
  const streams = await Promise.all(
    Array.from({ length: 20 }, (_none, at) => subscribe(service, service.mint({ sub: `s${at}` }))),
  )
  assert.deepEqual([service.feed.size(), service.watched()], [20, 20])
  for (const stream of streams) stream.leave()
  await waitUntil(() => service.feed.size() === 0, 'a subscriber that left is still followed')
  assert.equal(service.watched(), 0)
  await service.add('bob', 'lamp')
})

test('one subscriber too many is 503, until another one leaves', async (t) => {
  const service = await startReviews(t, { subscribersMax: 2 })
  const first = await subscribe(service, service.mint())
  const second = await subscribe(service, service.mint())
  const third = await subscribe(service, service.mint())
  assert.deepEqual([first.status, second.status, third.status], [200, 200, 503])
  const [event] = await third.rest()
  assert.deepEqual(codesOf(event?.body ?? {}), ['OVERLOADED'])
  assert.equal(service.watched(), 2)

  const json = await service.ask('subscription { reviewAdded { id } }', service.mint())
  assert.equal(json.status, 503)
  assert.equal(json.headers.get('retry-after'), '10')

  first.leave()
  await waitUntil(() => service.feed.size() === 1, 'the place was not given back')
  const fourth = await subscribe(service, service.mint())
  assert.equal(fourth.status, 200)
  for (const stream of [second, fourth]) stream.leave()
})

test('who does not read is let go, and cannot hold the connection', async (t) => {
  const service = await startReviews(t, { waitingMax: 10, lastWordMs: 100 })
  const { hostname, port } = new URL(service.origin)
  const socket = connect(Number(port), hostname).on('error', () => undefined)
  await once(socket, 'connect')
  const query = encodeURIComponent('subscription { reviewAdded { text } }')
  const lines = [
    `GET ${graphqlPath}?query=${query} HTTP/1.1`,
    'Host: localhost',
    'Accept: text/event-stream',
    `Authorization: Bearer ${service.mint()}`,
  ]
  socket.write(`${lines.join('\r\n')}\r\n\r\n`)
  socket.pause()
  await waitUntil(() => service.feed.size() === 1, 'there is no subscription')

  const review = { id: 'i', item: 'lamp', stars: 1, createdAt: '', author: 'bob', removedBy: null }
  const text = 'x'.repeat(64 * 1024)
  for (let sent = 0; sent < 2000 && service.feed.size() === 1; sent += 1) {
    service.feed.publish({ ...review, text })
    await nextTurn()
  }
  assert.deepEqual([service.feed.size(), service.watched()], [0, 0])
  await sleep(300)
  let received = ''
  socket.on('data', (chunk: Buffer) => (received += chunk.toString()))
  socket.resume()
  await once(socket, 'close')
  assert.ok(!received.includes('event: complete'))
})

test('who reads too slowly but reads is told so', async (t) => {
  const service = await startReviews(t, { waitingMax: 3 })
  const stream = await subscribe(service, service.mint())
  const review = { id: 'i', item: 'lamp', stars: 1, createdAt: '', author: 'bob', removedBy: null }
  for (let sent = 0; sent < 10; sent += 1) service.feed.publish({ ...review, text: String(sent) })
  const events = await stream.rest()
  assert.deepEqual(codesOf(events.at(-2)?.body ?? {}), ['TOO_SLOW'])
  assert.equal(events.at(-1)?.event, 'complete')
})

test('a service that stops ends its subscriptions with a word', async (t) => {
  const service = await startReviews(t)
  const stream = await subscribe(service, service.mint())
  service.feed.close()
  const [last, complete] = await stream.rest()
  assert.deepEqual(codesOf(last?.body ?? {}), ['SERVICE_STOPS'])
  assert.equal(complete?.event, 'complete')
  assert.equal(service.watched(), 0)
})
