import type { AccessTokenMinter, MintedToken } from './access-tokens.ts'
import { mintAccessToken } from './access-tokens.ts'
import type { RefusedTarget, Registry, RequestedAccess } from './registry.ts'
import {
  chooseTarget,
  claimsAtAudiences,
  narrowScopes,
  rolesAtAudiences,
  scopesOfRoles,
} from './registry.ts'
import type { KnownSession } from './sessions.ts'

export interface SessionTokenParts extends AccessTokenMinter {
  readonly registry: Registry
}

/** Why a session gets no token: what was asked for cannot be had. */
export type SessionTokenRefusal =
  'unknown-audience' | 'unknown-scope' | 'token-over-budget' | 'proof-required'

export interface SessionTokenRequest extends RequestedAccess {
  /** The key that the sender has proved; that of the session, where it is bound to one. */
  readonly keyThumbprint?: string | undefined
}

/**
 * Mints an access token of a session: for those of its audiences that are asked for, with what the
 * account's roles grant there at the moment, and never more than the login asked for (RFC 6749
 * section 6). It is bound to the key of the session, or else to the one that was proved for it alone.
 * Does NOT ask whether the sender holds the key of the session.
 */
export async function mintForSession(
  parts: SessionTokenParts,
  session: KnownSession,
  requested: SessionTokenRequest,
): Promise<MintedToken | RefusedTarget> {
  const { registry } = parts
  const { account, client } = session
  const allowed = {
    audiences: session.audiences.filter((name) => name !== registry.issuer),
    stillOpen: client.audiences,
  }
  const chosen = chooseTarget(registry, allowed, requested)
  if (chosen.kind === 'refused') return chosen
  const { audiences } = chosen.target
  const granted = narrowScopes(scopesOfRoles(registry, account.roles, audiences), session.scopes)
  return mintAccessToken(
    parts,
    {
      target: chosen.target,
      subject: session.accountId,
      clientId: session.clientId,
      clientGeneration: client.generation,
      scopes: narrowScopes(granted, requested.scopes),
      roles: rolesAtAudiences(registry, account.roles, audiences),
      ownClaims: claimsAtAudiences(registry, account.attributes, audiences),
      session: {
        ...session,
        // The token vouches for the account as it is now, not as it was at login.
        generation: account.generation,
        authenticatedAt: session.reauthenticatedAt ?? session.authenticatedAt,
      },
      keyThumbprint: session.keyThumbprint ?? requested.keyThumbprint,
    },
    session.readAt,
  )
}
