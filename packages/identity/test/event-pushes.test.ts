import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { retryDelayMs } from '../src/domain/event-pushes.ts'
import type { Engine } from './engines.ts'
import { testOnEngines } from './engines.ts'
import type { EventReceiver, PushedAnswer } from './event-receiver.ts'
import { startEventReceiver } from './event-receiver.ts'
import {
  checkSet,
  createStream,
  newReceiver,
  push,
  receiverToken,
  sessionRevoked,
} from './receivers.ts'
import type { RunningIdentity } from './running-identity.ts'
import { alice, startRunningIdentity } from './running-identity.ts'
import { call, signInHere } from './signed-in.ts'
import { waitUntil } from './wait-until.ts'

const partner = newReceiver('partner')

const until = (isReached: () => boolean | Promise<boolean>): Promise<void> =>
  waitUntil(isReached, 'what a push leads to')

interface World {
  readonly identity: RunningIdentity
  readonly token: string
  readonly receiver: EventReceiver
  readonly logOut: () => Promise<void>
  /** A row of the one stream. */
  readonly stream: () => Promise<Readonly<Record<string, unknown>>>
}

async function start(
  t: TestContext,
  engine: Engine,
  more: object = {},
  answerTo?: () => PushedAnswer | undefined,
): Promise<World> {
  const receiver = await startEventReceiver(answerTo)
  t.after(receiver.close)
  const identity = await startRunningIdentity({
    database: await engine.createStore(t),
    accounts: [alice],
    clients: [partner],
    file: { streams: { reachableNetworks: ['127.0.0.1'] } },
  })
  t.after(identity.close)
  const token = await receiverToken(identity, partner)
  const delivery = { method: push, endpoint_url: `${receiver.url}/events`, ...more }
  await createStream(identity, token, { delivery })
  return {
    identity,
    token,
    receiver,
    logOut: async () => {
      const { access } = await signInHere(identity)
      assert.equal((await call(identity, 'POST /logout', { token: access })).status, 200)
    },
    stream: async () => (await identity.query('SELECT * FROM event_streams'))[0] ?? {},
  }
}

testOnEngines(
  'an event is pushed as soon as it is committed, as the standard has it',
  async (t, engine) => {
    const authorization = 'Bearer of-the-receiver'
    const { identity, receiver, logOut, stream } = await start(t, engine, {
      authorization_header: authorization,
    })
    await logOut()
    await until(async () => (await stream())['delivered_at'] !== null)
    const [pushed, ...others] = receiver.pushes
    assert.equal(others.length, 0)
    assert.equal(pushed?.headers['content-type'], 'application/secevent+jwt')
    assert.equal(pushed.headers.authorization, authorization)
    assert.equal(pushed.headers.cookie, undefined)
    const { type, claims } = await checkSet(identity, pushed.token)
    assert.equal(type, sessionRevoked)
    assert.equal(claims['aud'], partner.clientId)
    for (const word of [authorization, pushed.token]) assert.ok(!identity.logged().includes(word))
  },
)

testOnEngines(
  'a receiver that fails is asked again, less and less often, and gets the same token in the same order',
  async (t, engine) => {
    const { identity, receiver, logOut, stream } = await start(t, engine)
    const failures: readonly PushedAnswer[] = [
      { status: 500 },
      { status: 503 },
      { status: 302, headers: { location: `${receiver.url}/elsewhere` } },
      { status: 400, body: '{"err":"authentication_failed"}' },
    ]
    await logOut()
    await until(async () => (await stream())['delivered_at'] !== null)
    let last = 0
    for (const [count, answer] of failures.entries()) {
      receiver.answerWith(answer)
      if (count === 0) {
        await logOut()
        await logOut()
      } else identity.clock.advanceMs(last)
      await until(async () => Number((await stream())['failures']) === count + 1)
      const { due_at: dueAt } = await stream()
      const delayMs = Number(dueAt) - identity.clock.now()
      assert.ok(delayMs >= 500 * 2 ** count && delayMs <= 1000 * 2 ** count, `${delayMs}`)
      last = delayMs
    }
    assert.ok(
      receiver.pushes.every(({ url }) => url === '/events'),
      'a redirect was followed',
    )
    receiver.answerWith({ status: 202 })
    identity.clock.advanceMs(last)
    await until(() => receiver.pushes.length === 1 + failures.length + 2)
    const [, ...tokens] = receiver.pushes.map(({ token }) => token)
    assert.equal(new Set(tokens).size, 2)
    assert.equal(new Set(tokens.slice(0, -1)).size, 1)
    await until(async () => Number((await stream())['failures']) === 0)
  },
)

