import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import * as jose from 'jose'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { startLoneIssuer } from './lone-issuer.ts'

/*
 * `private_key_jwt` (RFC 7523) with what others wrote, as it comes from npm. Nothing is set but where the issuer
 * is, who asks and by which key, and that plain http is meant: it is on loopback.
 */
const { issuer, makeClient, stop } = await startLoneIssuer()
after(stop)

const insecure = { [oauth.allowInsecureRequests]: true }

for (const algorithm of ['ES256', 'PS256', 'RS256', 'Ed25519'] as const) {
  // ASVS 10.4.10, RFC 9700 O14.
  test(`openid-client authenticates by a key of its own: ${algorithm}`, async () => {
    const { clientId, privateKey, kid } = await newSigner(`openid-${algorithm}`, algorithm)
    const discover = (key: CryptoKey): Promise<openid.Configuration> =>
      openid.discovery(new URL(issuer), clientId, undefined, openid.PrivateKeyJwt({ key, kid }), {
        algorithm: 'oauth2',
        execute: [openid.allowInsecureRequests],
      })
    const config = await discover(privateKey)
    const { access_token: token } = await openid.clientCredentialsGrant(config)
    assert.equal(jose.decodeJwt(token)['client_id'], clientId)
    assert.equal((await openid.tokenIntrospection(config, token)).active, true)
    await openid.tokenRevocation(config, token)
    assert.deepEqual(await openid.tokenIntrospection(config, token), { active: false })
    const forged = await discover((await jose.generateKeyPair(algorithm)).privateKey)
    await assert.rejects(openid.clientCredentialsGrant(forged), { status: 401 })
  })

  test(`oauth4webapi authenticates by a key of its own: ${algorithm}`, async () => {
    const { clientId, privateKey, kid } = await newSigner(`oauth-${algorithm}`, algorithm)
    const where = new URL(issuer)
    const found = await oauth.discoveryRequest(where, { algorithm: 'oauth2', ...insecure })
    const server = await oauth.processDiscoveryResponse(where, found)
    assert.ok(server.token_endpoint_auth_signing_alg_values_supported?.includes(algorithm))
    const client = { client_id: clientId }
    const grant = async (key: CryptoKey): Promise<string> => {
      const by = oauth.PrivateKeyJwt({ key, kid })
      const sent = await oauth.clientCredentialsGrantRequest(server, client, by, {}, insecure)
      return (await oauth.processClientCredentialsResponse(server, client, sent)).access_token
    }
    assert.equal(jose.decodeJwt(await grant(privateKey))['client_id'], clientId)
    const { privateKey: another } = await jose.generateKeyPair(algorithm)
    await assert.rejects(grant(another), { status: 401 })
  })
}

interface Signer {
  readonly clientId: string
  readonly privateKey: CryptoKey
  readonly kid: string
}

/** A client with the public half of a key that has just been made. */
async function newSigner(name: string, alg: string): Promise<Signer> {
  const { privateKey, publicKey } = await jose.generateKeyPair(alg)
  const jwk = await jose.exportJWK(publicKey)
  const kid = await jose.calculateJwkThumbprint(jwk)
  const clientId = await makeClient({
    name,
    grants: ['client_credentials'],
    audiences: ['orders'],
    scopes: ['orders:read'],
    jwks: { keys: [{ ...jwk, alg, kid }] },
  })
  return { clientId, privateKey, kid }
}
