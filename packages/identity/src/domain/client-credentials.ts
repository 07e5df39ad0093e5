import type { AccessToken, AccessTokenMinter } from './access-tokens.ts'
import { mintAccessToken } from './access-tokens.ts'
import type { ClientCredential, ClientStore } from './clients.ts'
import { authenticateClient } from './clients.ts'
import type { Registry, RequestedAccess } from './registry.ts'
import { chooseTarget, narrowScopes, scopesOfClient } from './registry.ts'

export interface ClientCredentialsParts extends AccessTokenMinter {
  readonly registry: Registry
  readonly clients: ClientStore
}

export interface ClientCredentialsRequest extends RequestedAccess {
  readonly credential: ClientCredential
}

export type ClientCredentialsOutcome =
  | AccessToken
  | { readonly kind: 'refused'; readonly why: ClientCredentialsRefusal; readonly detail?: string }

export type ClientCredentialsRefusal =
  'bad-client' | 'grant-not-allowed' | 'unknown-audience' | 'unknown-scope' | 'token-over-budget'

/** RFC 6749 section 4.4: a machine client gets a token that speaks for nobody but itself. */
export async function grantClientCredentials(
  parts: ClientCredentialsParts,
  request: ClientCredentialsRequest,
): Promise<ClientCredentialsOutcome> {
  const client = await authenticateClient(parts.clients, request.credential)
  if (client === undefined) return { kind: 'refused', why: 'bad-client' }
  if (!client.grants.includes('client_credentials')) {
    return { kind: 'refused', why: 'grant-not-allowed' }
  }
  const chosen = chooseTarget(parts.registry, client, request)
  if (chosen.kind === 'refused') return chosen
  const granted = scopesOfClient(parts.registry, client, chosen.target.audiences)
  return mintAccessToken(
    parts,
    {
      target: chosen.target,
      subject: client.id,
      clientId: client.id,
      clientGeneration: client.generation,
      scopes: narrowScopes(granted, request.scopes),
      roles: [],
    },
    client.readAt,
  )
}
