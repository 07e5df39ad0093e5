import type { AccessToken, AccessTokenMinter, TokenGrant } from './access-tokens.ts'
import { mintAccessToken } from './access-tokens.ts'
import type { Account, AccountStore } from './accounts.ts'
import { parseIdentifier } from './accounts.ts'
import type { Client, ClientStore } from './clients.ts'
import type { PasswordHasher } from './passwords.ts'
import { normalisePassword } from './passwords.ts'
import { randomIdentifier, randomSecret } from './random.ts'
import type { RefreshPeppers } from './refresh-tokens.ts'
import { deriveRefreshToken } from './refresh-tokens.ts'
import type { Registry, RequestedAccess, TokenTarget } from './registry.ts'
import {
  chooseTarget,
  defaultClientName,
  narrowScopes,
  rolesAtAudiences,
  scopesOfRoles,
} from './registry.ts'
import type { Session, SessionStore } from './sessions.ts'
import { idleSecondsMax, sessionSecondsMax } from './sessions.ts'

export interface LoginParts extends AccessTokenMinter {
  readonly registry: Registry
  readonly accounts: AccountStore
  readonly clients: ClientStore
  readonly sessions: SessionStore
  readonly passwords: PasswordHasher
  readonly peppers: RefreshPeppers
  /** A hash that no password has, made with the hasher's present parameters. */
  readonly unmatchablePasswordHash: string
  /** The store's clock, in milliseconds. */
  readonly now: () => number
}

export interface LoginRequest extends RequestedAccess {
  readonly identifier: string
  readonly password: string
  readonly clientId?: string | undefined
}

export type LoginOutcome =
  | {
      readonly kind: 'signed-in'
      readonly token: AccessToken
      /** Absent when the client may not refresh. */
      readonly refresh?: { readonly token: string; readonly expiresInSeconds: number }
      readonly session: Session
    }
  | { readonly kind: 'refused'; readonly why: LoginRefusal; readonly detail?: string }
  | { readonly kind: 'busy'; readonly retryAfterSeconds: number }

export type LoginRefusal =
  'bad-credentials' | 'unknown-client' | 'unknown-audience' | 'unknown-scope' | 'token-over-budget'

/** Checks a person's credentials and opens a session with its first access token. */
export async function login(parts: LoginParts, request: LoginRequest): Promise<LoginOutcome> {
  // Before the client and the account are read: see mintAccessToken.
  const readAt = parts.now()
  const client = await parts.clients.find(request.clientId ?? defaultClientName)
  if (client === undefined || !client.isPublic || !client.grants.includes('login')) {
    return { kind: 'refused', why: 'unknown-client' }
  }
  const chosen = chooseTarget(parts.registry, client, request)
  if (chosen.kind === 'refused') return chosen

  const identified = parseIdentifier(request.identifier)
  const account =
    identified.kind === 'identifier'
      ? await parts.accounts.findByIdentifier(identified.identifier)
      : undefined
  // An unknown account costs one hash as well: neither the answer nor its time tells who exists.
  const check = await parts.passwords.verify(
    account?.passwordHash ?? parts.unmatchablePasswordHash,
    normalisePassword(request.password),
  )
  if (check.kind === 'busy') return check
  if (account === undefined || check.kind === 'mismatch') {
    return { kind: 'refused', why: 'bad-credentials' }
  }

  const session = newSession(parts, { account, client, target: chosen.target }, request, readAt)
  const token = mintAccessToken(
    parts,
    tokenGrantOf(parts.registry, { account, client, session, target: chosen.target }, request),
    readAt,
  )
  if (token.kind === 'refused') return token
  await parts.sessions.insert(session)
  if (!client.grants.includes('refresh_token')) return { kind: 'signed-in', token, session }
  const source = { sessionId: session.id, seed: session.seed }
  const refresh = {
    token: deriveRefreshToken(parts.peppers[0], source, 0),
    expiresInSeconds: Math.floor((session.idleExpiresAt - readAt) / 1000),
  }
  return { kind: 'signed-in', token, refresh, session }
}

function newSession(
  parts: LoginParts,
  { account, client, target }: Omit<Grantee, 'session'>,
  requested: RequestedAccess,
  readAt: number,
): Session {
  return {
    id: randomIdentifier(parts.randomBytes),
    accountId: account.id,
    clientId: client.id,
    audiences: [...new Set([...target.audiences, parts.registry.issuer])],
    scopes: requested.scopes,
    generation: account.generation,
    seed: randomSecret(parts.randomBytes),
    authenticatedAt: readAt,
    idleExpiresAt: readAt + idleSecondsMax * 1000,
    expiresAt: readAt + sessionSecondsMax * 1000,
  }
}

interface Grantee {
  readonly account: Account
  readonly client: Client
  readonly session: Session
  readonly target: TokenTarget
}

function tokenGrantOf(
  registry: Registry,
  { account, client, session, target }: Grantee,
  requested: RequestedAccess,
): TokenGrant {
  const granted = scopesOfRoles(registry, account.roles, target.audiences)
  return {
    target,
    subject: account.id,
    clientId: client.id,
    clientGeneration: client.generation,
    scopes: narrowScopes(granted, requested.scopes),
    roles: rolesAtAudiences(registry, account.roles, target.audiences),
    session,
  }
}
