import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { createVerifier, rawFieldValues } from '@portcullis/verify'
import { createEventReceiver } from '@portcullis/verify/events'
import { testOnEngines } from './engines.ts'
import { alice, startRunningIdentity } from './running-identity.ts'
import { admin, call, signIn, signInHere } from './signed-in.ts'
import { waitUntil } from './wait-until.ts'

const authorization_header = 'Bearer of the stream'
const reason = 'a service that follows no feed'

testOnEngines('what a webhook tells a service with the SDK is refused there', async (t, engine) => {
  const identity = await startRunningIdentity({
    database: await engine.createStore(t),
    accounts: [alice, admin],
    file: { streams: { reachableNetworks: ['127.0.0.1'] } },
  })
  t.after(identity.close)
  const answers: number[] = []
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { status, headers, body } = await take(request)
    answers.push(status)
    response.writeHead(status, headers).end(body)
  }
  const server = createServer((request, response) => void respond(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const endpoint_url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/events`
  const events = createEventReceiver({
    audience: endpoint_url,
    authorization: authorization_header,
  })
  const take = async (request: IncomingMessage): ReturnType<typeof events.receive> =>
    events.receive({ fieldValues: rawFieldValues(request.rawHeaders), body: await text(request) })
  const { issuer, port } = identity
  const verifier = createVerifier({
    issuer,
    audience: 'orders',
    revocation: 'untilExpiry',
    events,
    now: identity.clock.now,
    fetch: (url, init) => fetch(url.replace(issuer, `http://127.0.0.1:${port}`), init),
  })
  t.after(verifier.close)

  const { access: token } = await signInHere(identity, admin)
  const body = { endpoint_url, events: ['session-revoked'], authorization_header, reason }
  const made = await call(identity, 'POST /admin/streams', { token, body })
  assert.equal(made.status, 201, made.body)
  const [ended, other] = [await signIn(identity), await signIn(identity)]
  for (const { access } of [ended, other]) await verifier.verify(access)

  assert.equal((await call(identity, 'POST /logout', { token: ended.access })).status, 200)
  await waitUntil(() => answers.length === 1, 'the end of the session')
  await assert.rejects(verifier.verify(ended.access), { reason: 'revoked' })
  await verifier.verify(other.access)

  const block = `POST /admin/accounts/${other.accountId}/block`
  assert.equal((await call(identity, block, { token, body: { reason } })).status, 200)
  await waitUntil(() => answers.length === 2, 'the end of the account')
  await assert.rejects(verifier.verify(other.access), { reason: 'revoked' })
  assert.deepEqual(answers, [202, 202])
})
