import type { AccessTokenClaims } from '@portcullis/protocol'
import type { Freshness, Moment } from './freshness.ts'
import type { LiveKids } from './live-kids.ts'
import { isSameList } from './live-kids.ts'
import type { RevocableToken, RevocationTable } from './table.ts'

/** Why the revocation feed speaks against a token whose signature and claims are good. */
export type RevocationFault = 'malformed-claims' | 'revoked' | 'stale'

/** What is known about revocation at this moment, asked for every token. */
export interface RevocationRule {
  readonly moment: () => Moment
  /** Grows whenever something becomes known that may take a token back, or a key. */
  readonly version: () => number
  /** True for a key that has a record, or does not live by the last that the issuer has said. */
  readonly isWithdrawn: (kid: string) => boolean
  /** False for a token that lacks what revocation goes by. */
  readonly isComplete: (claims: AccessTokenClaims) => boolean
  readonly isRevoked: (token: RevocableToken) => boolean
  /** True for a token that nobody has vouched for since it was minted too long ago. */
  readonly isStale: (mintedAtMs: number, moment: Moment) => boolean
  /** The same for who wants it fresher than the verifier, whatever it does when stale. */
  readonly isOlderThan: (maxAgeMs: number, mintedAtMs: number, moment: Moment) => boolean
}

export interface RuleOptions {
  readonly table: RevocationTable
  readonly liveKids: Pick<LiveKids, 'kids'>
  readonly freshness: Freshness
  readonly whenStale: 'refuse' | 'accept'
}

export function createRule({ table, liveKids, freshness, whenStale }: RuleOptions): RevocationRule {
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
      const listed = liveKids.kids()
      if (listed !== kids) noteKeys(listed)
      return table.changes() + keyChanges
    },
    isWithdrawn: (kid) => liveKids.kids()?.includes(kid) === false || table.revokesKey(kid),
    isComplete,
    isRevoked: table.revokes,
    isStale: (mintedAtMs, moment) =>
      whenStale === 'refuse' && !freshness.covers(mintedAtMs, moment),
    isOlderThan: (maxAgeMs, mintedAtMs, moment) => !freshness.covers(mintedAtMs, moment, maxAgeMs),
  }
}

/** A token of ours names its client's generation, and a person's its session and generation too. */
function isComplete({ sub, client_id: clientId, sid, gen, cgen }: AccessTokenClaims): boolean {
  if (cgen === undefined || (sid === undefined) !== (gen === undefined)) return false
  // Only a machine acts without a session, and it acts for itself.
  return sid !== undefined || sub === clientId
}
