import assert from 'node:assert/strict'
import type { KeyObject } from 'node:crypto'
import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { thumbprintOf } from '@portcullis/protocol/jws'
import type { Verifier } from '@portcullis/verify'
import { createVerifier } from '@portcullis/verify'
import type { DecryptionKey } from '@portcullis/verify/jwe'
import { createDecrypter } from '@portcullis/verify/jwe'
import { compactDecrypt } from 'jose'
import { parseIdentitySettings } from '../src/index.ts'
import type { RunningIdentity } from './running-identity.ts'
import {
  alice,
  basic,
  machine,
  ordersAndReviews,
  startRunningIdentity,
} from './running-identity.ts'
import { assertChallenged, assertProblem, call, refreshWith, signInHere } from './signed-in.ts'
import { startError } from './start-error.ts'
import { createTemporaryFolder } from './temporary-folder.ts'

const folder = createTemporaryFolder()
after(folder.remove)

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const elliptic = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const jwkOf = (key: KeyObject): Record<string, unknown> => ({ ...key.export({ format: 'jwk' }) })
const pem = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' })

function inFile(name: string, text: string): string {
  const path = join(folder.path, name)
  writeFileSync(path, text)
  return path
}

const toElliptic = {
  algorithm: 'ECDH-ES+A256KW',
  keyFile: inFile('p256.pem', pem(elliptic.publicKey)),
}
const toRsa = { algorithm: 'RSA-OAEP-256', content: 'A128GCM', jwk: jwkOf(rsa.publicKey) }
const otherRsa = jwkOf(generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey)
const { orders, reviews } = ordersAndReviews.audiences
const secret = { scopes: ['secret:read'], roles: ['customer'], encryption: toRsa }
const file = {
  audiences: { orders: { ...orders, encryption: toElliptic }, reviews, secret },
  clients: {
    web: { public: true, grants: ['login', 'refresh_token'], audiences: ['orders'] },
    vault: { public: true, grants: ['login'], audiences: ['secret'] },
  },
}
const identity = await startRunningIdentity({ file })
after(identity.close)

function serviceOf(audience: string, keys: readonly DecryptionKey[]): Verifier {
  return createVerifier({
    issuer: identity.issuer,
    audience,
    revocation: 'untilExpiry',
    now: identity.clock.now,
    fetch: (url) => fetch(url.replace(identity.issuer, `http://127.0.0.1:${identity.port}`)),
    decryption: createDecrypter({ keys }),
  })
}

const ordersKey = { privateKey: elliptic.privateKey, algorithm: 'ECDH-ES+A256KW' } as const
const { identifier, password } = alice

test('a login and a refresh answer encrypted tokens, which the service decrypts and verifies', async () => {
  const service = serviceOf('orders', [ordersKey])
  const login = (await identity.login({ identifier, password })).members()
  const { claims } = await service.verify(String(login['access_token']))
  assert.equal(claims.aud, 'orders')
  assert.equal(claims.sid, login['session_id'])
  const refreshed = (await refreshWith(identity, String(login['refresh_token']))).members()
  assert.equal((await service.verify(String(refreshed['access_token']))).claims.sid, claims.sid)
  // No part of it can be read on the way.
  const [, ...parts] = String(login['access_token']).split('.')
  assert.equal(parts.length, 4)
  assert.ok(!Buffer.from(parts.join(''), 'base64url').includes(claims.sub))
})

test('what is sent says what it is, names the key, and is not compressed', async () => {
  const login = await identity.login({ identifier, password, client_id: 'vault' })
  const token = String(login.members()['access_token'])
  const { protectedHeader, plaintext } = await compactDecrypt(token, rsa.privateKey)
  assert.deepEqual(protectedHeader, {
    alg: 'RSA-OAEP-256',
    enc: 'A128GCM',
    typ: 'at+jwt',
    cty: 'JWT',
    kid: thumbprintOf(rsa.publicKey),
  })
  assert.equal(Buffer.from(plaintext).toString().split('.').length, 3)
  const key = { privateKey: rsa.privateKey, algorithm: 'RSA-OAEP-256', content: 'A128GCM' } as const
  assert.equal((await serviceOf('secret', [key]).verify(token)).claims.aud, 'secret')
})

