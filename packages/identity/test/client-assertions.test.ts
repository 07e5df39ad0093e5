import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { algorithms, algorithmNamed } from '@portcullis/protocol/jws'
import { authenticateClient } from '../src/domain/client-authentication.ts'
import { parseClientKeys } from '../src/domain/client-keys.ts'
import { createClientStore, insertClient } from '../src/store/clients.ts'
import { createUsedProofs } from '../src/store/used-proofs.ts'
import { createChosenClock, startMs } from './chosen-clock.ts'
import { assertionClaims, assertionForm, createClientKey } from './client-keys.ts'
import { decodeToken } from './decoded-token.ts'
import { testOnEngines } from './engines.ts'
import type { Answer } from './http-client.ts'
import { openStoreAt, storeIssuer } from './opened-store.ts'
import { alice, basic, machine, startRunningIdentity } from './running-identity.ts'
import { admin, assertProblem, call, signInHere, tokensOf } from './signed-in.ts'

const identity = await startRunningIdentity({ accounts: [alice, admin] })
after(identity.close)
const { access: token } = await signInHere(identity, admin)

const [key, nextKey] = [createClientKey('ES256'), createClientKey('EdDSA')]
const grants = ['client_credentials', 'login', 'refresh_token']
const created = await call(identity, 'POST /admin/clients', {
  token,
  body: {
    name: 'signer',
    grants,
    audiences: ['orders'],
    scopes: ['orders:read'],
    jwks: { keys: [key.jwk, nextKey.jwk] },
  },
})
assert.equal(created.status, 201, created.body)
const signer = String(created.members()['client_id'])
const grant = { grant_type: 'client_credentials' }

function present(assertion: string, more: object = {}): Promise<Answer> {
  return identity.token({ ...grant, ...assertionForm(assertion), ...more })
}

function assertRefused(answer: Answer, where: string): void {
  // One answer for all: what is wrong with it is nobody's business.
  assert.deepEqual([answer.status, answer.body], [401, '{"error":"invalid_client"}'], where)
}

// RFC 9700 O14, ASVS 10.4.10.
test('a client with keys is shown no secret, and gets tokens by assertions of either key', async () => {
  assert.deepEqual(created.members(), { client_id: signer, name: 'signer' })
  for (const { sign, kid } of [key, nextKey]) {
    for (const header of [
      {},
      { typ: 'JWT' },
      { typ: 'client-authentication+jwt' },
      { kid: undefined },
    ]) {
      const answer = await present(sign(header, assertionClaims(signer)))
      assert.equal(answer.status, 200, `${kid} ${JSON.stringify(header)} ${answer.body}`)
      assert.equal(decodeToken(answer.members()['access_token']).claims['client_id'], signer)
    }
  }
  const named = await present(key.sign({}, assertionClaims(signer)), { client_id: signer })
  assert.equal(named.status, 200)
  const times = { iat: undefined, nbf: undefined }
  assert.equal((await present(key.sign({}, assertionClaims(signer, times)))).status, 200)
})

const now = Math.floor(startMs / 1000)
const other = 'https://other.example'

// RFC 7523 section 3.
test('an assertion must be from the client, for this issuer alone, for now, and named', async () => {
  const claims: readonly object[] = [
    { iss: undefined },
    { sub: undefined },
    { iss: machine.clientId },
    { sub: machine.clientId },
    { iss: machine.clientId, sub: machine.clientId },
    { iss: 'nobody', sub: 'nobody' },
    { aud: undefined },
    { aud: other },
    { aud: [identity.issuer] },
    { aud: [identity.issuer, other] },
    { aud: `${identity.issuer}/` },
    { aud: `${identity.issuer}/token` },
    { exp: undefined },
    { exp: String(now + 60) },
    { exp: now - 5 },
    { exp: now + 310 },
    { exp: now + 60.5 },
    { iat: now + 10 },
    { iat: now - 310 },
    { iat: String(now) },
    { nbf: now + 10 },
    { jti: undefined },
    { jti: '' },
    { jti: 7 },
    { jti: 'x'.repeat(257) },
  ]
  for (const wrong of claims) {
    const answer = await present(key.sign({}, assertionClaims(signer, wrong)))
    assertRefused(answer, JSON.stringify(wrong))
  }
  const good = { exp: now + 300, iat: now - 290 }
  assert.equal((await present(key.sign({}, assertionClaims(signer, good)))).status, 200)
})

