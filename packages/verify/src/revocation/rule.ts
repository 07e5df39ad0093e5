import type { AccessTokenClaims } from '@portcullis/protocol'
import type { FollowedLog } from './followed-log.ts'
import type { Freshness, Moment } from './freshness.ts'
import type { RevocableToken, RevocationTable } from './table.ts'

/** Why the revocation feed speaks against a token whose signature and claims are good. */
export type RevocationFault = 'malformed-claims' | 'revoked' | 'stale'

/** What is known about revocation at this moment, asked for every token. */
export interface RevocationRule {
  readonly moment: () => Moment
  /** True for a key that the issuer's last checkpoint does not list. */
  readonly isWithdrawn: (kid: string) => boolean
  readonly faultOf: (token: RevocableToken, moment: Moment) => RevocationFault | undefined
}

export interface RuleOptions {
  readonly table: RevocationTable
  readonly log: Pick<FollowedLog, 'checkpoint'>
  readonly freshness: Freshness
  readonly whenStale: 'refuse' | 'accept'
}

export function createRule({ table, log, freshness, whenStale }: RuleOptions): RevocationRule {
  return {
    moment: freshness.moment,
    isWithdrawn: (kid) => log.checkpoint()?.kids.includes(kid) === false || table.revokesKey(kid),
    faultOf: (token, moment) => {
      const { claims } = token
      if (!isComplete(claims)) return 'malformed-claims'
      if (table.revokes(token)) return 'revoked'
      if (whenStale === 'accept' || freshness.covers(claims.iat * 1000, moment)) return undefined
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
