import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { createLocalJWKSet, jwtVerify } from 'jose'
import type { JSONWebKeySet } from 'jose'
import { decodeToken } from './decoded-token.ts'
import { addLogin } from '../src/http/login.ts'
import { unlimitedGuesses } from '../src/domain/login-protection.ts'
import { boundPort, createHttpServer } from '../src/http/server.ts'
import { createProofJudge } from '@portcullis/verify/dpop'
import { parseIdentitySettings } from '../src/index.ts'
import { firstBase } from './first-base.ts'
import type { Answer } from './http-client.ts'
import { ask } from './http-client.ts'
import { startMs } from './chosen-clock.ts'
import {
  alice,
  createLogInMemory,
  jsonLogin,
  ordersAndReviews,
  startRunningIdentity,
} from './running-identity.ts'
import { createPepper } from '../src/domain/refresh-tokens.ts'

const identity = await startRunningIdentity({
  accounts: [alice, { ...alice, identifier: 'nobody-yet', roles: [] }],
})
after(identity.close)

const { identifier, password } = alice
const { issuer } = identity
const randomId = /^[A-Za-z0-9_-]{22}$/

async function signIn(more: object = {}): Promise<Readonly<Record<string, unknown>>> {
  const answer = await identity.login({ identifier, password, ...more })
  assert.equal(answer.status, 200, answer.body)
  return answer.members()
}

async function refusal(body: object, status: number, code: string): Promise<string> {
  const answer = await identity.login(body)
  assert.equal(answer.status, status, answer.body)
  assert.match(String(answer.headers['content-type']), /^application\/problem\+json\b/)
  assert.equal(answer.members()['code'], code)
  return String(answer.members()['detail'])
}

test('a login answers exactly the documented members, and no cache may keep them', async () => {
  const answer = await identity.login({ identifier, password })
  assert.equal(answer.status, 200)
  assert.match(String(answer.headers['content-type']), /^application\/json\b/)
  assert.equal(answer.headers['cache-control'], 'no-store')
  assert.equal(answer.headers['x-content-type-options'], 'nosniff')
  const {
    access_token: token,
    refresh_token: refreshToken,
    session_id: sessionId,
    ...others
  } = answer.members()
  assert.equal(typeof token, 'string')
  assert.match(String(refreshToken), new RegExp(`^prt_[0-9a-f]{8}\\.${String(sessionId)}\\.0\\.`))
  assert.match(String(sessionId), randomId)
  assert.deepEqual(others, {
    token_type: 'Bearer',
    expires_in: 300,
    refresh_expires_in: 14 * 24 * 3600,
    scope: 'orders:read orders:write reviews:write',
  })
})

// RFC 9068 section 2.2. ASVS 9.2.4. RFC 8725bis J16, J20.
test('the token says exactly what the protocol demands, at the moment of the login', async () => {
  const { access_token: token, session_id: sessionId } = await signIn()
  const { header, claims } = decodeToken(token)
  const keySet = await identity.ask({ path: '/.well-known/jwks.json' })
  const { keys } = keySet.members() as unknown as JSONWebKeySet
  const { kid } = header
  // Two are published: the one that signs and the one that waits.
  const kids = keys.filter(({ alg }) => alg === 'RS256').map((key) => key.kid)
  assert.ok(kids.includes(String(kid)), `${String(kid)} is not published`)
  assert.deepEqual(header, { alg: 'RS256', typ: 'at+jwt', kid })

  // Seconds are cut off and not rounded: a token is never from the future.
  const iat = Math.floor(startMs / 1000)
  const { sub, jti, client_id: clientId, ...fixed } = claims
  assert.deepEqual(fixed, {
    iss: 'https://id.example',
    aud: ['orders', 'reviews'],
    iat,
    exp: iat + 300,
    auth_time: iat,
    acr: '1',
    amr: ['pwd'],
    scope: 'orders:read orders:write reviews:write',
    roles: ['customer', 'moderator'],
    sid: sessionId,
    gen: firstBase,
    cgen: firstBase,
  })
  for (const id of [sub, jti, clientId]) assert.match(String(id), randomId)
})

test('the signature is verified by another library with the published keys', async () => {
  const { access_token: token } = await signIn()
  const keySet = await identity.ask({ path: '/.well-known/jwks.json' })
  const keys = createLocalJWKSet(keySet.members() as unknown as JSONWebKeySet)
  const { payload } = await jwtVerify(String(token), keys, {
    issuer,
    audience: 'orders',
    typ: 'at+jwt',
    currentDate: new Date(startMs),
  })
  assert.equal(payload.iss, issuer)
})

