import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Server } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { serve } from '@hono/node-server'
import type { Verifier, VerifierOptions } from '@portcullis/verify'
import { createVerifier } from '@portcullis/verify'
import type { EventReceiver, EventReceiverOptions } from '@portcullis/verify/events'
import {
  createEventReceiver,
  expressEvents,
  fastifyEvents,
  fetchEvents,
} from '@portcullis/verify/events'
import type { TestIssuer } from '@portcullis/verify/testing'
import { createTestIssuer } from '@portcullis/verify/testing'
import express from 'express'
import Fastify from 'fastify'
import type { Clock } from './clock.ts'
import { createClock } from './clock.ts'
import { refusalOf } from './issuer-bench.ts'

const audience = 'https://orders.example/events'
const sessionRevoked = 'https://schemas.openid.net/secevent/caep/event-type/session-revoked'
const accountDisabled = 'https://schemas.openid.net/secevent/risc/event-type/account-disabled'
const accountEnabled = 'https://schemas.openid.net/secevent/risc/event-type/account-enabled'

interface World {
  readonly clock: Clock
  readonly issuer: TestIssuer
  readonly receiver: EventReceiver
  readonly verifier: Verifier
  /** A security event token as transmitters sign it; members replace its own. */
  readonly event: (members?: Members, header?: Members) => string
  readonly deliver: (token: string, fields?: Fields) => Promise<{ status: number; err?: string }>
}

type Members = Readonly<Record<string, unknown>>
type Fields = Readonly<Record<string, string>>

async function startWorld(
  t: TestContext,
  options: Partial<VerifierOptions> = {},
  receiverOptions: Partial<EventReceiverOptions> = {},
): Promise<World> {
  const clock = createClock()
  const issuer = await createTestIssuer({ now: clock.now, network: false })
  t.after(issuer.close)
  const receiver = createEventReceiver({ audience, ...receiverOptions })
  const verifier = createVerifier({
    issuer: issuer.issuer,
    audience: 'orders',
    revocation: 'untilExpiry',
    fetch: issuer.fetch,
    now: clock.now,
    events: receiver,
    ...options,
  })
  t.after(verifier.close)
  const event = (members: Members = {}, header: Members = {}): string =>
    issuer.mint(
      {
        // What an access token has, and an event must not.
        ...Object.fromEntries(
          ['sub', 'exp', 'scope', 'roles', 'client_id', 'sid', 'gen', 'cgen', 'auth_time'].map(
            (name) => [name, undefined],
          ),
        ),
        aud: audience,
        jti: 'event-1',
        sub_id: about(issuer.issuer, 'alice'),
        events: { [sessionRevoked]: {} },
        ...members,
      },
      { typ: 'secevent+jwt', ...header },
    )
  return {
    clock,
    issuer,
    receiver,
    verifier,
    event,
    deliver: async (body, fields = {}) => {
      const sent: Fields = { 'content-type': 'application/secevent+jwt', ...fields }
      const answer = await receiver.receive({
        fieldValues: (name) => [sent[name] ?? []].flat(),
        body,
      })
      if (answer.status !== 400) return { status: answer.status }
      assert.equal(answer.headers['content-type'], 'application/json')
      assert.equal(answer.headers['content-language'], 'en')
      const { err, description } = JSON.parse(answer.body) as { err: string; description: string }
      assert.ok(description.length > 0)
      return { status: 400, err }
    },
  }
}

function about(iss: string, sub: string): Members {
  return { format: 'iss_sub', iss, sub }
}

async function reasonOf(verifier: Verifier, token: string): Promise<string> {
  return String((await refusalOf(verifier, token)).reason)
}

test('the session that an event names is refused, and the other sessions of the person are not', async (t) => {
  const { issuer, verifier, event, deliver } = await startWorld(t)
  const [ended, other] = [
    issuer.mint({ sub: 'alice', sid: 'one' }),
    issuer.mint({ sub: 'alice', sid: 'two' }),
  ]
  await verifier.verify(ended)
  const session = { format: 'opaque', id: 'one' }
  const subject = { format: 'complex', user: about(issuer.issuer, 'alice'), session }
  assert.deepEqual(await deliver(event({ sub_id: subject })), { status: 202 })
  assert.equal(await reasonOf(verifier, ended), 'revoked')
  await verifier.verify(other)
})

test('what a foreign issuer says of a person counts for tokens of that second and before', async (t) => {
  const { clock, issuer, verifier, event, deliver } = await startWorld(t)
  const before = issuer.mint({ sub: 'alice' })
  const bystander = issuer.mint({ sub: 'bob' })
  const told = event({ events: { [accountDisabled]: {} } })
  assert.deepEqual(await deliver(told), { status: 202 })
  assert.equal(await reasonOf(verifier, before), 'revoked')
  assert.equal(await reasonOf(verifier, issuer.mint({ sub: 'alice' })), 'revoked')
  await verifier.verify(bystander)
  clock.advanceSeconds(1)
  const later = issuer.mint({ sub: 'alice' })
  await verifier.verify(later)
  // Delivered once more, it does what it did.
  assert.deepEqual(await deliver(told), { status: 202 })
  await verifier.verify(later)
  assert.equal(await reasonOf(verifier, before), 'revoked')
})

