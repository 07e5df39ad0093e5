import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import type { Engine } from './engines.ts'
import { testOnEngines } from './engines.ts'
import {
  createStream,
  newReceiver,
  poll,
  push,
  receiverToken,
  sessionRevoked,
  statusOf,
  streams,
} from './receivers.ts'
import type { RunningIdentity } from './running-identity.ts'
import { alice, machine, startRunningIdentity } from './running-identity.ts'
import { admin, assertChallenged, assertProblem, call, signInHere } from './signed-in.ts'

const partner = newReceiver('partner')
const other = newReceiver('other')
const reader = newReceiver('reader', ['ssf.read'])

interface World {
  readonly identity: RunningIdentity
  readonly token: string
}

async function start(t: TestContext, engine: Engine): Promise<World> {
  const identity = await startRunningIdentity({
    database: await engine.createStore(t),
    accounts: [alice, admin],
    clients: [machine, partner, other, reader],
  })
  t.after(identity.close)
  return { identity, token: await receiverToken(identity, partner) }
}

test('the configuration names what there is, at the place of the issuer', async (t) => {
  for (const [issuer, path] of [
    ['https://id.example', '/.well-known/ssf-configuration'],
    ['https://id.example/tenant', '/.well-known/ssf-configuration/tenant'],
  ] as const) {
    const identity = await startRunningIdentity({ file: { issuer } })
    t.after(identity.close)
    const answer = await identity.ask({ path })
    assert.equal(answer.status, 200)
    assert.match(String(answer.headers['cache-control']), /max-age/)
    assert.deepEqual(answer.members(), {
      spec_version: '1_0',
      issuer,
      jwks_uri: `${issuer}/.well-known/jwks.json`,
      delivery_methods_supported: [push, poll],
      configuration_endpoint: `${issuer}/ssf/streams`,
      status_endpoint: `${issuer}/ssf/status`,
      add_subject_endpoint: `${issuer}/ssf/subjects/add`,
      remove_subject_endpoint: `${issuer}/ssf/subjects/remove`,
      verification_endpoint: `${issuer}/ssf/verify`,
      critical_subject_members: ['user'],
      authorization_schemes: [{ spec_urn: 'urn:ietf:rfc:6749' }],
      default_subjects: 'ALL',
    })
  }
})

testOnEngines('a stream is made, read, changed, replaced and ended', async (t, engine) => {
  const { identity, token } = await start(t, engine)
  const unknown = 'https://partner.example/never-heard-of'
  const body = { events_requested: [sessionRevoked, unknown], description: 'of the partner' }
  const made = await call(identity, `POST ${streams}`, { token, body: { ...body, x_unknown: 1 } })
  assert.equal(made.status, 201, made.body)
  const id = String(made.members()['stream_id'])
  const { events_supported: supported, ...members } = made.members()
  assert.equal((supported as readonly string[]).length, 5)
  assert.deepEqual(members, {
    stream_id: id,
    iss: identity.issuer,
    aud: partner.clientId,
    events_requested: [sessionRevoked, unknown],
    events_delivered: [sessionRevoked],
    delivery: { method: poll, endpoint_url: `${identity.issuer}/ssf/poll/${id}` },
    min_verification_interval: 5,
    description: 'of the partner',
    format: 'complex',
  })
  const one = `GET ${streams}?stream_id=${id}`
  assert.deepEqual((await call(identity, one, { token })).members(), made.members())
  assert.deepEqual((await call(identity, `GET ${streams}`, { token })).members(), [made.members()])

  const endpoint = 'https://partner.example/events'
  const delivery = { method: push, endpoint_url: endpoint, authorization_header: 'Bearer hidden' }
  const change = { stream_id: id, delivery, x_unknown: { deep: true } }
  const patched = await call(identity, `PATCH ${streams}`, { token, body: change })
  assert.equal(patched.status, 200, patched.body)
  assert.deepEqual(patched.members(), {
    ...made.members(),
    delivery: { method: push, endpoint_url: endpoint },
  })
  const [stored] = await identity.query('SELECT sealed_authorization FROM event_streams')
  assert.match(String(stored?.['sealed_authorization']), /^v1\./)
  assert.ok(!JSON.stringify(stored).includes('hidden'))

  const replaced = await call(identity, `PUT ${streams}`, { token, body: { ...patched.members() } })
  assert.deepEqual(replaced.members(), patched.members())
  const emptied = await call(identity, `PUT ${streams}`, { token, body: { stream_id: id } })
  const { description: _, ...nameless } = made.members()
  const nothing = { events_requested: [], events_delivered: [] }
  assert.deepEqual(emptied.members(), { ...nameless, ...nothing })
  const ended = await call(identity, `DELETE ${streams}?stream_id=${id}`, { token })
  assert.deepEqual([ended.status, ended.body], [204, ''])
  assertProblem(await call(identity, one, { token }), 404, 'not-found')
  assert.deepEqual((await call(identity, `GET ${streams}`, { token })).members(), [])
  const [head] = await identity.query('SELECT has_streams FROM revocation_head')
  assert.equal(Number(head?.['has_streams']), 0)
  const kinds = await identity.query(
    "SELECT kind FROM events WHERE kind LIKE 'stream%' ORDER BY id",
  )
  assert.deepEqual(
    kinds.map(({ kind }) => kind),
    ['stream-created', 'stream-changed', 'stream-changed', 'stream-changed', 'stream-deleted'],
  )
})

