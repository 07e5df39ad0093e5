import type { AccessTokenClaims } from '@portcullis/protocol'
import type { FollowedLog } from './followed-log.ts'
import type { Freshness } from './freshness.ts'
import type { RevocationTable } from './table.ts'

/** Why the revocation feed speaks against a token whose signature and claims are good. */
export type RevocationFault = 'malformed-claims' | 'revoked' | 'stale'

/** What is known about revocation at this moment, asked for every token. */
export interface RevocationRule {
  /** Milliseconds since 1970, by which expiry is judged. */
  readonly now: () => number
  /** True for a key that the issuer's last checkpoint does not list. */
  readonly isWithdrawn: (kid: string) => boolean
  readonly faultOf: (claims: AccessTokenClaims) => RevocationFault | undefined
}

export interface RuleOptions {
  readonly table: RevocationTable
  readonly log: Pick<FollowedLog, 'checkpoint'>
  readonly freshness: Freshness
  readonly whenStale: 'refuse' | 'accept'
}

export function createRule({ table, log, freshness, whenStale }: RuleOptions): RevocationRule {
  return {
    now: freshness.now,
    isWithdrawn: (kid) => log.checkpoint()?.kids.includes(kid) === false || table.revokesKey(kid),
    faultOf: (claims) => {
      if (!isComplete(claims)) return 'malformed-claims'
      if (table.revokes(claims)) return 'revoked'
      if (whenStale === 'accept' || freshness.covers(claims.iat * 1000)) return undefined
      return 'stale'
    },
  }
}

/** A token of ours names its client's generation, and a person's its session and generation too. */
function isComplete({ sub, client_id: clientId, sid, gen, cgen }: AccessTokenClaims): boolean {
  if (cgen === undefined || (sid === undefined) !== (gen === undefined)) return false
  // Only a machine acts without a session, and it acts for itself.
  return sid !== undefined || sub === clientId
}
