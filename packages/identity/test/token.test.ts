import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { after, test } from 'node:test'
import { newClientCredential } from '../src/index.ts'
import { decodeToken } from './decoded-token.ts'
import { firstBase } from './first-base.ts'
import type { Answer } from './http-client.ts'
import { startMs } from './chosen-clock.ts'
import { basic, formToken, machine, startRunningIdentity } from './running-identity.ts'
import { call, signInHere } from './signed-in.ts'

const identity = await startRunningIdentity()
after(identity.close)

const { clientId, clientSecret } = machine
const asMachine = basic(clientId, clientSecret)
const grant = { grant_type: 'client_credentials' }

/** RFC 6749 section 5.2: what every error of the token endpoint looks like. */
function assertError(answer: Answer, status: number, error: string): void {
  assert.equal(answer.status, status, answer.body)
  assert.match(String(answer.headers['content-type']), /^application\/json\b/)
  assert.equal(answer.headers['cache-control'], 'no-store')
  const { error_description: description, ...others } = answer.members()
  assert.deepEqual(others, { error })
  assert.match(String(description), /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/)
  assert.equal(
    answer.headers['www-authenticate'],
    status === 401 ? 'Basic realm="portcullis"' : undefined,
  )
}

// RFC 6749 section 5.1.
test('a machine client gets a token that speaks for nobody but itself', async () => {
  const answer = await identity.token(grant, asMachine)
  assert.equal(answer.status, 200, answer.body)
  assert.equal(answer.headers['cache-control'], 'no-store')
  const { access_token: token, ...others } = answer.members()
  assert.deepEqual(others, {
    token_type: 'Bearer',
    expires_in: 300,
    scope: 'orders:read reviews:write',
  })
  const { header, claims } = decodeToken(token)
  assert.deepEqual(Object.keys(header), ['alg', 'typ', 'kid'])
  const { jti, ...fixed } = claims
  assert.match(String(jti), /^[A-Za-z0-9_-]{22}$/)
  const iat = Math.floor(startMs / 1000)
  assert.deepEqual(fixed, {
    iss: 'https://id.example',
    sub: clientId,
    client_id: clientId,
    aud: ['orders', 'reviews'],
    iat,
    exp: iat + 300,
    cgen: firstBase,
    scope: 'orders:read reviews:write',
  })
})

test('id and secret may come as Basic or in the form, by id or by name', async () => {
  const named = { ...grant, client_id: 'machine', client_secret: clientSecret }
  const ways = [
    await identity.token(grant, asMachine),
    await identity.token(grant, { authorization: asMachine.authorization.replace('B', 'b') }),
    await identity.token({ ...grant, client_id: clientId }, asMachine),
    await identity.token({ ...grant, client_id: clientId, client_secret: clientSecret }),
    await identity.token(named),
  ]
  for (const answer of ways) {
    assert.equal(answer.status, 200, answer.body)
    assert.equal(decodeToken(answer.members()['access_token']).claims['sub'], clientId)
  }
})

test('no session is opened for a machine', async () => {
  await identity.token(grant, asMachine)
  assert.equal(await identity.countRows('sessions'), 0)
})

/** The scope of the answer, which the token must carry as well. */
async function scopeFor(scope: string): Promise<unknown> {
  const answer = await identity.token({ ...grant, scope }, asMachine)
  assert.equal(answer.status, 200, answer.body)
  const { claims } = decodeToken(answer.members()['access_token'])
  assert.equal(claims['scope'] ?? '', answer.members()['scope'])
  return answer.members()['scope']
}

// RFC 6749 section 3.3. ASVS 10.4.11: a client has the scopes that it was made with.
test('scopes may be narrowed, and what was not granted is left out', async () => {
  assert.equal(await scopeFor('orders:read'), 'orders:read')
  assert.equal(await scopeFor('orders:read orders:write'), 'orders:read')
  assert.equal(await scopeFor('orders:write'), '')
})

async function audienceFor(audience: string): Promise<unknown> {
  const answer = await identity.token({ ...grant, audience }, asMachine)
  assert.equal(answer.status, 200, answer.body)
  return decodeToken(answer.members()['access_token']).claims['aud']
}

