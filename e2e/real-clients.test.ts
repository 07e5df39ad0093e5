import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { after, test } from 'node:test'
import { JwtVerifier } from 'aws-jwt-verify'
import { SimpleJwksCache } from 'aws-jwt-verify/jwk'
import express from 'express'
import { auth } from 'express-oauth2-jwt-bearer'
import * as jose from 'jose'
import jsonwebtoken from 'jsonwebtoken'
import { JwksClient } from 'jwks-rsa'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { startLoneIssuer } from './lone-issuer.ts'
import { bearer } from './running-system.ts'

/*
 * What others wrote to ask an issuer for tokens, and to verify them, as it comes from npm. Nothing is set but where
 * the issuer is, who asks, and that plain http is meant: it is on loopback.
 */
const { issuer, service, signIn, stop } = await startLoneIssuer()
after(stop)

const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange'
const subjectTokenType = 'urn:ietf:params:oauth:token-type:access_token'
const jwksUri = `${issuer}/.well-known/jwks.json`

function discover(
  clientId: string,
  authentication: openid.ClientAuth,
): Promise<openid.Configuration> {
  return openid.discovery(new URL(issuer), clientId, undefined, authentication, {
    algorithm: 'oauth2',
    execute: [openid.allowInsecureRequests],
  })
}

const methods = [
  ['client_secret_basic', openid.ClientSecretBasic, oauth.ClientSecretBasic],
  ['client_secret_post', openid.ClientSecretPost, oauth.ClientSecretPost],
] as const

for (const [method, ofOpenid, ofOauth] of methods) {
  // RFC 8414, RFC 6749 sections 4.4 and 6, RFC 8693, RFC 7009, RFC 7662.
  test(`openid-client with ${method}: client credentials, exchange, introspection, revocation`, async () => {
    const config = await discover(service.clientId, ofOpenid(service.clientSecret))
    const own = await openid.clientCredentialsGrant(config, { scope: 'orders:read' })
    assert.equal(own.scope, 'orders:read')
    const { access } = await signIn()
    const exchanged = await openid.genericGrantRequest(config, exchangeGrant, {
      subject_token: access,
      subject_token_type: subjectTokenType,
      audience: 'reviews',
    })
    assert.equal(exchanged['issued_token_type'], subjectTokenType)
    const wider = openid.genericGrantRequest(config, exchangeGrant, {
      subject_token: exchanged.access_token,
      subject_token_type: subjectTokenType,
      audience: 'orders',
    })
    await assert.rejects(wider, { error: 'invalid_target' })
    for (const { access_token: token } of [own, exchanged]) {
      const before = await openid.tokenIntrospection(config, token)
      assert.deepEqual([before.active, before.token_type], [true, 'Bearer'])
      await openid.tokenRevocation(config, token)
      assert.deepEqual(await openid.tokenIntrospection(config, token), { active: false })
    }
    const foreign = openid.tokenRevocation(config, access)
    await assert.rejects(foreign, { error: 'invalid_grant', status: 400 })
  })

  test(`oauth4webapi with ${method}: client credentials, exchange, introspection, revocation`, async () => {
    const server = await discoverServer()
    const client = { client_id: service.clientId }
    const authentication = ofOauth(service.clientSecret)
    const own = await oauth.processClientCredentialsResponse(
      server,
      client,
      await oauth.clientCredentialsGrantRequest(server, client, authentication, {}, insecure),
    )
    const { access } = await signIn()
    const exchanged = await oauth.processGenericTokenEndpointResponse(
      server,
      client,
      await oauth.genericTokenEndpointRequest(
        server,
        client,
        authentication,
        exchangeGrant,
        { subject_token: access, subject_token_type: subjectTokenType, audience: 'reviews' },
        insecure,
      ),
    )
    const isActive = async (token: string): Promise<boolean> => {
      const asked = oauth.introspectionRequest(server, client, authentication, token, insecure)
      return (await oauth.processIntrospectionResponse(server, client, await asked)).active
    }
    for (const { access_token: token } of [own, exchanged]) {
      assert.ok(await isActive(token))
      const request = oauth.revocationRequest(server, client, authentication, token, insecure)
      await oauth.processRevocationResponse(await request)
      assert.ok(!(await isActive(token)))
    }
    const wrong = ofOauth('another secret')
    const refused = await oauth.clientCredentialsGrantRequest(server, client, wrong, {}, insecure)
    const processed = oauth.processClientCredentialsResponse(server, client, refused)
    await assert.rejects(processed, (error) => {
      // RFC 6749 section 5.2: with a challenge, which the client reads before the body.
      assert.ok(error instanceof oauth.WWWAuthenticateChallengeError)
      return error.status === 401
    })
  })
}

const insecure = { [oauth.allowInsecureRequests]: true }

