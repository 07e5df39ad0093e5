import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { pollEvents } from '../src/domain/event-polls.ts'
import type { SecurityEvent } from '../src/domain/security-events.ts'
import type { Engine } from './engines.ts'
import { sqlite, testOnEngines } from './engines.ts'
import {
  accountEnabled,
  checkSet,
  createStream,
  newReceiver,
  pollStream,
  push,
  receiverToken,
  takeEvents,
} from './receivers.ts'
import type { RunningIdentity } from './running-identity.ts'
import { alice, startRunningIdentity } from './running-identity.ts'
import { assertProblem, call, signInHere } from './signed-in.ts'
import { waitUntil } from './wait-until.ts'

const partner = newReceiver('partner')
const other = newReceiver('other')

interface World {
  readonly identity: RunningIdentity
  readonly token: string
  readonly id: string
  readonly logOut: () => Promise<void>
}

async function start(t: TestContext, engine: Engine): Promise<World> {
  const identity = await startRunningIdentity({
    database: await engine.createStore(t),
    accounts: [alice],
    clients: [partner, other],
  })
  t.after(identity.close)
  const token = await receiverToken(identity, partner)
  const id = await createStream(identity, token)
  return { identity, token, id, logOut: () => logOut(identity) }
}

async function logOut(identity: RunningIdentity): Promise<void> {
  const { access } = await signInHere(identity)
  assert.equal((await call(identity, 'POST /logout', { token: access })).status, 200)
}

testOnEngines(
  'an event is given until it is acknowledged, letter by letter the same',
  async (t, engine) => {
    const { identity, token, id, logOut: end } = await start(t, engine)
    for (let count = 0; count < 3; count += 1) await end()
    const first = await pollStream(identity, token, id)
    assert.equal(Object.keys(first.sets).length, 3)
    identity.clock.advanceMs(61_000)
    assert.deepEqual(await pollStream(identity, token, id), first)
    const [one = '', two = '', three = ''] = Object.keys(first.sets)
    // In any order, and what is no event of the stream is passed over.
    const ack = [two, two, 'unknown', `${two}x`, `9.${'A'.repeat(22)}`]
    const rest = await pollStream(identity, token, id, { ack })
    assert.deepEqual(Object.keys(rest.sets), [one, three])
    assert.deepEqual(await pollStream(identity, token, id, { ack: [two] }), rest)
    assert.deepEqual(await pollStream(identity, token, id, { ack: [one, three] }), { sets: {} })
    const left = await identity.query('SELECT * FROM acknowledged_events')
    assert.deepEqual(left, [], 'nothing is kept of what is over')
  },
)

testOnEngines(
  'a poll gets as many as it wants, and hears that there are more',
  async (t, engine) => {
    const { identity, token, id, logOut: end } = await start(t, engine)
    for (let count = 0; count < 3; count += 1) await end()
    const two = await pollStream(identity, token, id, { maxEvents: 2 })
    assert.equal(Object.keys(two.sets).length, 2)
    assert.equal(two.moreAvailable, true)
    const last = await pollStream(identity, token, id, { ack: Object.keys(two.sets), maxEvents: 2 })
    assert.equal(Object.keys(last.sets).length, 1)
    assert.equal(last.moreAvailable, undefined)
    assert.deepEqual(await pollStream(identity, token, id, { maxEvents: 0 }), { sets: {} })
  },
)

testOnEngines(
  'a poll waits for what comes, and every kind of thing wakes it',
  async (t, engine) => {
    const { identity, token, id, logOut: end } = await start(t, engine)
    const node = await identity.startNode()
    t.after(node.close)
    for (const at of [identity, node]) {
      const waiting = pollStream(at, token, id, { returnImmediately: false })
      await end()
      const { sets } = await waiting
      assert.equal(Object.keys(sets).length, 1)
      await pollStream(identity, token, id, { ack: Object.keys(sets) })
    }
    const waiting = pollStream(identity, token, id, { returnImmediately: false })
    const verify = { token, body: { stream_id: id, state: 'a state' } }
    assert.equal((await call(identity, 'POST /ssf/verify', verify)).status, 204)
    const [text = ''] = Object.values((await waiting).sets)
    const { type, payload, claims } = await checkSet(identity, text)
    assert.equal(type, 'https://schemas.openid.net/secevent/ssf/event-type/verification')
    assert.deepEqual(payload, { state: 'a state' })
    assert.deepEqual(claims['sub_id'], { format: 'opaque', id })
  },
)

testOnEngines(
  'what a receiver cannot read is put aside, with what it says of it',
  async (t, engine) => {
    const { identity, token, id, logOut: end } = await start(t, engine)
    await end()
    const [jti = ''] = Object.keys((await pollStream(identity, token, id)).sets)
    const setErrs = { [jti]: { err: 'invalid_key', description: 'no such key' } }
    assert.deepEqual(await pollStream(identity, token, id, { setErrs }), { sets: {} })
    const aside = await identity.query('SELECT why FROM undelivered_events')
    assert.deepEqual(
      aside.map(({ why }) => why),
      ['invalid_key no such key'],
    )
  },
)

