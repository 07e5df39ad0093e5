import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import {
  bootstrap,
  newClientCredential,
  newRandomSecret,
  parseIdentitySettings,
  readSecrets,
  startIdentity,
} from '@portcullis/identity'
import { createLog } from '@portcullis/runtime'
import {
  authenticateRequest,
  createVerifier,
  rawFieldValues,
  responseHeadersOf,
  VerifyError,
} from '@portcullis/verify'
import { createProofJudge } from '@portcullis/verify/dpop'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { freePort } from '../tools/free-port.ts'
import { newFolder, removeFolder } from './running-system.ts'

/*
 * DPoP with what others wrote, as it comes from npm. Nothing is set but where the issuer is, who asks, and that
 * plain http is meant: it is on loopback.
 */

const alice = { identifier: 'alice', password: newRandomSecret(), roles: [] }
const machine = { ...newClientCredential(), name: 'machine', audiences: ['orders'], scopes: [] }

interface Issuer {
  readonly issuer: string
  readonly orders: string
}

/** An issuer that gives the audience orders bound tokens only, and a service that takes them. */
async function start(t: TestContext, dpopNonce: 'off' | 'required'): Promise<Issuer> {
  const folder = newFolder()
  t.after(() => removeFolder(folder))
  const port = await freePort()
  const issuer = `http://localhost:${port}`
  const database = `sqlite:${join(folder, 'identity.db')}`
  await bootstrap({ database, accounts: [alice], clients: [machine] })
  const settings = parseIdentitySettings(
    {
      issuer,
      dpopNonce,
      database,
      audiences: { orders: { dpop: 'required' } },
      listen: { host: 'localhost', port },
      operations: { port: 0 },
    },
    'the test',
  )
  const secrets = readSecrets({
    PORTCULLIS_SEALING_KEY: randomBytes(32).toString('base64'),
    PORTCULLIS_REFRESH_PEPPER: randomBytes(32).toString('base64'),
  })
  const log = createLog({ name: 'identity', destination: { write: () => undefined } })
  const identity = await startIdentity(settings, { ...secrets, log })
  t.after(identity.close)
  return { issuer, orders: await startOrders(t, issuer, dpopNonce) }
}

async function startOrders(
  t: TestContext,
  issuer: string,
  nonce: 'off' | 'required',
): Promise<string> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const origin = `http://127.0.0.1:${port}`
  const verifier = createVerifier({
    issuer,
    audience: 'orders',
    dpop: createProofJudge(nonce === 'off' ? { origin } : { origin, nonce }),
  })
  t.after(async () => {
    server.closeAllConnections()
    server.close()
    await verifier.close()
  })
  server.on('request', ({ method = '', url = '', rawHeaders }, response) => {
    const request = { method, url: `${origin}${url}`, fieldValues: rawFieldValues(rawHeaders) }
    authenticateRequest(verifier, request).then(
      ({ claims }) => response.end(claims.sub),
      (error: unknown) => {
        assert.ok(error instanceof VerifyError)
        response.writeHead(error.status, responseHeadersOf(error)).end()
      },
    )
  })
  await verifier.ready()
  return `${origin}/orders`
}