// J21, RFC 8725 section 3.11.
test('what was signed for another purpose is no assertion', async () => {
  for (const typ of ['at+jwt', 'dpop+jwt', 'logout+jwt', 'secevent+jwt', 'jws', '', null, 1]) {
    assertRefused(await present(key.sign({ typ }, assertionClaims(signer))), String(typ))
  }
  const granted = await present(key.sign({}, assertionClaims(signer)))
  assertRefused(await present(String(granted.members()['access_token'])), 'an access token of ours')
})

test('only the keys that were registered sign, each with its own algorithm', async () => {
  const stranger = createClientKey('ES256')
  const claims = assertionClaims(signer)
  const [header = '', payload = '', signature = ''] = key.sign({}, claims).split('.')
  const wrong: Readonly<Record<string, string>> = {
    'a stranger': stranger.sign({}, claims),
    'a stranger with the kid of ours': stranger.sign({ kid: key.kid }, claims),
    'a stranger that brings its key': stranger.sign({ jwk: stranger.jwk, kid: undefined }, claims),
    'the kid of the other key': key.sign({ kid: nextKey.kid }, claims),
    'an unknown kid': key.sign({ kid: 'another' }, claims),
    'a kid that is no text': key.sign({ kid: null }, claims),
    none: `${encoded({ alg: 'none' })}.${payload}.${signature}`,
    HS256: key.sign({ alg: 'HS256' }, claims),
    'another algorithm': key.sign({ alg: 'ES384' }, claims),
    crit: key.sign({ crit: ['exp'] }, claims),
    'no signature': `${header}.${payload}.`,
    'another payload': `${header}.${encoded(assertionClaims(signer))}.${signature}`,
    'not a JWS': 'nonsense',
  }
  for (const [name, assertion] of Object.entries(wrong)) {
    assertRefused(await present(assertion), name)
  }
  // Nothing of these was used up.
  assert.equal((await present(`${header}.${payload}.${signature}`)).status, 200)
})

test('one request has one way of authentication, in whole', async () => {
  const assertion = key.sign({}, assertionClaims(signer))
  const [machineId, secret] = [machine.clientId, machine.clientSecret]
  const both = [
    await present(assertion, { client_id: machineId, client_secret: secret }),
    await identity.token({ ...grant, ...assertionForm(assertion) }, basic(machineId, secret)),
    await identity.token({ ...grant, client_assertion: assertion }),
    await identity.token({ ...grant, ...assertionForm(assertion), client_assertion: '' }),
    await present(assertion, {
      client_assertion_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
    }),
  ]
  for (const answer of both) {
    assert.deepEqual([answer.status, answer.members()['error']], [400, 'invalid_request'])
  }
  assertRefused(await present(assertion, { client_id: 'machine' }), 'another client_id')
  assert.equal((await present(assertion)).status, 200)
  const withSecret = { client_id: signer, client_secret: 'guessed' }
  assertRefused(await identity.token({ ...grant, ...withSecret }), 'a secret of a client with keys')
  assertRefused(
    await present(key.sign({}, assertionClaims(machineId))),
    'of a client with a secret',
  )
})

test('no part of an assertion is logged', () => {
  assert.match(identity.logged(), /"outcome":"bad-client"/)
  assert.doesNotMatch(identity.logged(), /eyJ/)
})

// CVE-2020-5300, CVE-2020-15222.
test('CVE-2020-5300, CVE-2020-15222: an assertion is good once, and another one of its name too', async () => {
  const claims = assertionClaims(signer)
  assert.equal((await present(key.sign({}, claims))).status, 200)
  assertRefused(await present(key.sign({}, claims)), 'the same')
  assertRefused(await present(nextKey.sign({ typ: 'JWT' }, claims)), 'signed anew')
})

