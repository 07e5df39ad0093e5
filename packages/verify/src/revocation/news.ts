import { countKinds, visitRecords } from '@portcullis/protocol/revocations'
import type { SignedToken } from '../access-token.ts'
import type { JoinedEvent } from '../events/event-receiver.ts'
import type { VerifiedToken } from '../verified-token.ts'
import type { Warn } from '../warnings.ts'
import { warnOfThrown } from '../warnings.ts'
import type { AppliedBatch } from './followed-log.ts'
import type { RevocationTable } from './table.ts'
import { createRevocationTable } from './table.ts'

/** What was revoked just now. */
export interface NewRevocation {
  /**
   * True for a token that `verify` refuses because of this: it was revoked, or the key that signed it
   * was withdrawn. Takes what this verifier's `verify` has answered, and throws a TypeError for anything
   * else. When the news came with a snapshot, what was revoked earlier counts too.
   */
  readonly affects: (auth: VerifiedToken) => boolean
}

/** Whom news are for. */
export interface NewsOptions {
  readonly issuer: string
  readonly now: () => number
  readonly onRevoked: ((revocation: NewRevocation) => void) | undefined
  readonly warn: Warn
  /** Called when more is revoked than before, with the keys that are taken back. */
  readonly onApplied: (withdrawnKids: readonly string[]) => void
  /** What was verified here; throws a TypeError for anything else. */
  readonly signedTokenOf: (auth: VerifiedToken) => SignedToken
}

/** Tells the service what a batch of the feed has brought. */
export function tell(
  options: NewsOptions,
  { records, withdrawnKids }: AppliedBatch,
  whole: RevocationTable,
): void {
  if (records?.length === 0 && withdrawnKids.length === 0) return
  const { issuer } = options
  tellNews(options, withdrawnKids, () => (records === undefined ? whole : tableOf(issuer, records)))
}

/** Joins what an event has told, and tells the service where it is new. */
export function joinTold(options: NewsOptions, table: RevocationTable, event: JoinedEvent): void {
  if (!event(table)) return
  options.onApplied([])
  tellNews(options, [], () => {
    const news = createRevocationTable(options.issuer)
    event(news)
    return news
  })
}

function tellNews(
  { onRevoked, warn, signedTokenOf }: NewsOptions,
  withdrawnKids: readonly string[],
  newsOf: () => RevocationTable,
): void {
  if (onRevoked === undefined) return
  // A table costs more than the rest of a small frame, and few services ask.
  let asked: RevocationTable | undefined
  const affects = (auth: VerifiedToken): boolean => {
    const signed = signedTokenOf(auth)
    const news = (asked ??= newsOf())
    const { kid } = signed.key
    return withdrawnKids.includes(kid) || news.revokesKey(kid) || news.revokes(signed)
  }
  // Whatever the service does with it, the feed is followed on.
  const called = (async () => onRevoked({ affects }))()
  called.catch((error: unknown) => {
    warnOfThrown(warn, 'onRevoked', error)
  })
}

function tableOf(issuer: string, records: Buffer): RevocationTable {
  const table = createRevocationTable(issuer)
  table.expect(countKinds(records))
  visitRecords(records, table.join)
  return table
}