test('the time of the event decides, and not when it was told', async (t) => {
  const { clock, issuer, verifier, event, deliver } = await startWorld(t)
  const happened = Math.floor(clock.now() / 1000)
  const before = issuer.mint({ sub: 'alice' })
  clock.advanceSeconds(60)
  const after = issuer.mint({ sub: 'alice' })
  await deliver(event({ events: { [sessionRevoked]: { event_timestamp: happened } } }))
  assert.equal(await reasonOf(verifier, before), 'revoked')
  await verifier.verify(after)
})

test('our issuer says a generation, and exactly the tokens below it are refused', async (t) => {
  const { issuer, verifier, event, deliver } = await startWorld(t, { revocation: {} })
  await verifier.ready()
  const [old, young] = [4, 5].map((gen) => issuer.mint({ sub: 'alice', gen }))
  await verifier.verify(old ?? '')
  await deliver(event({ revocation: { epoch: 'E'.repeat(22), seq: 9, gen: 5 } }))
  assert.equal(await reasonOf(verifier, old ?? ''), 'revoked')
  await verifier.verify(young ?? '')
})

test('an event ends what lives on a token, and onRevoked is told whom it concerns', async (t) => {
  const told: boolean[] = []
  const { issuer, verifier, event, deliver } = await startWorld(t, {
    onRevoked: ({ affects }) => void told.push(affects(alice), affects(bob)),
  })
  const alice = await verifier.verify(issuer.mint({ sub: 'alice' }))
  const bob = await verifier.verify(issuer.mint({ sub: 'bob' }))
  const [ofAlice, ofBob] = [verifier.watch(alice), verifier.watch(bob)]
  await deliver(event())
  assert.equal(ofAlice.signal.aborted, true)
  assert.equal(ofBob.signal.aborted, false)
  assert.deepEqual(told, [true, false])
  await deliver(event())
  assert.equal(told.length, 2, 'what was known is no news')
})

test('each mistake has its code, and changes nothing', async (t) => {
  const authorization = 'Bearer of the stream'
  const { clock, issuer, verifier, event, deliver } = await startWorld(t, {}, { authorization })
  const token = issuer.mint({ sub: 'alice' })
  const right = { authorization }
  const wrong: readonly (readonly [string, string, Fields])[] = [
    ['authentication_failed', event(), {}],
    ['authentication_failed', event(), { authorization: 'Bearer of another' }],
    ['invalid_request', event(), { ...right, 'content-type': 'application/jwt' }],
    ['invalid_request', 'rubbish', right],
    ['invalid_request', token, right],
    ['invalid_issuer', event({ iss: 'https://id.elsewhere' }), right],
    ['invalid_audience', event({ aud: 'https://reviews.example/events' }), right],
    ['invalid_audience', event({ aud: undefined }), right],
    ['invalid_key', event({}, { kid: 'another' }), right],
    ['invalid_key', event({}, { alg: 'none' }), right],
    ['invalid_key', `${event().slice(0, -8)}AAAAAAAA`, right],
    ['invalid_request', event({ sub: 'alice' }), right],
    ['invalid_request', event({ exp: 2 ** 32 }), right],
    ['invalid_request', event({ jti: undefined }), right],
    ['invalid_request', event({ iat: undefined }), right],
    ['invalid_request', event({ iat: Math.floor(clock.now() / 1000) + 66 }), right],
    ['invalid_request', event({ events: {} }), right],
    ['invalid_request', event({ events: { [sessionRevoked]: {}, [accountDisabled]: {} } }), right],
    ['invalid_request', event({ events: { [sessionRevoked]: 'now' } }), right],
    [
      'invalid_request',
      event({ events: { [sessionRevoked]: { event_timestamp: 2 ** 40 } } }),
      right,
    ],
  ]
  for (const [err, body, fields] of wrong) {
    assert.deepEqual(await deliver(body, fields), { status: 400, err }, body.slice(0, 40))
  }
  await verifier.verify(token)
  assert.deepEqual(await deliver(event(), right), { status: 202 })
  assert.equal(await reasonOf(verifier, token), 'revoked')
})

test('what concerns nobody here is taken, and takes nothing back', async (t) => {
  const seen: unknown[] = []
  const { issuer, verifier, event, deliver } = await startWorld(
    t,
    {},
    {
      onEvent: ({ type, subject }) => void seen.push([type, subject]),
    },
  )
  const token = issuer.mint({ sub: 'alice' })
  const elsewhere = about('https://id.elsewhere', 'alice')
  const harmless = [
    { sub_id: elsewhere },
    { sub_id: { format: 'email', email: 'alice@example.com' } },
    { sub_id: undefined },
    { events: { [accountEnabled]: {} } },
    { events: { 'https://schemas.example/unknown': { more: true } } },
  ]
  for (const members of harmless) {
    assert.deepEqual(await deliver(event(members)), { status: 202 })
  }
  assert.equal(seen.length, harmless.length)
  assert.deepEqual(seen[0], [sessionRevoked, elsewhere])
  await verifier.verify(token)
})

