import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { algorithms } from '@portcullis/protocol/jws'
import { jwtVerify, createLocalJWKSet } from 'jose'
import type { JSONWebKeySet } from 'jose'
import type { PublicJwk } from '@portcullis/protocol/jws'
import { createProofJudge } from '@portcullis/verify/dpop'
import { addDocuments } from '../src/http/documents.ts'
import { boundPort, createHttpServer } from '../src/http/server.ts'
import { parseIdentitySettings } from '../src/settings.ts'
import type { Answer } from './http-client.ts'
import { ask } from './http-client.ts'
import { startMs } from './chosen-clock.ts'
import { testOnEngines } from './engines.ts'
import { openNode, publishedMsMin } from './opened-keyring.ts'
import {
  alice,
  createLogInMemory,
  ordersAndReviews,
  startRunningIdentity,
} from './running-identity.ts'

const identity = await startRunningIdentity({ file: { jwksMaxAgeSeconds: 7 } })
after(identity.close)

const jwksPath = '/.well-known/jwks.json'
const feedKeysPath = '/.well-known/revocation-keys.json'
const authenticationMethods = ['client_secret_basic', 'client_secret_post', 'private_key_jwt']
const metadataPath = '/.well-known/oauth-authorization-server'

for (const path of [jwksPath, feedKeysPath, metadataPath]) {
  test(`${path} is public, cacheable for as long as the settings say, and has a strong ETag`, async () => {
    const answer = await identity.ask({ path })
    assert.equal(answer.status, 200)
    assert.match(String(answer.headers['content-type']), /^application\/json\b/)
    assert.equal(answer.headers['cache-control'], 'public, max-age=7, stale-while-revalidate=7')
    assert.match(String(answer.headers.etag), /^"[A-Za-z0-9_-]{43}"$/)
    assert.deepEqual((await identity.ask({ path })).headers.etag, answer.headers.etag)
    const head = await identity.ask({ method: 'HEAD', path })
    assert.equal(head.status, 200)
    assert.equal(head.headers.etag, answer.headers.etag)
    assert.equal(head.headers['content-length'], String(answer.body.length))
    assert.equal(head.body, '')
  })

  test(`${path} answers 304 to whoever has it already, and only then`, async () => {
    const { etag = '' } = (await identity.ask({ path })).headers
    const statusFor = async (ifNoneMatch: string): Promise<number> => {
      const answer = await identity.ask({ path, headers: { 'if-none-match': ifNoneMatch } })
      assert.equal(answer.headers.etag, etag)
      assert.equal(answer.headers['cache-control'], 'public, max-age=7, stale-while-revalidate=7')
      assert.equal(answer.body === '', answer.status === 304)
      return answer.status
    }
    for (const value of [etag, `W/${etag}`, '*', `"other", ${etag}`, `"a",W/${etag},"b"`]) {
      assert.equal(await statusFor(value), 304, value)
    }
    for (const value of ['"other"', etag.slice(1, -1), etag.toUpperCase(), `w/${etag}`, '""', '']) {
      assert.equal(await statusFor(value), 200, value)
    }
  })
}

async function keysAt(path: string): Promise<readonly PublicJwk[]> {
  const { keys, ...others } = (await identity.ask({ path })).members()
  assert.deepEqual(others, {})
  assert.ok(Array.isArray(keys))
  return keys as readonly PublicJwk[]
}

// RFC 7517 section 4.
test('the key set has an active and a pending key for each algorithm in use, and public members only', async () => {
  const keys = await keysAt(jwksPath)
  const members = keys.map((key) => Object.keys(key).toSorted().join(' ')).toSorted()
  const [ec, rsa] = ['alg crv kid kty use x y', 'alg e kid kty n use']
  assert.deepEqual(members, [ec, ec, rsa, rsa])
})

test('the keys of the feed have a document of their own, and none of them is in the other', async () => {
  const keys = await keysAt(feedKeysPath)
  assert.deepEqual(
    keys.map(({ alg, use }) => [alg, use]),
    [
      ['ES256', 'sig'],
      ['ES256', 'sig'],
    ],
  )
  const members = keys.map((key) => Object.keys(key).toSorted().join(' '))
  assert.deepEqual(new Set(members), new Set(['alg crv kid kty use x y']))
  const tokenKids = new Set((await keysAt(jwksPath)).map(({ kid }) => kid))
  assert.ok(keys.every(({ kid }) => !tokenKids.has(kid)))
})

testOnEngines(
  'right after a rotation the key set is the new one, with another ETag',
  async (t, engine) => {
    const { clock, keyring } = await openNode(t, engine)
    const app = createHttpServer(createLogInMemory().log, { issuer: 'https://id.example' })
    t.after(() => app.close())
    const { registry } = parseIdentitySettings(ordersAndReviews, 'the test')
    const proofJudge = createProofJudge()
    addDocuments(app, { registry, keyring, jwksMaxAgeSeconds: 300, proofJudge })
    await app.listen({ host: '127.0.0.1', port: 0 })
    const askFor = (path: string, etag = ''): Promise<Answer> =>
      ask(boundPort(app), { path, headers: { 'if-none-match': etag } })

    const [before, feedBefore] = [await askFor(jwksPath), await askFor(feedKeysPath)]
    const { etag = '' } = before.headers
    assert.equal((await askFor(jwksPath, etag)).status, 304)
    clock.advanceMs(publishedMsMin)
    assert.equal((await keyring.rotate()).kind, 'rotated')
    const rotated = await askFor(jwksPath, etag)
    assert.equal(rotated.status, 200)
    assert.notEqual(rotated.headers.etag, etag)
    assert.deepEqual(rotated.members(), keyring.publicJwks())
    assert.equal((await askFor(feedKeysPath)).headers.etag, feedBefore.headers.etag)
  },
)

