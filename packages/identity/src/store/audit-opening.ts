import type { ChainOpening, Roster } from '../domain/audit-chain.ts'
import { isSameMac, openingMac, sealOfEnds, sealOfRoster } from '../domain/audit-chain.ts'
import type { RandomBytes } from '../domain/random.ts'
import { randomIdentifier } from '../domain/random.ts'
import type { OpenedSeal, Sealer } from '../domain/sealing.ts'
import { eventColumns, readRoster, writeRoster } from './audit-rows.ts'
import type { OwnChain } from './audited-database.ts'
import { recordInto } from './audited-database.ts'
import { integer } from './columns.ts'
import type { Database, Query } from './database.ts'
import { appendEvent } from './events.ts'
import { readClock } from './revocations.ts'
import { openSealedSecret, readSealedSecret } from './sealed-secrets.ts'

/** Where the key of the audit record is, in the table of sealed secrets. */
const auditKeyName = 'audit-key'
const keyBytes = 32

export type UnopenableAuditKey = {
  readonly kind: 'unopenable'
  readonly why: Exclude<OpenedSeal['kind'], 'opened'>
}

export type OpenedChain =
  { readonly kind: 'opened'; readonly chain: string; readonly key: Buffer } | UnopenableAuditKey

export interface ChainParts {
  readonly sealer: Sealer
  readonly randomBytes: RandomBytes
}

/** Opens a chain for this process, in a step that no other node takes meanwhile. The first one makes the key. */
export async function openChain(
  database: Database,
  { sealer, randomBytes }: ChainParts,
): Promise<OpenedChain> {
  const first = Buffer.from(randomBytes(keyBytes))
  const opened = keyIn(await openSealedSecret(database, sealer, { name: auditKeyName, first }))
  if (opened.kind === 'unopenable') return opened
  const { key } = opened
  const chain = randomIdentifier(randomBytes)
  await database.exclusive((query) => insertChain(query, key, chain))
  return { kind: 'opened', chain, key }
}

interface OpenedAuditKey {
  readonly kind: 'key'
  readonly key: Buffer
}

/** Undefined when there is none. */
export async function openAuditKey(
  query: Query,
  sealer: Sealer,
): Promise<OpenedAuditKey | UnopenableAuditKey | undefined> {
  const opened = await readSealedSecret(query, sealer, auditKeyName)
  return opened && keyIn(opened)
}

function keyIn(opened: OpenedSeal): OpenedAuditKey | UnopenableAuditKey {
  return opened.kind === 'opened'
    ? { kind: 'key', key: Buffer.from(opened.plaintext, 'base64') }
    : { kind: 'unopenable', why: opened.kind }
}

/**
 * The roster goes on from where it says it is, and never from the rows of the chains: where one of them was taken
 * away, a gap stays. One that does not hold is not made whole by whoever comes next.
 */
async function insertChain(query: Query, key: Buffer, chain: string): Promise<void> {
  const roster = await readRoster(query)
  const [last] = await query('SELECT coalesce(max(number), 0) AS number FROM audit_chains')
  const lastNumber = integer(last ?? {}, 'number')
  const isWhole =
    roster === undefined
      ? lastNumber === 0
      : roster.chains >= lastNumber && isSameMac(roster.seal, sealOfRoster(key, roster))
  const before: Roster = roster ?? { chains: 0, mac: '' }
  const opening: ChainOpening = {
    number: Math.max(before.chains, lastNumber) + 1,
    chain,
    openedAt: await readClock(query),
  }
  const mac = openingMac(key, before.mac, opening)
  const first = { seq: 0, mac, id: 0 }
  await query(
    `INSERT INTO audit_chains (number, chain, opened_at, opening_mac, seq, mac, last_id,
                               pruned_seq, pruned_mac, pruned_id, seal)
     VALUES ($1, $2, $3, $4, 0, $4, 0, 0, $4, 0, $5)`,
    [
      opening.number,
      chain,
      opening.openedAt,
      mac,
      sealOfEnds(key, { chain, head: first, pruned: first }),
    ],
  )
  await writeRoster(query, key, { chains: opening.number, mac }, isWhole)
}

/** Rows that one step takes over: others wait while it lasts. */
const adoptedMax = 250

/**
 * Takes over what was written without a chain: by releases that have none, by one of them beside this node, and by
 * commands that know no sealing key. Each step says what it took over, so that whoever added rows for the next start of
 * a node to find has added them to that list. Answers how many.
 */
export async function adoptEvents(database: Database, own: OwnChain): Promise<number> {
  let adopted = 0
  for (;;) {
    const step = await database.exclusive(async (query) => adoptSome(query, own))
    if (step.head !== undefined) own.onHead(step.head)
    adopted += step.count
    if (step.count < adoptedMax) return adopted
  }
}

async function adoptSome(
  query: Query,
  own: OwnChain,
): Promise<{
  readonly count: number
  readonly head: Awaited<ReturnType<ReturnType<typeof recordInto>['finish']>>
}> {
  await forgetUnconfirmed(query)
  const rows = await query(
    `SELECT ${eventColumns} FROM events WHERE chain IS NULL ORDER BY id LIMIT ${adoptedMax}`,
  )
  const recording = recordInto(query, own)
  for (const row of rows) await recording.adopt(row)
  if (rows.length > 0) {
    const ids = rangesOf(rows.map((row) => integer(row, 'id')))
    const details = { count: rows.length, ids }
    await appendEvent(recording.query, { kind: 'events-adopted', details })
  }
  return { count: rows.length, head: await recording.finish() }
}

/**
 * Releases before this one wrote events about accounts that nobody has confirmed, and take them away with the account:
 * such a row must never be part of a chain.
 */
async function forgetUnconfirmed(query: Query): Promise<void> {
  await query(
    `DELETE FROM events WHERE chain IS NULL AND actor IS NULL
       AND account_id IN (SELECT id FROM accounts WHERE unconfirmed = 1)`,
  )
}

/** `3-7` for five ids in a row. */
function rangesOf(ids: readonly number[]): readonly string[] {
  const ranges: { first: number; last: number }[] = []
  for (const id of ids) {
    const range = ranges.at(-1)
    if (range?.last === id - 1) range.last = id
    else ranges.push({ first: id, last: id })
  }
  return ranges.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`))
}
