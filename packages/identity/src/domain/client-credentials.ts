import type { AccessToken, AccessTokenMinter } from './access-tokens.ts'
import { mintAccessToken } from './access-tokens.ts'
import type { Client } from './clients.ts'
import type { ExamineProof, RefusedProof } from './proofs.ts'
import { noProof, refusalOfUse } from './proofs.ts'
import type { Registry, RequestedAccess } from './registry.ts'
import { chooseTarget, narrowScopes, scopesOfClient } from './registry.ts'
import type { Notice } from './anomalies/sightings.ts'

export interface ClientCredentialsParts extends AccessTokenMinter {
  readonly registry: Registry
  readonly notice?: Notice
}

export interface ClientCredentialsRequest extends RequestedAccess {
  /** Authenticated. */
  readonly client: Client
  /** Default: the request brings no proof along. */
  readonly examineProof?: ExamineProof
}

export type ClientCredentialsOutcome =
  | AccessToken
  | { readonly kind: 'refused'; readonly why: ClientCredentialsRefusal; readonly detail?: string }

export type ClientCredentialsRefusal =
  | 'grant-not-allowed'
  | 'unknown-audience'
  | 'unknown-scope'
  | 'token-over-budget'
  | 'proof-required'
  | RefusedProof['why']

/** RFC 6749 section 4.4: a machine client gets a token that speaks for nobody but itself. */
export async function grantClientCredentials(
  parts: ClientCredentialsParts,
  request: ClientCredentialsRequest,
): Promise<ClientCredentialsOutcome> {
  const { client } = request
  if (!client.grants.includes('client_credentials')) {
    return { kind: 'refused', why: 'grant-not-allowed' }
  }
  const proof = (request.examineProof ?? noProof)()
  if (proof.kind === 'refused') return proof
  const { key } = proof
  const chosen = chooseTarget(parts.registry, client, request)
  if (chosen.kind === 'refused') return chosen
  const granted = scopesOfClient(parts.registry, client, chosen.target.audiences)
  const token = await mintAccessToken(
    parts,
    {
      target: chosen.target,
      subject: client.id,
      clientId: client.id,
      clientGeneration: client.generation,
      scopes: narrowScopes(granted, request.scopes),
      roles: [],
      keyThumbprint: key?.thumbprint,
    },
    client.vouchedAt,
  )
  const outcome = token.kind === 'refused' ? token : ((await refusalOfUse(key)) ?? token)
  if (outcome.kind !== 'refused')
    parts.notice?.({ kind: 'tokens-issued', clientId: client.id, times: 1 })
  return outcome
}