/** Of a login, which is our own: OAuth has no grant for a password. */
async function signIn(
  issuer: string,
  prove: (url: string) => Promise<string>,
): Promise<Readonly<Record<string, unknown>>> {
  const { identifier, password } = alice
  const answer = await fetch(`${issuer}/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', dpop: await prove(`${issuer}/login`) },
    body: JSON.stringify({ identifier, password }),
  })
  assert.equal(answer.status, 200, await answer.clone().text())
  return (await answer.json()) as Record<string, unknown>
}

async function statusWithout(orders: string, token: string): Promise<number> {
  const { status } = await fetch(orders, { headers: { authorization: `Bearer ${token}` } })
  return status
}

function part(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

/** A proof as RFC 9449 section 4.2 has it, by the key that a library has made. */
async function proofBy({ privateKey, publicKey }: CryptoKeyPair, htu: string): Promise<string> {
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', publicKey)
  const iat = Math.floor(Date.now() / 1000)
  const header = part({ alg: 'ES256', typ: 'dpop+jwt', jwk: { kty, crv, x, y } })
  const input = `${header}.${part({ jti: crypto.randomUUID(), htm: 'POST', htu, iat })}`
  const algorithm = { name: 'ECDSA', hash: 'SHA-256' }
  const signature = await crypto.subtle.sign(algorithm, privateKey, Buffer.from(input))
  return `${input}.${Buffer.from(signature).toString('base64url')}`
}

for (const nonce of ['off', 'required'] as const) {
  test(`openid-client gets bound tokens, and a service takes them; nonces: ${nonce}`, async (t) => {
    const { issuer, orders } = await start(t, nonce)
    const authentication = openid.ClientSecretBasic(machine.clientSecret)
    const config = await openid.discovery(
      new URL(issuer),
      machine.clientId,
      undefined,
      authentication,
      { algorithm: 'oauth2', execute: [openid.allowInsecureRequests] },
    )
    const asked = { audience: 'orders' }
    await assert.rejects(openid.clientCredentialsGrant(config, asked), {
      error: 'invalid_dpop_proof',
    })
    const DPoP = openid.getDPoPHandle(config, await openid.randomDPoPKeyPair('ES256'))
    const { access_token: token, token_type: type } = await openid.clientCredentialsGrant(
      config,
      asked,
      { DPoP },
    )
    assert.equal(type, 'dpop')
    const url = new URL(`${orders}?page=2`)
    const read = await openid.fetchProtectedResource(config, token, url, 'GET', null, undefined, {
      DPoP,
    })
    assert.equal(read.status, 200)
    assert.equal(await statusWithout(orders, token), 401)
  })
}

test('openid-client refreshes a bound session, and nobody else does', async (t) => {
  const { issuer, orders } = await start(t, 'off')
  const keys = await openid.randomDPoPKeyPair('ES256', { extractable: false })
  const session = await signIn(issuer, (url) => proofBy(keys, url))
  const config = await openid.discovery(new URL(issuer), 'web', undefined, openid.None(), {
    algorithm: 'oauth2',
    execute: [openid.allowInsecureRequests],
  })
  const refreshToken = String(session['refresh_token'])
  const stranger = openid.getDPoPHandle(config, await openid.randomDPoPKeyPair('ES256'))
  for (const options of [undefined, { DPoP: stranger }]) {
    const refused = openid.refreshTokenGrant(config, refreshToken, undefined, options)
    await assert.rejects(refused, { error: 'invalid_grant' })
  }
  const DPoP = openid.getDPoPHandle(config, keys)
  const fresh = await openid.refreshTokenGrant(config, refreshToken, undefined, { DPoP })
  assert.equal(fresh.token_type, 'dpop')
  const url = new URL(orders)
  const read = await openid.fetchProtectedResource(
    config,
    fresh.access_token,
    url,
    'GET',
    null,
    undefined,
    { DPoP },
  )
  assert.equal(read.status, 200)
})

for (const nonce of ['off', 'required'] as const) {
  test(`oauth4webapi gets bound tokens, and a service takes them; nonces: ${nonce}`, async (t) => {
    const { issuer, orders } = await start(t, nonce)
    const loopback = { [oauth.allowInsecureRequests]: true }
    const where = new URL(issuer)
    const discovered = await oauth.discoveryRequest(where, { algorithm: 'oauth2', ...loopback })
    const server = await oauth.processDiscoveryResponse(where, discovered)
    const client: oauth.Client = { client_id: machine.clientId }
    const secret = oauth.ClientSecretBasic(machine.clientSecret)
    const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'))
    const grant = async (): Promise<oauth.TokenEndpointResponse> => {
      const asked = new URLSearchParams({ audience: 'orders' })
      const options = { DPoP, ...loopback }
      const sent = await oauth.clientCredentialsGrantRequest(server, client, secret, asked, options)
      return oauth.processClientCredentialsResponse(server, client, sent)
    }
    // The library leaves it to its user to ask again with the nonce that it has kept.
    const again = async <Value>(ask: () => Promise<Value>): Promise<Value> =>
      ask().catch((error: unknown) => {
        assert.ok(nonce === 'required' && oauth.isDPoPNonceError(error), String(error))
        return ask()
      })
    const { access_token: token, token_type: type } = await again(grant)
    assert.equal(type, 'dpop')
    const read = (): Promise<Response> =>
      oauth.protectedResourceRequest(token, 'GET', new URL(orders), undefined, undefined, {
        DPoP,
        ...loopback,
      })
    assert.equal((await again(read)).status, 200)
    assert.equal(await statusWithout(orders, token), 401)
  })
}

test('oauth4webapi refreshes a bound session', async (t) => {
  const { issuer } = await start(t, 'off')
  const loopback = { [oauth.allowInsecureRequests]: true }
  const keys = await oauth.generateKeyPair('ES256')
  const session = await signIn(issuer, (url) => proofBy(keys, url))
  const where = new URL(issuer)
  const discovered = await oauth.discoveryRequest(where, { algorithm: 'oauth2', ...loopback })
  const server = await oauth.processDiscoveryResponse(where, discovered)
  const client: oauth.Client = { client_id: 'web' }
  const sent = await oauth.refreshTokenGrantRequest(
    server,
    client,
    oauth.None(),
    String(session['refresh_token']),
    { DPoP: oauth.DPoP(client, keys), ...loopback },
  )
  const fresh = await oauth.processRefreshTokenResponse(server, client, sent)
  assert.equal(fresh.token_type, 'dpop')
  assert.notEqual(fresh.refresh_token, session['refresh_token'])
})