testOnEngines(
  'what will never fit is put aside at once, and what is refused often at last',
  async (t, engine) => {
    const { identity, receiver, logOut, stream } = await start(t, engine)
    const aside = (): Promise<readonly Readonly<Record<string, unknown>>[]> =>
      identity.query('SELECT tries, why FROM undelivered_events ORDER BY event_id')
    receiver.answerWith({
      status: 400,
      body: '{"err":"invalid_audience","description":"n\\u0000o"}',
    })
    await logOut()
    await until(async () => (await aside()).length === 1)
    const [first] = await aside()
    assert.deepEqual(
      { ...first, tries: Number(first?.['tries']) },
      {
        tries: 1,
        why: 'it answered 400: invalid_audience n?o',
      },
    )
    receiver.answerWith({ status: 404 })
    identity.clock.advanceMs(1000)
    await logOut()
    for (let tries = 1; (await aside()).length === 1; tries += 1) {
      assert.ok(tries <= 12, 'it is tried for ever')
      await until(async () => Number((await stream())['failures']) === 1 + tries)
      identity.clock.advanceMs(600_000)
    }
    assert.equal(Number((await aside())[1]?.['tries']), 12)
    receiver.answerWith({ status: 202 })
    identity.clock.advanceMs(600_000)
    await logOut()
    await until(async () => Number((await stream())['failures']) === 0)
    assert.equal((await aside()).length, 2)
  },
)

const unfit = { status: 400, body: '{"err":"invalid_audience"}' }

testOnEngines(
  'what was taken is not pushed again, whatever becomes of what comes behind it',
  async (t, engine) => {
    const answers: PushedAnswer[] = [{ status: 202 }, { status: 500 }, { status: 202 }, unfit]
    const world = await start(t, engine, {}, () => answers.shift())
    const { identity, receiver, stream } = world
    await letWait(world, 4)
    await until(async () => Number((await stream())['failures']) === 1)
    assert.notEqual((await stream())['delivered_at'], null)
    identity.clock.advanceMs(1000)
    await until(async () => (await identity.query('SELECT * FROM undelivered_events')).length === 1)
    assert.equal(Number((await stream())['failures']), 1, 'what was taken has not ended the row')
    identity.clock.advanceMs(1000)
    await until(async () => Number((await stream())['failures']) === 0)
    const [first, ...others] = receiver.pushes.map(({ token }) => idIn(token))
    assert.deepEqual(
      others.map((id) => id - (first ?? 0)),
      [1, 1, 2, 3],
    )
  },
)

testOnEngines('who has lost a stream in the middle of it pushes no more', async (t, engine) => {
  const answers: (() => unknown)[] = [() => world.identity.clock.advanceMs(60_000)]
  const world: World = await start(t, engine, {}, () => void answers.shift()?.())
  await letWait(world, 2)
  await until(async () => (await world.stream())['delivered_at'] !== null)
  const [first, ...others] = world.receiver.pushes.map(({ token }) => idIn(token))
  assert.deepEqual(
    others.map((id) => id - (first ?? 0)),
    [0, 1],
  )
})

/** So many events, of which the first is not pushed before the last is there. */
async function letWait({ identity, token, logOut, stream }: World, events: number): Promise<void> {
  const id = String((await stream())['id'])
  const setStatus = (status: string): Promise<unknown> =>
    call(identity, 'POST /ssf/status', { token, body: { stream_id: id, status } })
  await setStatus('paused')
  for (let count = 0; count < events; count += 1) await logOut()
  await setStatus('enabled')
}