testOnEngines('nobody sees or touches the stream of another receiver', async (t, engine) => {
  const { identity, token } = await start(t, engine)
  const id = await createStream(identity, token)
  const foreign = await receiverToken(identity, other)
  const subject = { format: 'iss_sub', iss: identity.issuer, sub: 'A'.repeat(22) }
  const asked = (who: string): readonly (readonly [string, object?])[] => [
    [`GET ${streams}?stream_id=${who}`],
    [`PATCH ${streams}`, { stream_id: who, description: 'mine' }],
    [`PUT ${streams}`, { stream_id: who }],
    [`GET /ssf/status?stream_id=${who}`],
    ['POST /ssf/status', { stream_id: who, status: 'disabled' }],
    ['POST /ssf/subjects/add', { stream_id: who, subject }],
    ['POST /ssf/subjects/remove', { stream_id: who, subject }],
    ['POST /ssf/verify', { stream_id: who }],
    [`DELETE ${streams}?stream_id=${who}`],
  ]
  for (const [route, body] of asked(id)) {
    const more = body === undefined ? {} : { body }
    assertProblem(await call(identity, route, { token: foreign, ...more }), 404, 'not-found')
    assertChallenged(await call(identity, route, more))
  }
  assert.deepEqual((await call(identity, `GET ${streams}`, { token: foreign })).members(), [])
  for (const [route, body] of asked(id)) {
    const answer = await call(identity, route, { token, ...(body && { body }) })
    assert.ok(answer.status < 300, `${route}: ${answer.body}`)
  }
})

testOnEngines(
  'a stream takes the scope of receivers, and looking takes less',
  async (t, engine) => {
    const { identity, token } = await start(t, engine)
    const id = await createStream(identity, token)
    const looking = await receiverToken(identity, reader)
    assert.equal((await call(identity, `GET ${streams}`, { token: looking })).status, 200)
    const status = `GET /ssf/status?stream_id=${id}`
    assertProblem(await call(identity, status, { token: looking }), 404, 'not-found')
    const create = `POST ${streams}`
    const body = {}
    assertProblem(await call(identity, create, { token: looking, body }), 403, 'insufficient-scope')
    const people = [await signInHere(identity, alice), await signInHere(identity, admin)]
    for (const { access } of people) {
      assertProblem(
        await call(identity, create, { token: access, body }),
        403,
        'insufficient-scope',
      )
    }
    const disable = `POST /admin/clients/${partner.clientId}/disable`
    const [, administrator] = people
    const decided = { token: administrator?.access ?? '', body: { reason: 'a test' } }
    assert.equal((await call(identity, disable, decided)).status, 200)
    assertChallenged(await call(identity, create, { token, body }))
  },
)

function pushTo(endpoint: string, more: object = {}): object {
  return { delivery: { method: push, endpoint_url: endpoint, ...more } }
}

testOnEngines('what does not fit is refused, and said where', async (t, engine) => {
  const { identity, token } = await start(t, engine)
  const id = await createStream(identity, token)
  const bodies: readonly (readonly [object, string])[] = [
    [{ delivery: { method: 'carrier pigeon' } }, '/delivery/method'],
    [{ delivery: { method: push } }, '/delivery/endpoint_url'],
    [{ delivery: 'push' }, '/delivery'],
    [pushTo('partner.example'), '/delivery/endpoint_url'],
    [pushTo('http://partner.example/events'), '/delivery/endpoint_url'],
    [pushTo('https://user:secret@partner.example/events'), '/delivery/endpoint_url'],
    [pushTo('https://partner.example/events#x'), '/delivery/endpoint_url'],
    [pushTo('https://127.0.0.1/events'), '/delivery/endpoint_url'],
    [pushTo('http://localhost/events'), '/delivery/endpoint_url'],
    [
      pushTo('https://partner.example/', { authorization_header: 'a\r\nb' }),
      '/delivery/authorization_header',
    ],
    [{ events_requested: 'all' }, '/events_requested'],
    [{ description: 1 }, '/description'],
    [{ format: 'email' }, '/format'],
  ]
  for (const [body, field] of bodies) {
    for (const [method, more] of [
      ['POST', {}],
      ['PUT', { stream_id: id }],
      ['PATCH', { stream_id: id }],
    ] as const) {
      const answer = await call(identity, `${method} ${streams}`, {
        token,
        body: { ...body, ...more },
      })
      assertProblem(answer, 400, 'malformed')
      const errors = answer.members()['errors'] as readonly { readonly field: string }[]
      assert.ok(
        errors.some((one) => one.field === field),
        `${field}: ${answer.body}`,
      )
    }
  }
  for (const [name, value] of Object.entries({
    iss: 'https://evil.example',
    aud: 'x',
    events_delivered: ['x'],
  })) {
    for (const method of ['PUT', 'PATCH']) {
      const body = { stream_id: id, [name]: value }
      assertProblem(await call(identity, `${method} ${streams}`, { token, body }), 400, 'malformed')
    }
  }
  assertProblem(await call(identity, `DELETE ${streams}`, { token }), 400, 'malformed')
  assertProblem(await call(identity, 'GET /ssf/status', { token }), 400, 'malformed')
  const invalid = { stream_id: id, status: 'asleep' }
  assertProblem(
    await call(identity, 'POST /ssf/status', { token, body: invalid }),
    400,
    'malformed',
  )
  for (const subject of [{ format: 'email', email: 'a@mail.example' }, { format: 'iss_sub' }, {}]) {
    const body = { stream_id: id, subject }
    assertProblem(await call(identity, 'POST /ssf/subjects/add', { token, body }), 400, 'malformed')
  }
})

