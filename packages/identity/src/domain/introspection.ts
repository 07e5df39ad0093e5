import type { AccessTokenClaims } from '@portcullis/protocol'
import { issuedTo } from './actor-chain.ts'
import type { Client } from './clients.ts'
import type { IssuedTokenParts, ReadIssuedToken, Standing } from './issued-tokens.ts'
import { findStanding } from './issued-tokens.ts'
import type { RefreshPeppers } from './refresh-tokens.ts'
import { recogniseRefreshToken } from './refresh.ts'
import type { KnownSession } from './sessions.ts'
import { isLive } from './sessions.ts'

export interface IntrospectionParts extends IssuedTokenParts {
  readonly peppers: RefreshPeppers
  readonly readIssuedToken: ReadIssuedToken
}

export type Introspection =
  | { readonly kind: 'access-token'; readonly claims: AccessTokenClaims }
  | { readonly kind: 'refresh-token'; readonly session: KnownSession }
  /** Unknown, over, taken back, or none of this client's business: it is not told which. */
  | { readonly kind: 'inactive' }
  /** It would be active, by a store that has written nothing down for so long that it may have been left behind. */
  | { readonly kind: 'unvouched' }

const inactive: Introspection = { kind: 'inactive' }

/** As long as a service goes on without the feed unless it says otherwise: who asks here is not told more. */
const unvouchedMsMax = 30_000

/**
 * RFC 7662, by the store as it is now. A client sees the access tokens that were issued to it, and those for an
 * audience among its own; of refresh tokens the current one of a session of its own.
 */
export async function introspect(
  parts: IntrospectionParts,
  client: Client,
  text: string,
): Promise<Introspection> {
  const issued = await parts.readIssuedToken(text)
  if (issued === undefined) return introspectRefreshToken(parts, client, text)
  const { claims } = issued
  const isForClient = [claims.aud].flat().some((name) => client.audiences.includes(name))
  if (!isForClient && issuedTo(claims) !== client.id) return inactive
  const standing = await findStanding(parts, issued)
  if (standing === undefined) return inactive
  return isVouched(standing) ? { kind: 'access-token', claims } : { kind: 'unvouched' }
}

/**
 * A primary that was left behind alive reads on, of a world that is over. It writes nothing for good any more, and
 * one that is well writes a checkpoint every second.
 */
function isVouched({ readAt, vouchedAt }: Pick<Standing, 'readAt' | 'vouchedAt'>): boolean {
  return readAt - vouchedAt <= unvouchedMsMax
}

async function introspectRefreshToken(
  parts: IntrospectionParts,
  client: Client,
  text: string,
): Promise<Introspection> {
  const recognised = await recogniseRefreshToken(parts, text)
  if (recognised === undefined) return inactive
  const { session, counter } = recognised
  const isCurrent =
    counter === session.counter &&
    session.clientId === client.id &&
    session.client.mayRefresh &&
    isLive(session)
  if (!isCurrent) return inactive
  return isVouched(session) ? { kind: 'refresh-token', session } : { kind: 'unvouched' }
}
