import { setImmediate as nextTurn } from 'node:timers/promises'
import type { AuditAnchor, AuditFault, AuditVerdict } from '../domain/audit.ts'
import type { ChainLink } from '../domain/audit-chain.ts'
import {
  isSameMac,
  openingMac,
  recordMac,
  sealOfEnds,
  sealOfRoster,
} from '../domain/audit-chain.ts'
import type { StoredChain, StoredRoster } from './audit-rows.ts'
import {
  auditTables,
  chainedRecordOf,
  eventColumns,
  selectChains,
  storedChainOf,
} from './audit-rows.ts'
import { integer, optionalInteger, optionalText, text } from './columns.ts'
import type { Query, StoreReader } from './database.ts'

/** Records that are read and checked before others have their turn: a few milliseconds. */
const batchMax = 500

interface Walk {
  readonly read: Query
  readonly key: Buffer
  records: number
}

/**
 * Checks the whole record while nodes go on writing and pruning: whatever is read at different moments is asked again
 * before it is called bad. Chains come in the order in which they were opened.
 */
export async function verifyAudit(
  { read, tableFault }: Pick<StoreReader, 'read' | 'tableFault'>,
  key: Buffer,
  anchors: readonly AuditAnchor[],
): Promise<AuditVerdict> {
  // Before all else: a row that queries pass over would be missed by what follows.
  const unsound = await tableFault(auditTables)
  if (unsound !== undefined) return { chains: 0, records: 0, firstBad: unsound }
  const walk: Walk = { read, key, records: 0 }
  const { roster, chains } = await readRosterWithChains(read)
  const firstBad =
    faultOfRoster(key, roster, chains) ??
    (await firstFaultIn(walk, chains)) ??
    (await faultOutside(read)) ??
    (await faultOfAnchors(read, anchors))
  return { chains: chains.length, records: walk.records, firstBad }
}

/** By one statement, so that a chain that is opened meanwhile is in both or in neither. */
async function readRosterWithChains(
  read: Query,
): Promise<{ readonly roster: StoredRoster | undefined; readonly chains: readonly StoredChain[] }> {
  const rows = await read(
    `SELECT audit_chains.*, audit_roster.chains AS roster_chains, audit_roster.mac AS roster_mac,
            audit_roster.seal AS roster_seal
     FROM (SELECT 1 AS moment) AS one
     LEFT JOIN audit_roster ON 1 = 1 LEFT JOIN audit_chains ON 1 = 1 ORDER BY number`,
  )
  const [first] = rows
  const hasRoster = first !== undefined && first['roster_seal'] !== null
  return {
    roster: hasRoster
      ? {
          chains: integer(first, 'roster_chains'),
          mac: text(first, 'roster_mac'),
          seal: text(first, 'roster_seal'),
        }
      : undefined,
    chains: rows.filter((row) => row['number'] !== null).map(storedChainOf),
  }
}

function faultOfRoster(
  key: Buffer,
  roster: StoredRoster | undefined,
  chains: readonly StoredChain[],
): AuditFault | undefined {
  if (roster === undefined) {
    const [first] = chains
    return first === undefined ? undefined : { what: 'roster', chain: first.chain }
  }
  let mac = ''
  for (const [index, { number, chain, openedAt, openingMac: stored }] of chains.entries()) {
    if (number !== index + 1) return { what: 'roster', chain }
    const expected = openingMac(key, mac, { number, chain, openedAt })
    if (!isSameMac(expected, stored)) return { what: 'roster', chain }
    mac = stored
  }
  const isWhole =
    roster.chains === chains.length &&
    isSameMac(roster.mac, mac) &&
    isSameMac(roster.seal, sealOfRoster(key, roster))
  return isWhole ? undefined : { what: 'roster', chain: chains.at(-1)?.chain }
}

async function firstFaultIn(
  walk: Walk,
  chains: readonly StoredChain[],
): Promise<AuditFault | undefined> {
  for (const chain of chains) {
    const fault = await faultOfChain(walk, chain)
    if (fault !== undefined) return fault
  }
  return undefined
}

async function faultOfChain(walk: Walk, stored: StoredChain): Promise<AuditFault | undefined> {
  const { key, read } = walk
  const { chain, head, pruned } = stored
  const isSealed = isSameMac(stored.seal, sealOfEnds(key, stored))
  const fault =
    (await firstFaultBehind(walk, stored)) ??
    (isSealed ? undefined : ({ what: 'head', chain, seq: head.seq } as const)) ??
    (await faultBeyondEnds(read, chain))
  if (fault === undefined) return undefined
  // Retention may have moved on meanwhile, and taken what was looked for.
  const [row] = await read(`${selectChains} WHERE chain = $1`, [chain])
  const now = row && storedChainOf(row)
  return now !== undefined && now.pruned.seq > pruned.seq ? faultOfChain(walk, now) : fault
}