test('identity cannot read such a token and says so; the refresh token logs out', async () => {
  const login = (await identity.login({ identifier, password })).members()
  for (const route of ['POST /logout', 'POST /logout/everywhere']) {
    const refused = await call(identity, route, { token: String(login['access_token']) })
    assertChallenged(refused)
    assert.match(refused.body, /encrypted token cannot be read here: send the refresh token/)
  }
  const body = { refresh_token: login['refresh_token'] }
  assert.equal((await call(identity, 'POST /logout', { body })).status, 200)
  const here = await signInHere(identity)
  assert.equal(here.access.split('.').length, 3)
  assert.equal((await call(identity, 'GET /sessions', { token: here.access })).status, 200)
})

// RFC 7009 section 2.2.1: an answer that pretends would leave the token alive.
test('what identity cannot read it does not pretend to take back, to judge or to exchange', async () => {
  const token = String((await granted('orders')).members()['access_token'])
  const headers = {
    ...basic(machine.clientId, machine.clientSecret),
    'content-type': 'application/x-www-form-urlencoded',
  }
  for (const path of ['/revoke', '/introspect']) {
    const body = new URLSearchParams({ token }).toString()
    const answer = await identity.ask({ method: 'POST', path, headers, body })
    assert.equal(answer.status, 400)
    assert.equal(answer.members()['error'], 'unsupported_token_type')
    assert.match(answer.body, /encrypted token cannot be read here/)
  }
  const exchange = await identity.token(
    {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      audience: 'orders',
    },
    basic(machine.clientId, machine.clientSecret),
  )
  assert.equal(exchange.status, 400)
  assert.match(exchange.body, /encrypted token cannot be read here/)
})

test('machines have encrypted tokens too, and one token is never for two keys', async () => {
  const token = String((await granted('orders')).members()['access_token'])
  assert.equal(
    (await serviceOf('orders', [ordersKey]).verify(token)).claims.client_id,
    machine.clientId,
  )
  const mixed = await granted('orders reviews')
  assert.equal(mixed.status, 400)
  assert.equal(mixed.members()['error'], 'invalid_target')
  assert.match(mixed.body, /different encryption keys/)
})

async function granted(audience: string): ReturnType<RunningIdentity['token']> {
  const credential = basic(machine.clientId, machine.clientSecret)
  return identity.token({ grant_type: 'client_credentials', audience }, credential)
}

test('the budget is for what is sent', async () => {
  const tight = await startRunningIdentity({ file: { ...file, tokenBytesMax: 900 } })
  try {
    assert.equal((await signInHere(tight)).access.split('.').length, 3)
    const refused = await tight.login({ identifier, password })
    assertProblem(refused, 400, 'token-over-budget')
    assert.match(refused.body, /the encrypted token would have \d+ bytes, more than 900/)
  } finally {
    await tight.close()
  }
})

const audienceWith = (encryption: object): object => ({ audiences: { orders: { encryption } } })
const inJwk = (key: object): object => audienceWith({ algorithm: 'RSA-OAEP-256', jwk: key })
const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey
const p521 = generateKeyPairSync('ec', { namedCurve: 'P-521' }).publicKey
const privatePem = rsa.privateKey.export({ type: 'pkcs8', format: 'pem' })
const place = '/audiences/orders/encryption'