async function discoverServer(): Promise<oauth.AuthorizationServer> {
  const options = { algorithm: 'oauth2', ...insecure } as const
  const response = await oauth.discoveryRequest(new URL(issuer), options)
  return oauth.processDiscoveryResponse(new URL(issuer), response)
}

test('openid-client refreshes as a public client, and its revocation ends the session', async () => {
  const config = await discover('web', openid.None())
  const { refresh } = await signIn()
  const next = await openid.refreshTokenGrant(config, refresh)
  assert.ok(next.refresh_token !== undefined)
  await openid.tokenRevocation(config, next.refresh_token)
  await assert.rejects(openid.refreshTokenGrant(config, next.refresh_token), {
    error: 'invalid_grant',
  })
})

test('oauth4webapi refreshes as a public client, and its revocation ends the session', async () => {
  const server = await discoverServer()
  const client = { client_id: 'web' }
  const refreshWith = async (token: string): Promise<oauth.TokenEndpointResponse> => {
    const request = oauth.refreshTokenGrantRequest(server, client, oauth.None(), token, insecure)
    return oauth.processRefreshTokenResponse(server, client, await request)
  }
  const { refresh_token: token = '' } = await refreshWith((await signIn()).refresh)
  const request = oauth.revocationRequest(server, client, oauth.None(), token, insecure)
  await oauth.processRevocationResponse(await request)
  await assert.rejects(refreshWith(token), { error: 'invalid_grant' })
})

test('oauth4webapi validates our access token in a request, and refuses it elsewhere', async () => {
  const server = await discoverServer()
  const { access } = await signIn()
  const request = new Request('http://localhost/orders', { headers: bearer(access) })
  const claims = await oauth.validateJwtAccessToken(server, request, 'orders', insecure)
  assert.equal(claims.iss, issuer)
  await assert.rejects(oauth.validateJwtAccessToken(server, request, 'payments', insecure))
})

test('jose verifies our tokens, and no expired one', async () => {
  const keys = jose.createRemoteJWKSet(new URL(jwksUri))
  const { access } = await signIn()
  const expected = { issuer, audience: 'orders', typ: 'at+jwt' }
  assert.equal((await jose.jwtVerify(access, keys, expected)).payload.iss, issuer)
  const currentDate = new Date(Date.now() + 3_600_000)
  await assert.rejects(jose.jwtVerify(access, keys, { ...expected, currentDate }), {
    code: 'ERR_JWT_EXPIRED',
  })
})

test('jsonwebtoken with jwks-rsa verifies our tokens, and none for somebody else', async () => {
  const client = new JwksClient({ jwksUri })
  const { access } = await signIn()
  const kid = jsonwebtoken.decode(access, { complete: true })?.header.kid
  const key = (await client.getSigningKey(kid)).getPublicKey()
  const options = { issuer, audience: 'orders', algorithms: ['RS256' as const] }
  const claims = jsonwebtoken.verify(access, key, options)
  assert.ok(typeof claims === 'object' && claims.iss === issuer)
  assert.throws(() => jsonwebtoken.verify(access, key, { ...options, audience: 'payments' }), {
    message: /audience invalid/,
  })
})

test('aws-jwt-verify verifies our tokens, and none for somebody else', async () => {
  // It fetches by https alone; what is fetched is the same.
  const fetcher = { fetch: async (url: string) => (await fetch(url)).arrayBuffer() }
  const options = { jwksCache: new SimpleJwksCache({ fetcher }) }
  const verifierFor = (audience: string): ReturnType<typeof createAwsVerifier> =>
    createAwsVerifier(audience, options)
  const { access } = await signIn()
  assert.equal((await verifierFor('orders').verify(access)).iss, issuer)
  await assert.rejects(verifierFor('payments').verify(access), /Audience not allowed/)
})

function createAwsVerifier(
  audience: string,
  options: { readonly jwksCache: SimpleJwksCache },
): { readonly verify: (token: string) => Promise<{ readonly iss?: string | undefined }> } {
  return JwtVerifier.create({ issuer, audience, jwksUri }, options)
}

test('express-oauth2-jwt-bearer, strict about RFC 9068, lets our tokens in, and none for somebody else', async (t) => {
  // Says nothing of requests that are refused.
  const app = express().set('env', 'test')
  for (const audience of ['orders', 'payments']) {
    // The metadata is found by the issuer's address alone.
    app.get(
      `/${audience}`,
      auth({ issuerBaseURL: issuer, audience, strict: true }),
      (_request, response) => {
        response.json({})
      },
    )
  }
  const server = createServer(app).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  const { access } = await signIn()
  const statusOf = async (path: string, token: string): Promise<number> => {
    const url = `http://127.0.0.1:${address.port}/${path}`
    return (await fetch(url, { headers: { ...bearer(token), connection: 'close' } })).status
  }
  assert.equal(await statusOf('orders', access), 200)
  assert.equal(await statusOf('payments', access), 401)
  assert.equal(await statusOf('orders', `${access.slice(0, -8)}AAAAAAAA`), 401)
})