// ASVS 7.2.2.
test('each login is a session and a token of its own, of one account and one client', async () => {
  const rowsBefore = await identity.countRows('sessions')
  const [one, other] = [await signIn(), await signIn()]
  assert.equal(await identity.countRows('sessions'), rowsBefore + 2)
  const first = decodeToken(one['access_token']).claims
  const second = decodeToken(other['access_token']).claims
  assert.notEqual(first['sid'], second['sid'])
  assert.notEqual(first['jti'], second['jti'])
  assert.equal(first['sub'], second['sub'])
  assert.equal(first['client_id'], second['client_id'])
})

// ASVS 7.2.3. The refresh token is an HMAC of the seed.
test('a session has an id of 128 and a seed of 256 random bits, and its token shows as many', async () => {
  const tokens = await Promise.all(Array.from({ length: 5 }, () => signIn()))
  const rows = await identity.query('SELECT id, seed FROM sessions')
  assert.ok(rows.length >= tokens.length)
  for (const [member, bytes] of [
    ['id', 16],
    ['seed', 32],
  ] as const) {
    const values = rows.map((row) => String(row[member]))
    assert.equal(new Set(values).size, rows.length, member)
    for (const value of values) assert.equal(Buffer.from(value, 'base64url').length, bytes)
  }
  const macs = tokens.map((members) => String(members['refresh_token']).split('.').at(-1) ?? '')
  assert.equal(new Set(macs).size, tokens.length)
  for (const mac of macs) assert.equal(Buffer.from(mac, 'base64url').length, 32)
})

// RFC 9700 O12: no token says more than its audiences need.
test('a single audience is a text in the token, and only its scopes and roles come along', async () => {
  for (const audience of ['orders', ['orders']]) {
    const answered = await signIn({ audience })
    assert.equal(answered['expires_in'], 900)
    assert.equal(answered['scope'], 'orders:read orders:write')
    const { claims } = decodeToken(answered['access_token'])
    assert.equal(claims['aud'], 'orders')
    assert.equal(claims['scope'], 'orders:read orders:write')
    assert.deepEqual(claims['roles'], ['customer'])
  }
})

test('scopes may be narrowed, and the answer says what was granted', async () => {
  const answered = await signIn({ scope: 'orders:read' })
  assert.equal(answered['scope'], 'orders:read')
  assert.equal(decodeToken(answered['access_token']).claims['scope'], 'orders:read')
})

test('whoever has no role there gets a token without scope and roles', async () => {
  const answered = await signIn({ identifier: 'nobody-yet', audience: 'orders' })
  assert.equal(answered['scope'], '')
  const { claims } = decodeToken(answered['access_token'])
  assert.ok(!('scope' in claims) && !('roles' in claims))
})

test('the issuer itself may be asked for, by every client', async () => {
  const { claims } = decodeToken((await signIn({ audience: issuer }))['access_token'])
  assert.equal(claims['aud'], issuer)
  assert.ok(!('roles' in claims), 'roles of services say nothing here')
})

test('a client may be named by its name or its id, and signs with the algorithm of its audience', async () => {
  const answered = await signIn({ client_id: 'till' })
  const { header, claims } = decodeToken(answered['access_token'])
  assert.equal(header['alg'], 'ES256')
  assert.equal(claims['aud'], 'payments')
  const again = await signIn({ client_id: claims['client_id'] })
  assert.equal(decodeToken(again['access_token']).claims['client_id'], claims['client_id'])
})

test('an identifier is found in every spelling of its own, and so is a password', async () => {
  const { claims } = decodeToken((await signIn())['access_token'])
  const other = await signIn({ identifier: 'ＡLＩCE', password: password.normalize('NFD') })
  assert.equal(decodeToken(other['access_token']).claims['sub'], claims['sub'])
})

test('an audience, a scope or a client that is not to be had is a 400 with its code', async () => {
  const body = { identifier, password }
  await refusal({ ...body, audience: 'nowhere' }, 400, 'unknown-audience')
  await refusal({ ...body, audience: ['orders', 'payments'] }, 400, 'unknown-audience')
  await refusal({ ...body, scope: 'orders:delete' }, 400, 'unknown-scope')
  await refusal({ ...body, scope: 'orders:read  orders:write' }, 400, 'unknown-scope')
  for (const clientId of ['nobody', 'closed', 'machine']) {
    await refusal({ ...body, client_id: clientId }, 400, 'unknown-client')
  }
})

