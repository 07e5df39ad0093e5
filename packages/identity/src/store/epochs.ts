import { fingerprintOf, firstChain } from '@portcullis/protocol/revocations'
import { integer, optionalText, text } from './columns.ts'
import type { Database, Query, Row } from './database.ts'
import type { HighWater, HighWaterMark } from './high-water.ts'
import { appendRecord, fingerprintOfText, readClock } from './revocations.ts'

export interface EpochOptions {
  readonly issuer: string
  /** Where a put-back store cannot be told by `lineage`. */
  readonly highWater: HighWater | undefined
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

const selectMark = 'SELECT epoch, base, seq, at, lineage FROM revocation_head'

/**
 * Makes sure that the revocation log can be gone on with, before anything is minted: a store that was
 * put back to an earlier state has forgotten revocations that were acknowledged, so a new epoch
 * begins in which all that was minted before is refused (protocol, section 5).
 */
export async function openEpoch(database: Database, options: EpochOptions): Promise<OpenedEpoch> {
  const { highWater, accessTokenSecondsMax } = options
  const mark = highWater?.read()
  const lineage = await database.lineage()
  const opened = await database.exclusive(async (query): Promise<OpenedEpoch> => {
    const moment = { ...options, now: await readClock(query) }
    // A ratchet: what was minted under a longer lifetime is still out there.
    const [row] = await query(
      `UPDATE revocation_head SET access_token_seconds_max = greatest(access_token_seconds_max, $1)
       RETURNING epoch, base, seq, at, lineage`,
      [accessTokenSecondsMax],
    )
    if (row === undefined) await insertFirstHead(query, moment)
    // Kept while it cannot be told.
    await query('UPDATE revocation_head SET lineage = coalesce($1, lineage)', [lineage ?? null])
    // Without a log nothing was ever revoked, unless a mark says otherwise.
    if (row === undefined && mark === undefined) return { kind: 'first' }
    if (row === undefined) {
      return renew(query, moment, mark?.base ?? 0, 'the database is new and its mark is not')
    }
    const loss =
      (highWater === undefined ? undefined : lossBetween(mark, markOf(row))) ??
      lineageFault(optionalText(row, 'lineage'), lineage) ??
      clockFault(markOf(row), moment.now)
    return loss === undefined
      ? { kind: 'continued' }
      : renew(query, moment, Math.max(mark?.base ?? 0, integer(row, 'base')), loss)
  })
  const [row] = await database.read(selectMark)
  if (row !== undefined) await highWater?.raise(markOf(row))
  return opened
}

/**
 * Puts everything that was minted before below the floor that is answered. In the same epoch, since nothing is
 * lost. It locks the head of the log, so only its record may follow.
 */
export async function raiseBase(query: Query): Promise<number> {
  const [row] = await query('UPDATE revocation_head SET base = base + $1 RETURNING base', [
    baseStep,
  ])
  if (row === undefined) throw new TypeError('no epoch was opened in this store')
  return integer(row, 'base')
}

/** A server that was promoted, or a copy on another one, may lack the last commits of the one before. */
function lineageFault(known: string | undefined, present: string | undefined): string | undefined {
  return known === undefined || present === undefined || known === present
    ? undefined
    : 'the database goes on somewhere else than before: a failover, or a copy'
}

function markOf(row: Row): HighWaterMark {
  return {
    epoch: text(row, 'epoch'),
    base: integer(row, 'base'),
    seq: integer(row, 'seq'),
    at: integer(row, 'at'),
  }
}

function lossBetween(mark: HighWaterMark | undefined, head: HighWaterMark): string | undefined {
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
function clockFault({ at }: HighWaterMark, now: number): string | undefined {
  return at > now + aheadMsMax ? 'the log is from the future: the clock was wrong' : undefined
}

interface EpochMoment extends EpochOptions {
  /** The store's clock, milliseconds since 1970. */
  readonly now: number
}

async function insertFirstHead(query: Query, moment: EpochMoment): Promise<void> {
  const { newEpoch, accessTokenSecondsMax, now } = moment
  await query(
    `INSERT INTO revocation_head (id, epoch, base, seq, chain, at, kids, access_token_seconds_max)
     VALUES (1, $1, 0, 0, $2, $3, '[]', $4)`,
    [newEpoch, firstChain(newEpoch), now, accessTokenSecondsMax],
  )
}

async function renew(
  query: Query,
  { newEpoch, issuer, now }: EpochMoment,
  highestBase: number,
  why: string,
): Promise<OpenedEpoch> {
  const base = Math.max(highestBase + baseStep, Math.floor(now / 1000) * basePerSecond)
  await query('UPDATE sessions SET ended_at = $1 WHERE ended_at IS NULL', [now])
  // The record for all covers every record of the epochs before, except that of a withdrawn key: its
  // thief chooses generations as he likes.
  const keys = await query("DELETE FROM revocations WHERE kind = 'key' RETURNING fingerprint")
  await query('DELETE FROM revocations')
  await query('UPDATE revocation_head SET epoch = $1, base = $2, seq = 0, chain = $3, at = $4', [
    newEpoch,
    base,
    firstChain(newEpoch),
    now,
  ])
  const all = fingerprintOf(issuer, 'all', '')
  await appendRecord(query, { kind: 'all', fingerprint: all, floor: base })
  for (const row of keys) {
    const fingerprint = fingerprintOfText(text(row, 'fingerprint'))
    await appendRecord(query, { kind: 'key', fingerprint, floor: 0 })
  }
  return { kind: 'renewed', why }
}