testOnEngines('a client has a bounded number of streams, and is told so', async (t, engine) => {
  const { identity, token } = await start(t, engine)
  const made = await Promise.all(
    Array.from({ length: 20 }, () => call(identity, `POST ${streams}`, { token, body: {} })),
  )
  const madeOnes = made.filter(({ status }) => status === 201)
  assert.equal(madeOnes.length, 16)
  for (const one of made) if (!madeOnes.includes(one)) assertProblem(one, 409, 'too-many-streams')
  await createStream(identity, await receiverToken(identity, other))
})

testOnEngines(
  'a client that changes its streams again and again has to wait, and nothing is recorded of it',
  async (t, engine) => {
    const { identity, token } = await start(t, engine)
    const id = await createStream(identity, token)
    // As if it had made a thousand changes in this moment.
    await identity.query(
      `UPDATE clients SET revocations_paid_until = ${identity.clock.now() + 100_000}`,
    )
    const recorded = (): Promise<readonly unknown[]> =>
      identity.query("SELECT id FROM events WHERE kind LIKE 'stream-%'")
    const before = (await recorded()).length
    const body = { stream_id: id, description: 'again' }
    const changes: readonly (readonly [string, object])[] = [
      [`POST ${streams}`, { body: {} }],
      [`PATCH ${streams}`, { body }],
      [`PUT ${streams}`, { body }],
      ['POST /ssf/status', { body: { stream_id: id, status: 'paused' } }],
      [`DELETE ${streams}?stream_id=${id}`, {}],
    ]
    for (const [route, question] of changes) {
      const answer = await call(identity, route, { token, ...question })
      assertProblem(answer, 429, 'throttled')
      assert.equal(answer.headers['retry-after'], '1')
    }
    assert.equal((await recorded()).length, before)
    identity.clock.advanceMs(1000)
    for (const [route, question] of changes.slice(1)) {
      assert.ok((await call(identity, route, { token, ...question })).status < 300, route)
    }
    await createStream(identity, await receiverToken(identity, other))
  },
)

testOnEngines(
  'a status is kept with its reason, and a verification waits its turn',
  async (t, engine) => {
    const { identity, token } = await start(t, engine)
    const id = await createStream(identity, token)
    const status = `GET /ssf/status?stream_id=${id}`
    assert.equal(statusOf(await call(identity, status, { token })), 'enabled')
    const body = { stream_id: id, status: 'paused', reason: 'moving house' }
    assert.deepEqual((await call(identity, 'POST /ssf/status', { token, body })).members(), body)
    assert.deepEqual((await call(identity, status, { token })).members(), body)

    const verify = { token, body: { stream_id: id, state: 'abc' } }
    assert.equal((await call(identity, 'POST /ssf/verify', verify)).status, 204)
    const tooSoon = await call(identity, 'POST /ssf/verify', verify)
    assertProblem(tooSoon, 429, 'throttled')
    assert.equal(tooSoon.headers['retry-after'], '5')
    identity.clock.advanceMs(5000)
    assert.equal((await call(identity, 'POST /ssf/verify', verify)).status, 204)
    const waiting = await identity.query('SELECT details FROM security_events')
    assert.deepEqual(
      waiting.map(({ details }) => details),
      ['{"state":"abc"}', '{"state":"abc"}'],
    )
  },
)

testOnEngines('a client that is deleted takes its streams along', async (t, engine) => {
  const { identity, token } = await start(t, engine)
  await createStream(identity, token)
  const { access } = await signInHere(identity, admin)
  const deletion = { token: access, body: { reason: 'a test' } }
  const answer = await call(identity, `DELETE /admin/clients/${partner.clientId}`, deletion)
  assert.equal(answer.status, 200, answer.body)
  assert.deepEqual(await identity.query('SELECT id FROM event_streams'), [])
})
