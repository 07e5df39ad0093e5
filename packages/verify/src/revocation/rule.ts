import type { AccessTokenClaims } from '@portcullis/protocol'
import type { FollowedLog } from './followed-log.ts'
import type { Freshness, Moment } from './freshness.ts'
import type { RevocableToken, RevocationTable } from './table.ts'

/** Why the revocation feed speaks against a token whose signature and claims are good. */
export type RevocationFault = 'malformed-claims' | 'revoked' | 'stale'

/** What is known about revocation at this moment, asked for every token. */
export interface RevocationRule {
  readonly moment: () => Moment
  /** Grows whenever something becomes known that may take a token back, or a key. */
  readonly version: () => number
  /** True for a key that the issuer's last checkpoint does not list. */
  readonly isWithdrawn: (kid: string) => boolean
  /** False for a token that lacks what revocation goes by. */
  readonly isComplete: (claims: AccessTokenClaims) => boolean
  readonly isRevoked: (token: RevocableToken) => boolean
  /** True for a token that nobody has vouched for since it was minted too long ago. */
  readonly isStale: (mintedAtMs: number, moment: Moment) => boolean
}

export interface RuleOptions {
  readonly table: RevocationTable
  readonly log: Pick<FollowedLog, 'checkpoint'>
  readonly freshness: Freshness
  readonly whenStale: 'refuse' | 'accept'
}

export function createRule({ table, log, freshness, whenStale }: RuleOptions): RevocationRule {
  let kids: readonly string[] | undefined
  let keyChanges = 0

  /** Every checkpoint lists the keys again, mostly the same. */
  function noteKeys(listed: readonly string[] | undefined): void {
    if (!isSameList(listed, kids)) keyChanges += 1
    kids = listed
  }

  return {
    moment: freshness.moment,
    version: () => {
      const listed = log.checkpoint()?.kids
      if (listed !== kids) noteKeys(listed)
      return table.changes() + keyChanges
    },
    isWithdrawn: (kid) => log.checkpoint()?.kids.includes(kid) === false || table.revokesKey(kid),
    isComplete,
    isRevoked: table.revokes,
    isStale: (mintedAtMs, moment) =>
      whenStale === 'refuse' && !freshness.covers(mintedAtMs, moment),
  }
}

/** One by one: a kid may hold any character, so no joined text tells two lists apart. */
function isSameList(
  some: readonly string[] | undefined,
  others: readonly string[] | undefined,
): boolean {
  // No list withdraws nothing, and an empty one everything.
  if (some === undefined || others === undefined) return some === others
  return some.length === others.length && some.every((kid, at) => kid === others[at])
}

/** A token of ours names its client's generation, and a person's its session and generation too. */
function isComplete({ sub, client_id: clientId, sid, gen, cgen }: AccessTokenClaims): boolean {
  if (cgen === undefined || (sid === undefined) !== (gen === undefined)) return false
  // Only a machine acts without a session, and it acts for itself.
  return sid !== undefined || sub === clientId
}
