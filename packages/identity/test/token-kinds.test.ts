import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, test } from 'node:test'
import { algorithmNamed, publicJwk } from '@portcullis/protocol/jws'
import type { SigningKey } from '@portcullis/verify/testing'
import { signCompactJws } from '@portcullis/verify/testing'
import { refreshCookieName } from './browser.ts'
import { decodeToken } from './decoded-token.ts'
import { openOwnKey } from './own-keys.ts'
import { alice, basic, startRunningIdentity } from './running-identity.ts'
import { admin, call, refreshWith, signInHere } from './signed-in.ts'

/**
 * RFC 8725bis J21 at the issuer itself: what it takes, and the kinds of JWT that it signs or that others send to it.
 * Each text has the claims of a live access token and those of the other kinds, and a key of the issuer has signed it.
 */
const identity = await startRunningIdentity({ accounts: [alice, admin] })
after(identity.close)

const kinds = [
  'at+jwt',
  'dpop+jwt',
  'revocation-checkpoint+jwt',
  'revocation-snapshot+jwt',
  'client-authentication+jwt',
  'JWT',
  'secevent+jwt',
  'logout+jwt',
  'id+jwt',
] as const
type Kind = (typeof kinds)[number]

const { publicKey, privateKey } = algorithmNamed('ES256').generateKeyPair()
const ownJwk = publicJwk(publicKey, 'ES256')
const made = await call(identity, 'POST /admin/clients', {
  token: (await signInHere(identity, admin)).access,
  body: {
    name: 'keyed',
    grants: ['client_credentials'],
    audiences: ['orders'],
    jwks: { keys: [ownJwk] },
  },
})
const keyed = String(made.members()['client_id'])

const { access } = await signInHere(identity)
const { claims } = decodeToken(access)
const keys = {
  tokens: await openOwnKey(identity, 'access-token', 'RS256'),
  feed: await openOwnKey(identity, 'feed', 'ES256'),
  'a client': { kid: ownJwk.kid, algorithm: 'ES256', privateKey } satisfies SigningKey,
}

function signedAs(kind: Kind, key: SigningKey): string {
  const events = { 'http://schemas.openid.net/event/backchannel-logout': {} }
  const ofProof = { htm: 'POST', htu: `${identity.issuer}/token` }
  const ofFeed = { epoch: 'A'.repeat(22), seq: 1, chain: 'A'.repeat(43), at: 1, kids: [] }
  const iat = Math.floor(identity.clock.now() / 1000)
  const ofAssertion = { iss: keyed, sub: keyed, aud: identity.issuer, iat, exp: iat + 60 }
  const ofClient = key === keys['a client'] ? { ...ofAssertion, jti: randomUUID() } : {}
  return signCompactJws(
    { ...claims, ...ofClient, ...ofProof, ...ofFeed, events, nonce: 'n' },
    kind,
    key,
  )
}

/** Where a caller can put a text, and whether that did anything for him. */
const places: Readonly<Record<string, (text: string) => Promise<boolean>>> = {
  'as bearer token': async (token) => {
    const answers = [
      await call(identity, 'GET /sessions', { token }),
      await call(identity, 'GET /account', { token }),
    ]
    const statuses = new Set(answers.map(({ status }) => status))
    assert.equal(statuses.size, 1)
    return statuses.has(200)
  },
  'as refresh token': async (token) => (await refreshWith(identity, token)).status === 200,
  'as refresh token to end a session': async (token) =>
    (await call(identity, 'POST /logout', { body: { refresh_token: token } })).status === 200,
  'as cookie': async (token) => {
    const answer = await identity.token(
      { grant_type: 'refresh_token' },
      { cookie: `${refreshCookieName}=${token}`, origin: identity.issuer },
    )
    return answer.status === 200
  },
  'as secret of a client': async (token) => {
    const form = { grant_type: 'client_credentials' }
    return (await identity.token(form, basic('machine', token))).status === 200
  },
  'as assertion of a client': async (token) => {
    const answer = await identity.token({
      grant_type: 'client_credentials',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: token,
    })
    return answer.status === 200
  },
  'as assertion of a person': async (token) => {
    const grant = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
    return (await identity.token({ grant_type: grant, assertion: token })).status === 200
  },
  'as link of a mail': async (token) => {
    const answer = await call(identity, 'POST /account/verify-email', { body: { token } })
    return answer.status < 300
  },
}

test('RFC 8725bis J21: each kind is taken at its own place, by its own kind of key', async () => {
  const taken: string[] = []
  for (const [place, isTaken] of Object.entries(places)) {
    for (const kind of kinds) {
      for (const [name, key] of Object.entries(keys)) {
        if (await isTaken(signedAs(kind, key))) taken.push(`${kind} ${place}, signed for ${name}`)
      }
    }
  }
  assert.deepEqual(taken, [
    'at+jwt as bearer token, signed for tokens',
    // RFC 7523 section 3: that of a client, by its own key alone; `JWT` is what most of them send.
    'client-authentication+jwt as assertion of a client, signed for a client',
    'JWT as assertion of a client, signed for a client',
  ])
})