testOnEngines('two nodes share the streams, and none gets anything twice', async (t, engine) => {
  const { identity, token, receiver, logOut } = await start(t, engine)
  const node = await identity.startNode()
  t.after(node.close)
  for (let count = 0; count < 9; count += 1) {
    const delivery = { method: push, endpoint_url: `${receiver.url}/${count}` }
    await createStream(identity, token, { delivery })
  }
  for (let count = 0; count < 5; count += 1) await logOut()
  await until(() => receiver.pushes.length >= 50)
  await until(async () => {
    const behind = await identity.query(
      'SELECT id FROM event_streams WHERE position < (SELECT max(id) FROM security_events)',
    )
    return behind.length === 0
  })
  assert.equal(receiver.pushes.length, 50)
  assert.equal(new Set(receiver.pushes.map(({ token: one }) => one)).size, 50)
  for (const path of new Set(receiver.pushes.map(({ url }) => url))) {
    const ids = receiver.pushes.flatMap(({ url, token: one }) => (url === path ? [idIn(one)] : []))
    assert.deepEqual(
      ids,
      ids.toSorted((one, other) => one - other),
      path,
    )
  }
})

function idIn(token: string): number {
  const [, payload = ''] = token.split('.')
  const { jti } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { jti: string }
  return Number(jti.split('.')[0])
}

testOnEngines('a lease that nobody gave back is over by the clock', async (t, engine) => {
  const { identity, receiver, logOut, stream } = await start(t, engine)
  receiver.answerWith('hang')
  await logOut()
  await until(() => receiver.pushes.length === 1)
  const { lease } = await stream()
  const node = await identity.startNode()
  t.after(node.close)
  receiver.answerWith({ status: 202 })
  await logOut()
  await new Promise((later) => setTimeout(later, 1500))
  assert.equal(receiver.pushes.length, 1, 'another node delivered beside it')
  identity.clock.advanceMs(60_000)
  await until(() => receiver.pushes.length === 3)
  assert.notEqual((await stream())['lease'], lease)
})

testOnEngines(
  'a new address is the one that the next event goes to, and answers for itself alone',
  async (t, engine) => {
    const { identity, token, receiver, logOut, stream } = await start(t, engine)
    const { id } = await stream()
    let answerFirst: (() => void) | undefined
    receiver.answerWith({
      status: 202,
      after: new Promise((answered) => (answerFirst = answered)),
    })
    for (let count = 0; count < 3; count += 1) await logOut()
    await until(() => receiver.pushes.length === 1)
    const delivery = { method: push, endpoint_url: `${receiver.url}/moved` }
    const body = { stream_id: id, delivery }
    const changed = await call(identity, 'PATCH /ssf/streams', { token, body })
    assert.equal(changed.status, 200)
    receiver.answerWith({ status: 202 })
    answerFirst?.()
    await new Promise((later) => setTimeout(later, 300))
    assert.deepEqual(
      receiver.pushes.map(({ url }) => url),
      ['/events'],
    )
    // As long as the push to the one before may take.
    identity.clock.advanceMs(10_000)
    await until(() => receiver.pushes.length === 4)
    const [, ...moved] = receiver.pushes.map(({ url }) => url)
    assert.deepEqual(moved, ['/moved', '/moved', '/moved'])
    await until(async () => (await stream())['delivered_at'] !== null)
  },
)

testOnEngines(
  'a stream whose client was stopped, or that is paused, is not pushed',
  async (t, engine) => {
    const { identity, token, receiver, logOut, stream } = await start(t, engine)
    const { stream_id: id } = { stream_id: String((await stream())['id']) }
    const setStatus = (status: string): Promise<unknown> =>
      call(identity, 'POST /ssf/status', { token, body: { stream_id: id, status } })
    await setStatus('paused')
    await logOut()
    await new Promise((later) => setTimeout(later, 300))
    assert.equal(receiver.pushes.length, 0)
    await setStatus('enabled')
    await until(() => receiver.pushes.length === 1)
    await identity.query(`UPDATE clients SET enabled = 0 WHERE id = '${partner.clientId}'`)
    await logOut()
    await new Promise((later) => setTimeout(later, 300))
    assert.equal(receiver.pushes.length, 1)
  },
)

test('delays grow to ten minutes, and half of each is chance', () => {
  const delays = Array.from({ length: 12 }, (_, failures) => retryDelayMs(failures, 1))
  assert.deepEqual(delays.slice(0, 4), [1000, 2000, 4000, 8000])
  assert.equal(delays.at(-1), 600_000)
  assert.equal(retryDelayMs(1000, 1), 600_000)
  assert.equal(retryDelayMs(3, 0), 4000)
})