const mistakes: readonly (readonly [string, object, string, RegExp])[] = [
  ['no key', audienceWith({ algorithm: 'RSA-OAEP-256' }), place, /keyFile or jwk/],
  ['two keys', audienceWith({ ...toRsa, ...toElliptic }), place, /and not both/],
  ['no algorithm', audienceWith({ jwk: toRsa.jwk }), `${place}/algorithm`, /required/],
  ['RSA1_5', audienceWith({ ...toRsa, algorithm: 'RSA1_5' }), `${place}/algorithm`, /RSA-OAEP-256/],
  ['another content', audienceWith({ ...toRsa, content: 'none' }), `${place}/content`, /A256GCM/],
  ['a private JWK', inJwk(jwkOf(rsa.privateKey)), `${place}/jwk`, /register the public half/],
  ['a secret', inJwk({ kty: 'oct', k: 'AAAA' }), `${place}/jwk`, /register the public half/],
  ['an RSA key of 1024 bits', inJwk(jwkOf(weak)), `${place}/jwk`, /fewer than 2048/],
  ['a key on another curve', inJwk(jwkOf(elliptic.publicKey)), `${place}/jwk`, /not an RSA key/],
  [
    'P-521',
    audienceWith({ algorithm: 'ECDH-ES+A256KW', jwk: jwkOf(p521) }),
    `${place}/jwk`,
    /P-256, P-384 or X25519/,
  ],
  ['a key for signatures', inJwk({ ...toRsa.jwk, use: 'sig' }), `${place}/jwk`, /use is not enc/],
  ['a JWK of another alg', inJwk({ ...toRsa.jwk, alg: 'RSA-OAEP' }), `${place}/jwk`, /its alg/],
  ['no JWK at all', inJwk({}), `${place}/jwk`, /not a public key/],
  [
    'a file that is not there',
    audienceWith({ algorithm: 'RSA-OAEP-256', keyFile: join(folder.path, 'none.pem') }),
    `${place}/keyFile`,
    /ENOENT/,
  ],
  [
    'a file with a private key',
    audienceWith({ algorithm: 'RSA-OAEP-256', keyFile: inFile('private.pem', privatePem) }),
    `${place}/keyFile`,
    /register the public half/,
  ],
  [
    'a file with something else',
    audienceWith({ algorithm: 'RSA-OAEP-256', keyFile: inFile('junk.pem', 'junk') }),
    `${place}/keyFile`,
    /no public key in PEM/,
  ],
  [
    'a client for two keys',
    {
      ...file,
      clients: { c: { public: true, grants: ['login'], audiences: ['orders', 'reviews'] } },
    },
    '/clients/c/audiences',
    /different encryption keys/,
  ],
  [
    'a client for two keys of one name',
    {
      audiences: {
        orders: { ...orders, encryption: { ...toRsa, jwk: { ...toRsa.jwk, kid: 'one' } } },
        reviews: { ...reviews, encryption: { ...toRsa, jwk: { ...otherRsa, kid: 'one' } } },
      },
      clients: { c: { public: true, grants: ['login'], audiences: ['orders', 'reviews'] } },
    },
    '/clients/c/audiences',
    /different encryption keys/,
  ],
  [
    'HS256 beside another audience',
    { audiences: { orders: { algorithm: 'HS256' }, reviews: {} } },
    '/audiences/orders/algorithm',
    /the only audience/,
  ],
  [
    'HS256 among others',
    { audiences: { orders: { algorithm: ['HS256', 'RS256'] } } },
    '/audiences/orders/algorithm',
    /not one of several/,
  ],
  [
    'no algorithm in the list',
    { audiences: { orders: { algorithm: [] } } },
    '/audiences/orders/algorithm',
    /fewer than 1/,
  ],
]
for (const [what, changed, path, message] of mistakes) {
  test(`${what} is found when the file is read`, () => {
    const settings = { issuer: 'https://id.example', ...changed }
    assert.throws(
      () => parseIdentitySettings(settings, 'the test'),
      (error) => {
        startError(message)(error)
        assert.ok(String(error).includes(path), String(error))
        return true
      },
    )
  })
}