test('audiences may be narrowed, to one service, to several or to the issuer', async () => {
  assert.equal(await audienceFor('orders'), 'orders')
  assert.deepEqual(await audienceFor('reviews orders'), ['reviews', 'orders'])
  assert.equal(await audienceFor(identity.issuer), identity.issuer)
})

test('an unknown scope is invalid_scope, an unknown audience is invalid_target', async () => {
  for (const scope of ['orders:delete', 'orders:read  reviews:write', ' ']) {
    assertError(await identity.token({ ...grant, scope }, asMachine), 400, 'invalid_scope')
  }
  const elsewhere = { ...grant, audience: 'reviews', scope: 'orders:read' }
  assertError(await identity.token(elsewhere, asMachine), 400, 'invalid_scope')
  for (const audience of ['nowhere', 'payments', 'orders payments', ' ']) {
    assertError(await identity.token({ ...grant, audience }, asMachine), 400, 'invalid_target')
  }
})

// RFC 9700 O14, ASVS 10.4.10.
test('wrong secret, unknown client and public client are one answer with a challenge', async () => {
  const attempts = [
    await identity.token(grant, basic(clientId, `${clientSecret}x`)),
    await identity.token(grant, basic(clientId, '')),
    await identity.token(grant, basic('unknown', clientSecret)),
    await identity.token(grant, basic('web', clientSecret)),
    await identity.token({ ...grant, client_id: clientId, client_secret: 'wrong' }),
  ]
  const bodies = attempts.map((answer) => {
    assert.equal(answer.status, 401, answer.body)
    assert.equal(answer.headers['www-authenticate'], 'Basic realm="portcullis"')
    return answer.body
  })
  assert.deepEqual(new Set(bodies), new Set(['{"error":"invalid_client"}']))
})

test('a client that does not authenticate, or not by Basic, gets 401 and a challenge', async () => {
  const withoutSecret = basic(clientId, clientSecret).authorization.slice(0, 'Basic '.length)
  const attempts = [
    await identity.token(grant),
    await identity.token({ ...grant, client_id: clientId }),
    await identity.token({ ...grant, client_id: clientId, client_secret: '' }),
    await identity.token({ ...grant, client_secret: clientSecret }),
    await identity.token(grant, { authorization: 'Bearer some.token.here' }),
    await identity.token(grant, { authorization: withoutSecret }),
    await identity.token(grant, { authorization: 'Basic not*base64' }),
    await identity.token(grant, { authorization: `Basic ${encoded('no colon')}` }),
    await identity.token(grant, { authorization: `Basic ${encoded(':secret')}` }),
    await identity.token(grant, { authorization: `Basic ${encoded(`${clientId}:%zz`)}` }),
  ]
  for (const answer of attempts) assertError(answer, 401, 'invalid_client')
})

test('two ways of authentication at once, or for two clients, are refused', async () => {
  const both = { ...grant, client_id: clientId, client_secret: clientSecret }
  assertError(await identity.token(both, asMachine), 400, 'invalid_request')
  const other = { ...grant, client_id: 'web' }
  assertError(await identity.token(other, asMachine), 400, 'invalid_request')
})

// RFC 9700 O13, ASVS 10.4.4: no password grant, no implicit one, nothing that is not offered.
test('a grant that is missing or not offered is refused by name', async () => {
  assertError(await identity.token({}, asMachine), 400, 'invalid_request')
  assertError(await identity.token({ grant_type: '' }, asMachine), 400, 'invalid_request')
  for (const grantType of [
    'password',
    'authorization_code',
    'urn:ietf:params:oauth:grant-type:device_code',
    'urn:ietf:params:oauth:grant-type:jwt-bearer',
    'CLIENT_CREDENTIALS',
  ]) {
    const answer = await identity.token({ grant_type: grantType }, asMachine)
    assertError(answer, 400, 'unsupported_grant_type')
  }
})

// RFC 6749 section 3.2.
test('a parameter that comes twice is refused, whatever its values', async () => {
  const form = 'grant_type=client_credentials'
  for (const twice of [
    `${form}&${form}`,
    `${form}&scope=orders:read&scope=`,
    `${form}&x=1&%78=1`,
  ]) {
    assertError(await identity.ask(formToken(twice, asMachine)), 400, 'invalid_request')
  }
})

