import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import process from 'node:process'
import { parseArgs } from 'node:util'
import type { Client } from 'oidc-provider'
import { Provider } from 'oidc-provider'
import type { ServedAlgorithm } from './identity-server.ts'
import type { StorageName } from './oidc-provider-adapters.ts'
import { storages } from './oidc-provider-adapters.ts'
import { machine, peerAudience, tokensName } from './oidc-provider-server.ts'

/**
 * node-oidc-provider as it is set up for the same work: refresh tokens that rotate, for a public client,
 * and access tokens of 15 minutes that are `at+jwt` for one resource. Makes so many sessions through its
 * own models and writes their refresh tokens to a file before it listens.
 */
const { positionals } = parseArgs({ allowPositionals: true })
const [algorithm, storageName, port, sessions] = positionals
const storage = storages[storageName as StorageName]('oidc-provider.db')
const scope = 'orders:read orders:write'
const accessTokenSeconds = 900
const refreshTokenSeconds = 14 * 24 * 3600

const provider = new Provider(`http://127.0.0.1:${port}`, {
  adapter: storage.adapter,
  clients: [
    {
      client_id: 'web',
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      redirect_uris: ['https://app.example/signed-in'],
    },
    {
      client_id: machine.clientId,
      client_secret: machine.clientSecret,
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
    },
  ],
  cookies: { keys: ['the routes that set cookies are not measured'] },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => peerAudience,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope,
        audience: peerAudience,
        accessTokenTTL: accessTokenSeconds,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: algorithm as ServedAlgorithm } },
      }),
    },
  },
  findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  jwks: { keys: [newKey('RS256'), newKey('ES256')] },
  rotateRefreshToken: true,
  scopes: ['openid', 'offline_access', ...scope.split(' ')],
  ttl: {
    AccessToken: accessTokenSeconds,
    ClientCredentials: accessTokenSeconds,
    Grant: refreshTokenSeconds,
    RefreshToken: refreshTokenSeconds,
  },
})

const web = await provider.Client.find('web')
if (web === undefined) throw new Error('the client is not there')
const tokens: string[] = []
await storage.filling(async () => {
  while (tokens.length < Number(sessions)) tokens.push(await openSession(web, tokens.length + 1))
})
writeFileSync(tokensName, tokens.join('\n'))
provider.listen(Number(port), '127.0.0.1')
process.on('SIGTERM', () => process.exit(0))

async function openSession(client: Client, number: number): Promise<string> {
  const accountId = `person-${number}`
  const grant = new provider.Grant({ accountId, clientId: client.clientId })
  grant.addResourceScope(peerAudience, scope)
  const token = new provider.RefreshToken({
    accountId,
    client,
    grantId: await grant.save(),
    gty: 'authorization_code',
    resource: peerAudience,
    scope,
  })
  return token.save()
}

function newKey(alg: ServedAlgorithm): object {
  const { privateKey } =
    alg === 'RS256'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { ...privateKey.export({ format: 'jwk' }), alg, use: 'sig', kid: alg }
}
