import { fingerprintOf, firstChain } from '@portcullis/protocol/revocations'
import { integer, optionalText, text } from './columns.ts'
import type { Connection, Query, Row } from './database.ts'
import type { HighWater, HighWaterMark } from './high-water.ts'
import type { FoundHistory } from './lost-history.ts'
import { lossIn, restoredLineage } from './lost-history.ts'
import type { LostHistory } from './renewal-wait.ts'
import { fingerprintOfText } from './revocation-rows.ts'
import { appendRecords, readClock } from './revocations.ts'

export interface EpochOptions {
  readonly issuer: string
  readonly highWater: HighWater
  /** 128 random bits, base64url: asked when an epoch must begin. */
  readonly newEpoch: () => string
  /** The longest that an access token may live by the present settings. */
  readonly accessTokenSecondsMax: number
  /** Asked before a new epoch begins. Where it throws nothing has changed, and the loss is found again. */
  readonly permitRenewal: (lost: LostHistory) => void
}

export type OpenedEpoch =
  | { readonly kind: 'first' | 'continued' }
  /** History may have been lost: every session and every token from before is void. */
  | { readonly kind: 'renewed'; readonly why: string }

/**
 * Bases go by the clock, and run ahead of it by a second at most for each that is taken: so one that is taken later
 * is above all before it, those that were lost with a mark and a database among them. Between two there is room for
 * all the generations that were counted up on the first.
 */
const basePerSecond = 2 ** 20
/**
 * The base that was lost may have been taken by the clock of another server, which was ahead of this one: by 5 s at
 * most, and as much again for what was taken on top of it.
 */
const clocksApartMs = 10_000
/** Followers believe no checkpoint that is more than 5 s ahead; a head that is so far ahead is not gone on with. */
const aheadMsMax = 60_000

/**
 * Makes sure that the revocation log can be gone on with, before anything is minted: a store that was
 * put back to an earlier state has forgotten revocations that were acknowledged, so a new epoch
 * begins in which all that was minted before is refused (protocol, section 5).
 */
export async function openEpoch(
  connection: Connection,
  options: EpochOptions,
): Promise<OpenedEpoch> {
  const { highWater, accessTokenSecondsMax } = options
  const mark = highWater.read()
  const lineage = await connection.lineage()
  const opened = await connection.exclusive(async (query): Promise<OpenedEpoch> => {
    const moment = { ...options, now: await readClock(query) }
    // A ratchet: what was minted under a longer lifetime is still out there.
    const [row] = await query(
      `UPDATE revocation_head SET access_token_seconds_max = greatest(access_token_seconds_max, $1)
       RETURNING epoch, base, seq, at, lineage`,
      [accessTokenSecondsMax],
    )
    if (row === undefined) await insertFirstHead(query, moment)
    // Kept while it cannot be told. What is minted from here on is vouched for by this write.
    await query(
      `UPDATE revocation_head
       SET lineage = coalesce($1, nullif(lineage, '${restoredLineage}')), at = greatest(at, statement_now())`,
      [lineage ?? null],
    )
    // Without a log nothing was ever revoked, unless a mark says otherwise.
    if (row === undefined && mark === undefined) return { kind: 'first' }
    if (row === undefined) {
      const why = 'the database is new and its mark is not'
      options.permitRenewal({ epoch: undefined, lineage, why })
      return renew(query, moment, mark?.base ?? 0, why)
    }
    const found = historyOf(row)
    const why = lossIn(found, { highWater, mark, lineage }) ?? clockFault(found, moment.now)
    if (why === undefined) return { kind: 'continued' }
    options.permitRenewal({ epoch: found.epoch, lineage, why })
    return renew(query, moment, Math.max(mark?.base ?? 0, found.base), why)
  })
  await highWater.raise(markOf(await readHistory(connection)))
  return opened
}

/**
 * Puts everything that was minted before below the floor that is answered. In the same epoch, since nothing is
 * lost. It locks the head of the log, so only its record may follow.
 */
export async function raiseBase(query: Query): Promise<number> {
  const now = await readClock(query)
  // Before the head is locked: what is counted up meanwhile is far less than the step.
  const most = await mostCounted(query)
  const [row] = await query(
    'UPDATE revocation_head SET base = greatest(base + $1, $2) RETURNING base',
    [basePerSecond + most, clockBase(now)],
  )
  if (row === undefined) throw new TypeError('no epoch was opened in this store')
  return integer(row, 'base')
}

function clockBase(nowMs: number): number {
  return Math.floor(nowMs / 1000) * basePerSecond
}

/** The highest generation that is stored, which stands above the base in tokens. */
async function mostCounted(query: Query): Promise<number> {
  const [row] = await query(
    `SELECT greatest((SELECT coalesce(max(generation), 0) FROM accounts),
                     (SELECT coalesce(max(generation), 0) FROM clients)) AS most`,
  )
  if (row === undefined) throw new TypeError('the highest generation cannot be told')
  return integer(row, 'most')
}

/**
 * The same for a store that is in use, over a connection that may lead somewhere else than those before.
 * While nothing is lost it costs two short reads, and holds up nobody.
 */
export async function continueEpoch(
  connection: Connection,
  options: EpochOptions,
): Promise<OpenedEpoch> {
  const { highWater } = options
  const mark = highWater.read()
  const lineage = await connection.lineage()
  const loss = lossIn(await readHistory(connection), { highWater, mark, lineage })
  return loss === undefined ? { kind: 'continued' } : openEpoch(connection, options)
}

async function readHistory({ read }: Connection): Promise<FoundHistory> {
  const [row] = await read('SELECT epoch, base, seq, at, lineage FROM revocation_head')
  if (row === undefined) throw new TypeError('no epoch was opened in this store')
  return historyOf(row)
}

function historyOf(row: Row): FoundHistory {
  return {
    epoch: text(row, 'epoch'),
    base: integer(row, 'base'),
    seq: integer(row, 'seq'),
    at: integer(row, 'at'),
    lineage: optionalText(row, 'lineage'),
  }
}

function markOf({ epoch, base, seq, at }: FoundHistory): HighWaterMark {
  return { epoch, base, seq, at }
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

/**
 * By the clock as well: services may hold floors of a store that was here before, and was deleted to start over with
 * nothing left that tells of it. Not ahead of the clock, because the next one is to be above all that is taken on this.
 */
async function insertFirstHead(query: Query, moment: EpochMoment): Promise<void> {
  const { accessTokenSecondsMax, now } = moment
  const newEpoch = moment.newEpoch()
  await query(
    `INSERT INTO revocation_head (id, epoch, base, seq, chain, at, kids, access_token_seconds_max)
     VALUES (1, $1, $2, 0, $3, $4, '[]', $5)`,
    [newEpoch, clockBase(now), firstChain(newEpoch), now, accessTokenSecondsMax],
  )
}

async function renew(
  query: Query,
  moment: EpochMoment,
  highestBase: number,
  why: string,
): Promise<OpenedEpoch> {
  const { issuer, now } = moment
  const newEpoch = moment.newEpoch()
  const step = basePerSecond + (await mostCounted(query))
  const base = Math.max(highestBase + step, clockBase(now + clocksApartMs))
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
  await appendRecords(query, [
    { kind: 'all', fingerprint: fingerprintOf(issuer, 'all', ''), floor: base },
    ...keys.map((row) => ({
      kind: 'key' as const,
      fingerprint: fingerprintOfText(text(row, 'fingerprint')),
      floor: 0,
    })),
  ])
  return { kind: 'renewed', why }
}