/** Asked in one statement with the ends, because both go on. */
async function faultBeyondEnds(read: Query, chain: string): Promise<AuditFault | undefined> {
  for (const where of [
    'events.seq IS NULL',
    'events.seq <= pruned_seq',
    'events.seq > audit_chains.seq',
  ]) {
    const [row] = await read(
      `SELECT events.id AS id, events.seq AS seq
       FROM audit_chains JOIN events ON events.chain = audit_chains.chain
       WHERE audit_chains.chain = $1 AND ${where} ORDER BY events.seq LIMIT 1`,
      [chain],
    )
    if (row !== undefined) {
      const seq = optionalInteger(row, 'seq')
      return { what: 'not-ours', chain, seq, id: integer(row, 'id') }
    }
  }
  return undefined
}

/** From the beginning that is left to the head that was read, record by record. */
async function firstFaultBehind(
  walk: Walk,
  { chain, head, pruned }: StoredChain,
): Promise<AuditFault | undefined> {
  let previous = pruned
  for (;;) {
    const batch = await checkBatch(walk, chain, previous, head.seq)
    if (batch.fault !== undefined) return batch.fault
    previous = batch.last
    if (batch.isOver) break
    await nextTurn()
  }
  if (previous.seq < head.seq) return { what: 'missing', chain, seq: previous.seq + 1 }
  const isHead = previous.id === head.id && isSameMac(previous.mac, head.mac)
  return isHead ? undefined : { what: 'head', chain, seq: head.seq }
}

interface CheckedBatch {
  readonly last: ChainLink
  readonly isOver: boolean
  readonly fault?: AuditFault
}

async function checkBatch(
  walk: Walk,
  chain: string,
  after: ChainLink,
  seqMax: number,
): Promise<CheckedBatch> {
  const rows = await walk.read(
    `SELECT ${eventColumns} FROM events
     WHERE chain = $1 AND seq >= $2 AND seq <= $3 AND NOT (seq = $2 AND id = $4)
     ORDER BY seq, id LIMIT ${batchMax}`,
    [chain, after.seq, seqMax, after.id],
  )
  let previous = after
  for (const row of rows) {
    const { fields, link } = chainedRecordOf(row)
    const seq = previous.seq + 1
    if (link.seq < seq) return faulty({ what: 'not-ours', chain, seq: link.seq, id: link.id })
    if (link.seq > seq) return faulty({ what: 'missing', chain, seq })
    if (!isSameMac(recordMac(walk.key, previous, fields), link.mac)) {
      return faulty({ ...(await nameFault(walk.read, previous, chain, link)), chain, seq })
    }
    walk.records += 1
    previous = link
  }
  return { last: previous, isOver: rows.length < batchMax }

  function faulty(fault: AuditFault): CheckedBatch {
    return { last: previous, isOver: true, fault }
  }
}

/**
 * Ids grow along a chain, so rows that have changed places stand against their order. It names what was done and
 * decides nothing: a record that does not fit its place is bad whatever its id.
 */
async function nameFault(
  read: Query,
  previous: ChainLink,
  chain: string,
  { id, seq }: ChainLink,
): Promise<Pick<AuditFault, 'what' | 'id'>> {
  const [next] = await read('SELECT id FROM events WHERE chain = $1 AND seq = $2', [chain, seq + 1])
  const isInOrder = previous.id < id && (next === undefined || integer(next, 'id') > id)
  return { what: isInOrder ? 'changed' : 'out-of-order', id }
}

/** Rows that belong to no chain, or to none that there is. */
async function faultOutside(read: Query): Promise<AuditFault | undefined> {
  const [loose] = await read(
    "SELECT id FROM events WHERE chain IS NULL OR chain = '' ORDER BY id LIMIT 1",
  )
  if (loose !== undefined) return { what: 'not-ours', id: integer(loose, 'id') }
  let chain = ''
  for (;;) {
    // From one name to the next one, by the index, and not by every row.
    const [row] = await read(
      `SELECT id, chain, seq, (SELECT count(*) FROM audit_chains
                               WHERE audit_chains.chain = events.chain) AS known
       FROM events WHERE chain > $1 ORDER BY chain, seq LIMIT 1`,
      [chain],
    )
    if (row === undefined) return undefined
    chain = text(row, 'chain')
    if (integer(row, 'known') === 0) {
      const seq = optionalInteger(row, 'seq')
      return { what: 'not-ours', chain, seq, id: integer(row, 'id') }
    }
  }
}

async function faultOfAnchors(
  read: Query,
  anchors: readonly AuditAnchor[],
): Promise<AuditFault | undefined> {
  for (const { chain, seq, mac } of anchors) {
    const [row] = await read(
      `SELECT events.mac AS mac, opening_mac, pruned_seq, pruned_mac
       FROM audit_chains LEFT JOIN events ON events.chain = audit_chains.chain AND events.seq = $2
       WHERE audit_chains.chain = $1`,
      [chain, seq],
    )
    if (row === undefined) return { what: 'anchor', chain, seq }
    const prunedSeq = integer(row, 'pruned_seq')
    // What retention has taken away can be told no more, and its end is sealed.
    if (seq < prunedSeq) continue
    const there = seq === prunedSeq ? optionalText(row, 'pruned_mac') : optionalText(row, 'mac')
    if (there === undefined || !isSameMac(there, mac)) return { what: 'anchor', chain, seq }
  }
  return undefined
}
