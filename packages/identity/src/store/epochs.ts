import { fingerprintOf, firstChain } from '@portcullis/protocol/revocations'
import { integer, text } from './columns.ts'
import type { Database, Query, Row } from './database.ts'
import type { HighWater, HighWaterFile } from './high-water.ts'
import { appendRecord, fingerprintOfText } from './revocations.ts'

export interface EpochOptions {
  readonly issuer: string
  readonly highWater: HighWaterFile
  readonly now: number
  /** 128 random bits, base64url: taken when an epoch must begin. */
  readonly newEpoch: string
  /** The longest that an access token may live by the present settings. */
  readonly accessTokenSecondsMax: number
}

export type OpenedEpoch =
  | { readonly kind: 'first' | 'continued' }
  /** History may have been lost: every session and every token from before is void. */
  | { readonly kind: 'renewed'; readonly why: string }

/** Far above any generation that is counted up one by one. */
const baseStep = 2 ** 32
/** By the clock as well: a mark and a database that are both gone tell nothing of the bases they had. */
const basePerSecond = 2 ** 20
/** Followers believe no checkpoint that is further ahead than a few seconds, and nor do we. */
const aheadMsMax = 60_000

/**
 * Makes sure that the revocation log can be gone on with, before anything is minted: a store that was
 * put back to an earlier state has forgotten revocations that were acknowledged, so a new epoch
 * begins in which all that was minted before is refused (protocol, section 5).
 */
export async function openEpoch(database: Database, options: EpochOptions): Promise<OpenedEpoch> {
  const mark = options.highWater.read()
  const opened = await database.transaction((query): OpenedEpoch => {
    // A ratchet: what was minted under a longer lifetime is still out there.
    query(
      'UPDATE revocation_head SET access_token_seconds_max = max(access_token_seconds_max, $1)',
      [options.accessTokenSecondsMax],
    )
    const [row] = query('SELECT epoch, base, seq, at FROM revocation_head')
    if (row === undefined) {
      insertFirstHead(query, options)
      // Without a log nothing was ever revoked, unless a mark says otherwise.
      if (mark === undefined) return { kind: 'first' }
      return renew(query, options, mark.base, 'the database is new and its mark is not')
    }
    const loss = lossBetween(mark, markOf(row)) ?? clockFault(markOf(row), options.now)
    return loss === undefined
      ? { kind: 'continued' }
      : renew(query, options, Math.max(mark?.base ?? 0, integer(row, 'base')), loss)
  })
  const [row] = await database.query('SELECT epoch, base, seq, at FROM revocation_head')
  if (row !== undefined) options.highWater.write(markOf(row))
  return opened
}

function markOf(row: Row): HighWater {
  return {
    epoch: text(row, 'epoch'),
    base: integer(row, 'base'),
    seq: integer(row, 'seq'),
    at: integer(row, 'at'),
  }
}

function lossBetween(mark: HighWater | undefined, head: HighWater): string | undefined {
  if (mark === undefined) return 'the mark beside the database is missing'
  if (mark.epoch !== head.epoch) return 'the mark is of another epoch'
  return mark.seq > head.seq || mark.at > head.at
    ? 'the database is older than its mark'
    : undefined
}

/**
 * The log's time never goes back within an epoch, so a clock that once was far ahead would keep every
 * follower from believing it until that time has come.
 */
function clockFault({ at }: HighWater, now: number): string | undefined {
  return at > now + aheadMsMax ? 'the log is from the future: the clock was wrong' : undefined
}

function insertFirstHead(query: Query, options: EpochOptions): void {
  query(
    `INSERT INTO revocation_head (id, epoch, base, seq, chain, at, kids, access_token_seconds_max)
     VALUES (1, $1, 0, 0, $2, $3, '[]', $4)`,
    [options.newEpoch, firstChain(options.newEpoch), options.now, options.accessTokenSecondsMax],
  )
}

function renew(
  query: Query,
  { newEpoch, issuer, now }: EpochOptions,
  highestBase: number,
  why: string,
): OpenedEpoch {
  const base = Math.max(highestBase + baseStep, Math.floor(now / 1000) * basePerSecond)
  query('UPDATE sessions SET ended_at = $1 WHERE ended_at IS NULL', [now])
  // The record for all covers every record of the epochs before, except that of a withdrawn key: its
  // thief chooses generations as he likes.
  const keys = query("DELETE FROM revocations WHERE kind = 'key' RETURNING fingerprint")
  query('DELETE FROM revocations')
  query('UPDATE revocation_head SET epoch = $1, base = $2, seq = 0, chain = $3, at = $4', [
    newEpoch,
    base,
    firstChain(newEpoch),
    now,
  ])
  const all = fingerprintOf(issuer, 'all', '')
  appendRecord(query, { kind: 'all', fingerprint: all, floor: base }, now)
  for (const row of keys) {
    const fingerprint = fingerprintOfText(text(row, 'fingerprint'))
    appendRecord(query, { kind: 'key', fingerprint, floor: 0 }, now)
  }
  return { kind: 'renewed', why }
}