test('without keys, and where the service fails, the transmitter is to come again', async (t) => {
  let isBroken = true
  const onEvent = (): void => {
    if (isBroken) throw new Error('the own table cannot be written')
  }
  const warnings: unknown[] = []
  const onWarning = (warning: unknown): void => void warnings.push(warning)
  const { clock, issuer, verifier, event, deliver } = await startWorld(
    t,
    { onWarning },
    { onEvent },
  )
  issuer.goDown()
  assert.deepEqual(await deliver(event()), { status: 503 })
  issuer.comeBack()
  clock.advanceSeconds(30)
  const token = issuer.mint({ sub: 'alice' })
  assert.deepEqual(await deliver(event()), { status: 500 })
  assert.equal(await reasonOf(verifier, token), 'revoked', 'what the service does comes after that')
  const message = 'onEvent has thrown Error: the own table cannot be written'
  assert.deepEqual(warnings, [{ code: 'PORTCULLIS_CALLBACK', message }])
  isBroken = false
  assert.deepEqual(await deliver(event()), { status: 202 })
})

test('where the clock is behind, the transmitter is to come again, and the event is not lost', async (t) => {
  const { clock, issuer, verifier, event, deliver } = await startWorld(t)
  const seconds = Math.floor(clock.now() / 1000)
  const token = issuer.mint({ sub: 'alice' })
  const ahead = event({ iat: seconds + 20 })
  const happensAhead = event({
    events: { [sessionRevoked]: { event_timestamp: seconds + 65 } },
  })
  assert.deepEqual(await deliver(ahead), { status: 503 })
  assert.deepEqual(await deliver(happensAhead), { status: 503 })
  await verifier.verify(token)
  clock.advanceSeconds(15)
  assert.deepEqual(await deliver(ahead), { status: 202 })
  assert.equal(await reasonOf(verifier, token), 'revoked')
})

test('a receiver belongs to one verifier', async (t) => {
  const { issuer, receiver } = await startWorld(t)
  const again = { issuer: issuer.issuer, audience: 'reviews', events: receiver }
  assert.throws(() => createVerifier(again), /option "events" is the receiver of another verifier/)
  const alone = createEventReceiver({ audience })
  const delivery = { fieldValues: () => [], body: '' }
  await assert.rejects(alone.receive(delivery), /name it in its option "events"/)
  assert.throws(() => createEventReceiver({ audience: '' }), /option "audience"/)
})

interface Adapter {
  readonly name: string
  readonly listen: (receiver: EventReceiver) => Promise<Server>
}

const adapters: readonly Adapter[] = [
  {
    name: 'Express',
    listen: async (receiver) => {
      const app = express()
      app.post('/events', expressEvents(receiver))
      const server = createServer(app).listen(0, '127.0.0.1')
      await once(server, 'listening')
      return server
    },
  },
  {
    name: 'Fastify',
    listen: async (receiver) => {
      const app = Fastify()
      await app.register(fastifyEvents(receiver), { prefix: '/events' })
      await app.listen({ port: 0, host: '127.0.0.1' })
      return app.server
    },
  },
  {
    name: 'fetch',
    listen: async (receiver) => {
      const server = serve({
        fetch: fetchEvents(receiver),
        port: 0,
        hostname: '127.0.0.1',
      }) as Server
      if (!server.listening) await once(server, 'listening')
      return server
    },
  },
]

for (const { name, listen } of adapters) {
  test(`${name}: a delivery is taken, a mistake is told, and a long body is not read to its end`, async (t) => {
    const { issuer, verifier, event, receiver } = await startWorld(t)
    const server = await listen(receiver)
    t.after(() => {
      server.closeAllConnections()
      server.close()
    })
    const { port } = server.address() as AddressInfo
    const post = (body: string, type = 'application/secevent+jwt'): Promise<Response> =>
      fetch(`http://127.0.0.1:${port}/events`, {
        method: 'POST',
        headers: { 'content-type': type },
        body,
      })
    const token = issuer.mint({ sub: 'alice' })

    const mistaken = await post(event(), 'application/json')
    assert.equal(mistaken.status, 400)
    assert.equal(((await mistaken.json()) as { err: string }).err, 'invalid_request')
    assert.ok([400, 413].includes((await post('a'.repeat(100_000))).status))
    await verifier.verify(token)

    const taken = await post(event())
    assert.equal(taken.status, 202)
    assert.equal(await taken.text(), '')
    assert.equal(await reasonOf(verifier, token), 'revoked')
  })
}