test('people sign in and refresh through a client with keys, each time with another assertion', async () => {
  const { identifier, password } = alice
  const login = { identifier, password, client_id: signer }
  const assertion = key.sign({}, assertionClaims(signer))
  const signedIn = tokensOf(await identity.login({ ...login, ...assertionForm(assertion) }))
  assertProblem(await identity.login(login), 400, 'unknown-client')
  const again = await identity.login({ ...login, ...assertionForm(assertion) })
  assertProblem(again, 400, 'unknown-client')
  const refresh = { grant_type: 'refresh_token', refresh_token: signedIn.refresh }
  assertRefused(await identity.token(refresh), 'without one')
  const fresh = assertionForm(key.sign({}, assertionClaims(signer)))
  const { access } = tokensOf(await identity.token({ ...refresh, ...fresh }))
  assert.equal(decodeToken(access).claims['client_id'], signer)
})

test('keys are public, strong, and for signatures; nothing else of them is kept', () => {
  const { publicKey } = algorithmNamed('ES256').generateKeyPair()
  const good = publicKey.export({ format: 'jwk' }) as Record<string, string>
  assert.deepEqual(
    parseClientKeys({ keys: [{ ...good, use: 'sig', key_ops: ['verify'], x5u: other }] }),
    {
      kind: 'keys',
      keys: [good],
    },
  )
  const short = { kty: 'RSA', e: 'AQAB', n: Buffer.alloc(128, 0xff).toString('base64url') }
  const wrong: Readonly<Record<string, object>> = {
    'no keys': {},
    'an empty set': { keys: [] },
    'nine keys': { keys: Array.from({ length: 9 }, () => good) },
    'a text': { keys: ['key'] },
    'a private key': { keys: [{ ...good, d: 'AAAA' }] },
    'a shared secret': { keys: [{ kty: 'oct', k: 'AAAA' }] },
    'a weak key': { keys: [short] },
    'a key of encryption': { keys: [{ ...good, use: 'enc' }] },
    'an algorithm that does not fit': { keys: [{ ...good, alg: 'RS256' }] },
    'a point that is none': { keys: [{ ...good, x: good['y'] }] },
    'a kid that is no text': { keys: [{ ...good, kid: 1 }] },
    'two of one kid': {
      keys: [
        { ...good, kid: 'one' },
        { ...good, kid: 'one' },
      ],
    },
  }
  for (const [name, jwks] of Object.entries(wrong)) {
    assert.equal(parseClientKeys(jwks as { keys?: [] }).kind, 'unfit', name)
  }
})

testOnEngines(
  'assertions of every algorithm are good, at one node of all, once',
  async (t, engine) => {
    const clock = createChosenClock()
    const url = await engine.createStore(t)
    const stores = [await openStoreAt(url, clock.now), await openStoreAt(url, clock.now)]
    for (const { database } of stores) t.after(database.close)
    const [{ database } = assert.fail()] = stores
    const names = [...algorithms.keys()]
    assert.ok(names.length >= 11)
    for (const name of names) {
      const own = createClientKey(name)
      const id = name.padEnd(22, 'A')
      const facts = {
        id,
        name,
        isPublic: false,
        grants: [],
        audiences: [],
        scopes: [],
        keys: [own.jwk],
      }
      await database.transaction((query) => insertClient(query, facts, 'store'))
      const assertion = own.sign({}, assertionClaims(id))
      const uses = [...stores, ...stores].map((node) =>
        authenticateClient(
          {
            issuer: storeIssuer,
            clients: createClientStore(node.database),
            usedProofs: createUsedProofs(node.database),
            now: clock.now,
          },
          { assertion },
        ),
      )
      const ids = (await Promise.all(uses)).flatMap((client) =>
        client === undefined ? [] : [client.id],
      )
      assert.deepEqual(ids, [id], name)
    }
  },
)

function encoded(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}