// RFC 6749 section 3.2.
test('an unknown parameter is ignored, and one without a value counts as left out', async () => {
  const form = { ...grant, scope: '', audience: '', resource: 'https://orders.example' }
  const answer = await identity.token(form, asMachine)
  assert.equal(answer.status, 200, answer.body)
  assert.equal(answer.members()['scope'], 'orders:read reviews:write')
})

function askWithBody(body: string | Buffer, headers: object = {}): Promise<Answer> {
  return identity.ask(formToken(body, { ...asMachine, ...headers }))
}

test('every other body than a form is refused with its own status', async () => {
  const json = { 'content-type': 'application/json' }
  const form = 'grant_type=client_credentials'
  assertError(await askWithBody(JSON.stringify(grant), json), 415, 'invalid_request')
  assertError(await askWithBody(form, { 'content-type': 'text/plain' }), 415, 'invalid_request')
  assertError(await askWithBody(''), 400, 'invalid_request')
  assertError(await askWithBody(Buffer.from(`${form}&x=\xff`, 'latin1')), 400, 'invalid_request')
  assertError(await askWithBody(`${form}&x=${'x'.repeat(1024 * 1024)}`), 413, 'invalid_request')
  const withCharset = { 'content-type': 'application/x-www-form-urlencoded; charset=UTF-8' }
  assert.equal((await askWithBody(form, withCharset)).status, 200)
})

test('a client without audiences gets a token for the issuer, such as one that reads the feed', async (t) => {
  const service = {
    ...newClientCredential(),
    name: 'orders-service',
    audiences: [],
    scopes: ['revocations.read'],
  }
  const orphan = { ...newClientCredential(), name: 'orphan', audiences: ['gone'], scopes: [] }
  const other = await startRunningIdentity({ clients: [service, orphan] })
  t.after(other.close)
  const answer = await other.token(grant, basic(service.clientId, service.clientSecret))
  assert.equal(answer.members()['scope'], 'revocations.read')
  assert.equal(decodeToken(answer.members()['access_token']).claims['aud'], other.issuer)

  // Its audience left the file after the client was made.
  const asOrphan = basic(orphan.clientId, orphan.clientSecret)
  assertError(await other.token(grant, asOrphan), 400, 'invalid_target')
  assertError(await other.token({ ...grant, audience: 'gone' }, asOrphan), 400, 'invalid_target')
})

test('a token over budget is refused, naming the largest claims', async (t) => {
  const wordy = Array.from({ length: 40 }, (_, at) => `orders:a-rather-long-name-${at}`)
  const client = { ...machine, audiences: ['orders'], scopes: wordy }
  const file = { audiences: { orders: { scopes: wordy } }, roles: {}, clients: {} }
  const crowded = await startRunningIdentity({ file, clients: [client] })
  t.after(crowded.close)
  const answer = await crowded.token(grant, asMachine)
  assertError(answer, 400, 'invalid_request')
  assert.match(String(answer.members()['error_description']), /its largest claims are scope /)
})

test('RFC 9700 O16: a client that is called like an account is nobody but itself', async (t) => {
  const other = await startRunningIdentity()
  t.after(other.close)
  const { accountId, access } = await signInHere(other)
  await other.query(`UPDATE clients SET name = '${accountId}' WHERE name = 'machine'`)
  for (const named of [accountId, clientId]) {
    const answer = await other.token(
      { ...grant, audience: other.issuer },
      basic(named, clientSecret),
    )
    const token = String(answer.members()['access_token'])
    const { claims } = decodeToken(token)
    assert.deepEqual([claims['sub'], claims['client_id']], [clientId, clientId])
    assert.deepEqual(
      [claims['sid'], claims['gen'], claims['roles']],
      [undefined, undefined, undefined],
    )
    assert.equal((await call(other, 'GET /account', { token })).status, 401)
  }
  assert.notEqual(clientId, accountId)
  assert.equal((await call(other, 'GET /account', { token: access })).status, 200)
})

function encoded(text: string): string {
  return Buffer.from(text).toString('base64')
}