testOnEngines(
  'a paused stream keeps what happens, and a disabled one drops it',
  async (t, engine) => {
    const { identity, token, id, logOut: end } = await start(t, engine)
    const setStatus = async (status: string): Promise<void> => {
      const body = { stream_id: id, status }
      assert.equal((await call(identity, 'POST /ssf/status', { token, body })).status, 200)
    }
    await setStatus('paused')
    await end()
    assert.deepEqual(await pollStream(identity, token, id), { sets: {} })
    await setStatus('enabled')
    assert.equal((await takeEvents(identity, token, id)).length, 1)
    await end()
    await setStatus('disabled')
    await end()
    assert.deepEqual(await pollStream(identity, token, id), { sets: {} })
    await setStatus('enabled')
    assert.deepEqual(await pollStream(identity, token, id), { sets: {} })
    await end()
    assert.equal((await takeEvents(identity, token, id)).length, 1)
  },
)

testOnEngines(
  'a stream is polled by its own receiver, and not when it is pushed',
  async (t, engine) => {
    const { identity, token, id, logOut: end } = await start(t, engine)
    await end()
    const [jti = ''] = Object.keys((await pollStream(identity, token, id)).sets)
    const foreign = await receiverToken(identity, other)
    const route = `POST /ssf/poll/${id}`
    const body = { returnImmediately: true, ack: [jti] }
    assertProblem(await call(identity, route, { token: foreign, body }), 404, 'not-found')
    // In its own stream, a foreign name is no name.
    const own = await createStream(identity, foreign)
    await pollStream(identity, foreign, own, { ack: [jti] })
    assert.deepEqual(Object.keys((await pollStream(identity, token, id)).sets), [jti])
    const delivery = { method: push, endpoint_url: 'https://partner.example/events' }
    const change = { token, body: { stream_id: id, delivery } }
    assert.equal((await call(identity, 'PATCH /ssf/streams', change)).status, 200)
    assertProblem(await call(identity, route, { token, body }), 404, 'not-found')
  },
)

testOnEngines('a store that is used again after a restart gives what waited', async (t, engine) => {
  const { identity, token, id, logOut: end } = await start(t, engine)
  await end()
  const before = await pollStream(identity, token, id)
  const again = await identity.restart()
  t.after(again.close)
  const later = await pollStream(again, await receiverToken(again, partner), id)
  assert.deepEqual(Object.keys(later.sets), Object.keys(before.sets))
})

testOnEngines(
  'for a poll two thousand events are looked at, and what comes behind them is there once those are settled',
  async (t, engine) => {
    const { identity, token } = await start(t, engine)
    const id = await createStream(identity, token, { events_requested: [accountEnabled] })
    const happened = (event: string, cause: string, count: number): Promise<unknown> =>
      identity.query(
        `INSERT INTO security_events (at, event, cause, txn, initiator, account_id)
         WITH RECURSIVE one (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM one WHERE number < ${count})
         SELECT ${identity.clock.now()}, '${event}', '${cause}', 'a change', 'admin', 'somebody' FROM one`,
      )
    const ofOthers = (count: number): Promise<unknown> =>
      happened('session-revoked', 'session-ended', count)
    await ofOthers(2_500)
    for (let times = 0; times < 2; times += 1) {
      await happened('account-enabled', 'account-unblocked', 1)
      await ofOthers(2_500)
    }
    const first = await pollStream(identity, token, id)
    const given = Object.keys(first.sets)
    assert.deepEqual([given.length, first.moreAvailable], [1, true])
    assert.deepEqual(await pollStream(identity, token, id), first)
    const second = await pollStream(identity, token, id, { ack: given })
    assert.deepEqual([Object.keys(second.sets).length, second.moreAvailable], [1, true])
    assert.notDeepEqual(Object.keys(second.sets), given)
    const last = await pollStream(identity, token, id, { ack: Object.keys(second.sets) })
    assert.deepEqual(last, { sets: {} })
  },
)

test('a client has sixteen polls under way, of those that wait and those that do not', async (t) => {
  const { identity, token, id, logOut: end } = await start(t, sqlite)
  const route = `POST /ssf/poll/${id}`
  const waiting = Array.from({ length: 16 }, () =>
    pollStream(identity, token, id, { returnImmediately: false }),
  )
  const refused = async (): Promise<boolean> => {
    const answer = await call(identity, route, { token, body: { returnImmediately: true } })
    if (answer.status === 200) return false
    assertProblem(answer, 429, 'throttled')
    return true
  }
  await waitUntil(refused, 'the places of the client are taken')
  const acknowledged = await call(identity, route, { token, body: { maxEvents: 0 } })
  assert.equal(acknowledged.status, 200)
  await end()
  for (const { sets } of await Promise.all(waiting)) assert.equal(Object.keys(sets).length, 1)
  assert.equal(await refused(), false)
})

test('nothing is signed for a poll before its turn', async () => {
  const event = { id: 1, at: 0, event: 'account-enabled', cause: 'account-unblocked' } as const
  const signed: unknown[] = []
  const { promise: turn, resolve: giveTurn } = Promise.withResolvers<void>()
  const polled = pollEvents(
    {
      issuer: 'https://id.example',
      polledEvents: {
        waiting: async () => ({
          events: [{ ...event, txn: 'one', initiator: 'admin' } as SecurityEvent],
          isMore: false,
        }),
        settle: async () => undefined,
      },
      signSecurityEvent: async ({ txn }) => {
        signed.push(txn)
        return 'a token'
      },
      giveWay: () => turn,
    },
    { id: 'a stream', audience: 'a receiver', subjectFormat: 'complex' },
    { eventsMax: 10, news: async () => false },
  )
  await setImmediate()
  assert.deepEqual(signed, [])
  giveTurn()
  assert.equal(Object.keys((await polled).sets).length, 1)
  assert.deepEqual(signed, ['one'])
})