/** Of RFC 7518 and RFC 8037: every one that signs with a private key. */
const proofAlgorithms = 'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519'.split(
  ' ',
)

// RFC 9700 O9, O15: everything is there to be found, and no response type is.
test('the metadata is what RFC 8414 and this release have, and nothing more', async () => {
  assert.deepEqual((await identity.ask({ path: metadataPath })).members(), {
    issuer: 'https://id.example',
    token_endpoint: 'https://id.example/token',
    revocation_endpoint: 'https://id.example/revoke',
    introspection_endpoint: 'https://id.example/introspect',
    jwks_uri: 'https://id.example/.well-known/jwks.json',
    revocation_feed: {
      snapshot: 'https://id.example/revocations/snapshot',
      stream: 'https://id.example/revocations/stream',
      positions: 'https://id.example/revocations/positions',
      keys: 'https://id.example/.well-known/revocation-keys.json',
    },
    grant_types_supported: [
      'client_credentials',
      'refresh_token',
      'urn:ietf:params:oauth:grant-type:token-exchange',
    ],
    response_types_supported: [],
    scopes_supported: [
      'orders:read',
      'orders:write',
      'reviews:write',
      'payments:make',
      'revocations.read',
      'ssf.manage',
      'ssf.read',
    ],
    // RFC 8414 section 2: the algorithms are required beside private_key_jwt, and never none.
    token_endpoint_auth_methods_supported: [...authenticationMethods, 'none'],
    token_endpoint_auth_signing_alg_values_supported: [...algorithms.keys()],
    revocation_endpoint_auth_methods_supported: [...authenticationMethods, 'none'],
    revocation_endpoint_auth_signing_alg_values_supported: [...algorithms.keys()],
    introspection_endpoint_auth_methods_supported: authenticationMethods,
    introspection_endpoint_auth_signing_alg_values_supported: [...algorithms.keys()],
    dpop_signing_alg_values_supported: proofAlgorithms,
  })
})

/** Asks where a URL of the metadata leads, with the test's port in place of the issuer's host. */
async function askAt(port: number, url: unknown, more: object): Promise<Answer> {
  assert.ok(typeof url === 'string')
  return ask(port, { path: new URL(url).pathname, ...more })
}

for (const issuer of ['https://id.example', 'https://example.com/tenants/one']) {
  test(`every endpoint of the metadata of ${issuer} exists, and a token of it verifies`, async (t) => {
    const other = await startRunningIdentity({ file: { issuer } })
    t.after(other.close)
    const { pathname } = new URL(issuer)
    const where = `${metadataPath}${pathname === '/' ? '' : pathname}`
    const metadata = (await other.ask({ path: where })).members()
    assert.equal(metadata['issuer'], issuer)

    const endpoints = Object.keys(metadata).filter((name) => /_(?:endpoint|uri)$/.test(name))
    assert.deepEqual(endpoints.toSorted(), [
      'introspection_endpoint',
      'jwks_uri',
      'revocation_endpoint',
      'token_endpoint',
    ])
    const keySet = await askAt(other.port, metadata['jwks_uri'], {})
    assert.equal(keySet.status, 200)
    for (const endpoint of endpoints.filter((name) => name.endsWith('_endpoint'))) {
      const refused = await askAt(other.port, metadata[endpoint], { method: 'POST' })
      const { error } = refused.members()
      const isToken = endpoint === 'token_endpoint'
      assert.equal(error, isToken ? 'invalid_request' : 'invalid_client', endpoint)
    }
    const feed = metadata['revocation_feed']
    assert.ok(typeof feed === 'object' && feed !== null)
    for (const [name, url] of Object.entries(feed)) {
      const statuses = name === 'keys' ? [200] : [400, 401]
      const method = name === 'positions' ? 'POST' : 'GET'
      const { status } = await askAt(other.port, url, { method })
      assert.ok(statuses.includes(status), `${name}: ${status}`)
    }

    const { identifier, password } = alice
    const signedIn = await askAt(other.port, `${issuer}/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ identifier, password }),
    })
    assert.equal(signedIn.status, 200, signedIn.body)
    const keys = createLocalJWKSet(keySet.members() as unknown as JSONWebKeySet)
    await jwtVerify(String(signedIn.members()['access_token']), keys, {
      issuer,
      currentDate: new Date(startMs),
    })
  })
}

test('an issuer with a path answers nothing outside of it but its metadata', async (t) => {
  const other = await startRunningIdentity({ file: { issuer: 'https://example.com/tenants/one' } })
  t.after(other.close)
  for (const path of [
    '/login',
    '/token',
    jwksPath,
    feedKeysPath,
    metadataPath,
    '/tenants/two/token',
  ]) {
    assert.equal((await other.ask({ path })).status, 404, path)
  }
})
