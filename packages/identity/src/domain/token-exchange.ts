import type { AccessTokenClaims } from '@portcullis/protocol'
import { scopesOf } from '@portcullis/protocol'
import type { AccessToken, AccessTokenMinter, TokenGrant } from './access-tokens.ts'
import { mintAccessToken } from './access-tokens.ts'
import { withActor } from './actor-chain.ts'
import type { Client } from './clients.ts'
import type { IssuedTokenParts, ReadIssuedToken, Standing } from './issued-tokens.ts'
import { findStanding } from './issued-tokens.ts'
import type { ExamineProof, RefusedProof } from './proofs.ts'
import { noProof, refusalOfUse } from './proofs.ts'
import type { RefusedTarget, Registry, TokenTarget } from './registry.ts'
import {
  chooseTarget,
  claimsAtAudiences,
  narrowScopes,
  rolesAtAudiences,
  scopesOfClient,
  scopesOfRoles,
} from './registry.ts'

export interface TokenExchangeParts extends AccessTokenMinter, IssuedTokenParts {
  readonly registry: Registry
  readonly readIssuedToken: ReadIssuedToken
}

export interface TokenExchangeRequest {
  /** Who asks, authenticated. */
  readonly client: Client
  readonly subjectToken: string
  /** Named, never implied: otherwise one service's compromise would be that of all the others. */
  readonly audiences: readonly string[]
  readonly scopes?: readonly string[] | undefined
  /** Default: the request brings no proof along. */
  readonly examineProof?: ExamineProof
}

export type TokenExchangeOutcome =
  | { readonly kind: 'exchanged'; readonly token: AccessToken; readonly subject: AccessTokenClaims }
  | { readonly kind: 'refused'; readonly why: TokenExchangeRefusal; readonly detail?: string }

export type TokenExchangeRefusal =
  | 'grant-not-allowed'
  | 'bad-subject-token'
  | 'unknown-audience'
  | 'unknown-scope'
  | 'token-over-budget'
  | 'proof-required'
  | RefusedProof['why']

/**
 * RFC 8693: a service that was called with a token gets another one to call the next service with, on behalf of
 * the same person. Everything only narrows, and it ends with whatever the first token stood on.
 */
export async function exchangeToken(
  parts: TokenExchangeParts,
  { client, subjectToken, examineProof = noProof, ...requested }: TokenExchangeRequest,
): Promise<TokenExchangeOutcome> {
  if (client.isPublic || !client.grants.includes('token_exchange')) {
    return { kind: 'refused', why: 'grant-not-allowed' }
  }
  const issued = await parts.readIssuedToken(subjectToken)
  const standing = issued && (await findStanding(parts, issued))
  if (issued === undefined || standing === undefined) {
    return badSubject('the subject token is not valid, or not any more')
  }
  const proof = examineProof()
  if (proof.kind === 'refused') return proof
  const { key } = proof
  const { claims } = issued
  // The key of the subject is the caller's. Whoever acts proves one of their own, or nobody would have to.
  if (claims.cnf !== undefined && key === undefined) {
    return badSubject('the subject token is bound to a key: send a DPoP proof of your own')
  }
  const act = withActor(claims, client)
  if (act === undefined) return badSubject('too many act in the subject token already')

  const target = chooseNarrowed(parts.registry, { client, claims, standing }, requested)
  if (target.kind === 'refused') return target
  const vouchedAt = Math.min(client.vouchedAt, standing.vouchedAt)
  const grant = narrowedGrant(parts.registry, { claims, standing }, target.target, requested.scopes)
  const token = await mintAccessToken(
    parts,
    { ...grant, delegation: { subject: claims, act }, keyThumbprint: key?.thumbprint },
    vouchedAt,
  )
  if (token.kind === 'refused') return token
  return (await refusalOfUse(key)) ?? { kind: 'exchanged', token, subject: claims }
}

function badSubject(detail: string): TokenExchangeOutcome {
  return { kind: 'refused', why: 'bad-subject-token', detail }
}

interface Subject {
  readonly claims: AccessTokenClaims
  readonly standing: Standing
}

/** Those that the token is for, that its holder may have still, and that the client may ask for. */
function chooseNarrowed(
  registry: Registry,
  { client, claims, standing }: Subject & { readonly client: Client },
  requested: Pick<TokenExchangeRequest, 'audiences' | 'scopes'>,
): { readonly kind: 'target'; readonly target: TokenTarget } | RefusedTarget {
  const holder = (standing.session ?? standing.client)?.audiences ?? []
  const allowed = [claims.aud]
    .flat()
    .filter((name) => holder.includes(name) && client.audiences.includes(name))
    // Identity acts on people's accounts, so it wants to be asked by themselves.
    .filter((name) => name !== registry.issuer)
  if (requested.audiences.some((name) => !allowed.includes(name))) {
    const detail = 'ask for audiences of the subject token that this client may ask for'
    return { kind: 'refused', why: 'unknown-audience', detail }
  }
  return chooseTarget(registry, { audiences: allowed }, requested)
}

/** What the token allowed there, as far as its holder may do that now. */
function narrowedGrant(
  registry: Registry,
  { claims, standing: { session, client } }: Subject,
  target: TokenTarget,
  requested: readonly string[] | undefined,
): TokenGrant {
  const { audiences } = target
  const roles = session?.account.roles ?? []
  const granted =
    client === undefined
      ? narrowScopes(scopesOfRoles(registry, roles, audiences), session?.scopes)
      : scopesOfClient(registry, client, audiences)
  return {
    target,
    subject: claims.sub,
    clientId: claims.client_id,
    clientGeneration: claims.cgen ?? 0,
    scopes: narrowScopes(narrowScopes(granted, scopesOf(claims)), requested),
    roles: rolesAtAudiences(registry, roles, audiences).filter((role) =>
      claims.roles?.includes(role),
    ),
    ownClaims: claimsAtAudiences(registry, session?.account.attributes ?? {}, audiences),
    ...(session === undefined ? {} : { session: { ...session, generation: claims.gen ?? 0 } }),
  }
}