test('wrong password, unknown identifier and impossible identifier are one answer', async () => {
  const rowsBefore = await identity.countRows('sessions')
  const wrong: readonly object[] = [
    { identifier, password: `${password}x` },
    { identifier, password: password.slice(1) },
    { identifier: 'unknown', password },
    { identifier: 'al ice', password },
    { identifier: '\u200b', password },
    { identifier: 'a'.repeat(300), password },
    { identifier: "' OR 1=1 --", password },
  ]
  const answers: Answer[] = []
  for (const body of wrong) answers.push(await identity.login(body))
  const seen = answers.map(({ status, headers: { date, ...headers }, body }) => {
    assert.ok(date !== undefined)
    return { status, headers, body }
  })
  const [first] = seen
  assert.equal(first?.status, 401)
  assert.equal(first.headers['www-authenticate'], `Password realm="${issuer}"`)
  assert.deepEqual(JSON.parse(first.body), {
    type: 'urn:portcullis:problem:bad-credentials',
    title: 'Identifier or password is wrong',
    status: 401,
    code: 'bad-credentials',
  })
  for (const answer of seen) assert.deepEqual(answer, first)
  assert.equal(await identity.countRows('sessions'), rowsBefore)
})

test('a later login is stamped with its own time', async () => {
  identity.clock.advanceMs(3_600_500)
  const { claims } = decodeToken((await signIn())['access_token'])
  const iat = Math.floor((startMs + 3_600_500) / 1000)
  assert.equal(claims['iat'], iat)
  assert.equal(claims['auth_time'], iat)
  assert.equal(claims['exp'], iat + 300)
})

test('a token over budget is refused, naming the largest claims, and opens no session', async (t) => {
  const wordy = Array.from({ length: 40 }, (_, at) => `orders:a-rather-long-name-${at}`)
  const crowded = await startRunningIdentity({
    file: {
      audiences: { orders: { scopes: wordy, roles: ['customer'] } },
      roles: { customer: { orders: wordy } },
      clients: {},
      tokenBytesMax: 1000,
    },
  })
  t.after(crowded.close)
  const answer = await crowded.login({ identifier, password })
  assert.equal(answer.status, 400)
  assert.equal(answer.members()['code'], 'token-over-budget')
  const detail = String(answer.members()['detail'])
  assert.match(
    detail,
    /^the token would have \d+ bytes, more than 1000; its largest claims are scope /,
  )
  assert.match(detail, /scope \(\d+ bytes\), \w+ \(\d+ bytes\), \w+ \(\d+ bytes\)\. Ask for fewer/)
  assert.equal(await crowded.countRows('sessions'), 0)
  const narrowed = await crowded.login({ identifier, password, scope: wordy[0] })
  assert.equal(narrowed.status, 200)
})

function unreachable(): never {
  assert.fail('nothing is made or signed for a busy answer')
}

test('when too many sign in at once, the rest is told when to come back', async (t) => {
  const { registry } = parseIdentitySettings(ordersAndReviews, 'the test')
  const web = {
    readAt: startMs,
    vouchedAt: startMs,
    id: 'web-id',
    name: 'web',
    secretHash: undefined,
    formerSecretHash: undefined,
    keys: [],
    generation: 0,
  }
  const declaration = registry.clients.get('web')
  assert.ok(declaration !== undefined)
  const app = createHttpServer(createLogInMemory().log, { issuer: 'https://id.example' })
  t.after(() => app.close())
  addLogin(app, {
    registry,
    issuer: registry.issuer,
    accounts: { findByIdentifier: async () => undefined, replacePasswordHash: unreachable },
    clients: { find: async () => ({ ...web, ...declaration }) },
    sessions: { open: unreachable, find: unreachable, end: unreachable },
    usedProofs: { use: unreachable },
    now: unreachable,
    ownOrigins: new Set(),
    proofJudge: createProofJudge(),
    peppers: [createPepper(Buffer.alloc(32))],
    passwords: {
      hash: unreachable,
      verify: async () => ({ kind: 'busy', retryAfterSeconds: 2 }),
      whenFull: () => undefined,
    },
    protection: unlimitedGuesses,
    unmatchablePasswordHash: '',
    afterwards: unreachable,
    sign: unreachable,
    randomBytes: unreachable,
    tokenBytesMax: 1800,
    sessionIdleSeconds: 60,
    sessionSeconds: 60,
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const answer = await ask(boundPort(app), jsonLogin(JSON.stringify({ identifier, password })))
  assert.equal(answer.status, 503)
  assert.equal(answer.headers['retry-after'], '2')
  assert.equal(answer.members()['code'], 'overloaded')
})
