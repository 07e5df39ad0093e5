import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { Engine } from './engines.ts'
import { testOnEngines } from './engines.ts'
import type { EventReceiver } from './event-receiver.ts'
import { startEventReceiver } from './event-receiver.ts'
import { checkSet, createStream, newReceiver, receiverToken } from './receivers.ts'
import type { RunningIdentity } from './running-identity.ts'
import { alice, startRunningIdentity } from './running-identity.ts'
import { admin, assertProblem, call, signInHere } from './signed-in.ts'
import { waitUntil } from './wait-until.ts'

const partner = newReceiver('partner')
const reason = 'a test'

interface World {
  readonly identity: RunningIdentity
  readonly receiver: EventReceiver
  readonly token: string
  readonly logOut: () => Promise<void>
}

async function start(t: TestContext, engine: Engine): Promise<World> {
  const receiver = await startEventReceiver()
  t.after(receiver.close)
  const identity = await startRunningIdentity({
    database: await engine.createStore(t),
    accounts: [alice, admin],
    clients: [partner],
    file: { streams: { reachableNetworks: ['127.0.0.1'] } },
  })
  t.after(identity.close)
  return {
    identity,
    receiver,
    token: (await signInHere(identity, admin)).access,
    logOut: async () => {
      const { access } = await signInHere(identity)
      assert.equal((await call(identity, 'POST /logout', { token: access })).status, 200)
    },
  }
}

testOnEngines('one request makes a webhook, and another ends it', async (t, engine) => {
  const { identity, receiver, token, logOut } = await start(t, engine)
  const body = {
    endpoint_url: `${receiver.url}/hook`,
    events: ['session-revoked', 'account-disabled'],
    authorization_header: 'Bearer hidden',
    description: 'for the operators',
    reason,
  }
  const made = await call(identity, 'POST /admin/streams', { token, body })
  assert.equal(made.status, 201, made.body)
  assert.ok(!made.body.includes('hidden'))
  const { id, created_at: _, ...members } = made.members()
  assert.deepEqual(members, {
    audience: body.endpoint_url,
    description: body.description,
    delivery: 'push',
    endpoint_url: body.endpoint_url,
    events: body.events,
    format: 'complex',
    status: 'enabled',
    failures: 0,
    dropped: 0,
    undelivered: 0,
  })
  await logOut()
  await waitUntil(() => receiver.pushes.length === 1, 'it is pushed')
  const { claims } = await checkSet(identity, receiver.pushes[0]?.token ?? '')
  assert.equal(claims['aud'], body.endpoint_url)
  const [event] = await identity.query(
    "SELECT actor, reason FROM events WHERE kind = 'stream-created'",
  )
  assert.equal(event?.['reason'], reason)
  const ended = await call(identity, `DELETE /admin/streams/${String(id)}`, {
    token,
    body: { reason },
  })
  assert.equal(ended.status, 204)
  assertProblem(
    await call(identity, `GET /admin/streams/${String(id)}`, { token }),
    404,
    'not-found',
  )
})

testOnEngines(
  'administrators see how it goes with every stream, page by page',
  async (t, engine) => {
    const { identity, receiver, token } = await start(t, engine)
    const own = await createStream(identity, await receiverToken(identity, partner))
    const body = { endpoint_url: receiver.url, events: ['session-revoked'] }
    const made = await call(identity, 'POST /admin/streams', { token, body })
    const ids = [own, String(made.members()['id'])].toSorted()
    const first = (await call(identity, 'GET /admin/streams?limit=1', { token })).members()
    const rest = await call(identity, `GET /admin/streams?after=${String(first['next'])}`, {
      token,
    })
    const pages = [first, rest.members()].flatMap(
      ({ streams }) => streams as readonly { readonly id: string; readonly client?: string }[],
    )
    assert.deepEqual(
      pages.map(({ id }) => id),
      ids,
    )
    assert.equal(pages.find(({ id }) => id === own)?.client, partner.clientId)
    assert.equal(rest.members()['next'], undefined)
  },
)

testOnEngines(
  'what a receiver has refused for good is shown with why, and delivered again',
  async (t, engine) => {
    const { identity, receiver, token, logOut } = await start(t, engine)
    const body = { endpoint_url: receiver.url, events: ['session-revoked'] }
    const made = await call(identity, 'POST /admin/streams', { token, body })
    const path = `/admin/streams/${String(made.members()['id'])}`
    receiver.answerWith({ status: 400, body: '{"err":"invalid_request"}' })
    await logOut()
    const read = async (): Promise<Readonly<Record<string, unknown>>> =>
      (await call(identity, `GET ${path}`, { token })).members()
    await waitUntil(async () => (await read())['undelivered'] === 1, 'it is given up')
    const { undelivered_events: refused, last_failure: lastFailure } = await read()
    assert.equal(lastFailure, 'it answered 400: invalid_request')
    const [one] = refused as readonly Readonly<Record<string, unknown>>[]
    assert.deepEqual(
      [one?.['event'], one?.['tries'], one?.['why']],
      ['session-revoked', 1, lastFailure],
    )
    receiver.answerWith({ status: 202 })
    identity.clock.advanceMs(1000)
    const again = await call(identity, `POST ${path}/redeliver`, { token, body: { reason } })
    assert.deepEqual(again.members(), { events: 1 })
    await waitUntil(() => receiver.pushes.length === 2, 'it is delivered again')
    await waitUntil(async () => (await read())['failures'] === 0, 'it is taken')
    assert.equal((await read())['undelivered'], 0)
  },
)

testOnEngines('a webhook that cannot be is refused, and said why', async (t, engine) => {
  const { identity, token } = await start(t, engine)
  const good = { endpoint_url: 'https://hook.example/', events: ['session-revoked'] }
  const bodies: readonly (readonly [object, string])[] = [
    [{ ...good, endpoint_url: 'http://hook.example/' }, '/endpoint_url'],
    [{ ...good, endpoint_url: 'https://10.0.0.1/' }, '/endpoint_url'],
    [{ ...good, events: ['session-revokd'] }, '/events'],
    [{ ...good, events: [] }, '/events'],
    [{ ...good, authorization_header: 'a\nb' }, '/authorization_header'],
  ]
  for (const [body, field] of bodies) {
    const answer = await call(identity, 'POST /admin/streams', { token, body })
    assertProblem(answer, 400, 'malformed')
    const errors = answer.members()['errors'] as readonly { readonly field: string }[]
    assert.equal(errors[0]?.field, field)
  }
})
