import type {
  AuditAnchor,
  AuditFilter,
  AuditList,
  AuditLog,
  AuditPage,
  AuditVerdict,
  PruneOutcome,
} from '../domain/audit.ts'
import { isSameMac, recordMac, sealOfEnds } from '../domain/audit-chain.ts'
import type { Sealer } from '../domain/sealing.ts'
import { openAuditKey } from './audit-opening.ts'
import type { StoredChain } from './audit-rows.ts'
import {
  auditRecordOf,
  chainedRecordOf,
  eventColumns,
  selectChains,
  storedChainOf,
  writeEnds,
} from './audit-rows.ts'
import { verifyAudit } from './audit-verification.ts'
import { integer, text } from './columns.ts'
import { createConditions } from './conditions.ts'
import type { Database, Query } from './database.ts'

export interface AuditLogParts {
  readonly key: Buffer
  readonly sealer: Sealer
  /** Where this process's own chain was last known to be: that it still is there is asked as well. */
  readonly ownAnchor: () => AuditAnchor | undefined
}

export function createAuditLog(
  database: Database,
  { key, sealer, ownAnchor }: AuditLogParts,
): AuditLog {
  return {
    list: (filter, page) => list(database.read, filter, page),
    verify: async (anchors = []) => {
      // Whoever verifies without this process goes by what is sealed in the database.
      const sealed = await openAuditKey(database.read, sealer)
      if (sealed?.kind === 'unopenable' && sealed.why === 'sealed-with-another-key') {
        return faultOfKey('sealing-key')
      }
      if (sealed?.kind !== 'key' || !sealed.key.equals(key)) return faultOfKey('key')
      const own = ownAnchor()
      return verifyAudit(database, key, own === undefined ? anchors : [...anchors, own])
    },
    prune: (olderThanMs) => database.exclusive((query) => prune(query, key, olderThanMs)),
  }
}

function faultOfKey(what: 'key' | 'sealing-key'): AuditVerdict {
  return { chains: 0, records: 0, firstBad: { what } }
}

/** What a filter may ask, each with its condition. The names of columns come from here and from nowhere else. */
const conditionOf: Readonly<Record<keyof AuditFilter, string>> = {
  kind: 'kind = ?',
  accountId: 'account_id = ?',
  actor: 'actor = ?',
  clientId: 'client_id = ?',
  sessionId: 'session_id = ?',
  from: 'at >= ?',
  to: 'at < ?',
}

async function list(
  query: Query,
  filter: AuditFilter,
  { limit, after = Number.MAX_SAFE_INTEGER }: AuditPage,
): Promise<AuditList> {
  const conditions = createConditions()
  conditions.add('id < ?', after)
  for (const [name, condition] of Object.entries(conditionOf)) {
    const value = filter[name as keyof AuditFilter]
    if (value !== undefined) conditions.add(condition, value)
  }
  const rows = await query(
    `SELECT ${eventColumns} FROM events WHERE ${conditions.text()}
     ORDER BY id DESC LIMIT ${conditions.place(limit + 1)}`,
    conditions.values(),
  )
  const records = rows.slice(0, limit).map(auditRecordOf)
  return { records, next: rows.length > limit ? records.at(-1)?.id : undefined }
}

/** Records that one step takes away: others wait while it lasts. */
const prunedMax = 500

async function prune(query: Query, key: Buffer, olderThanMs: number): Promise<PruneOutcome> {
  const broken: string[] = []
  let pruned = 0
  const begun = await query(
    `SELECT chain FROM audit_chains WHERE EXISTS (
       SELECT 1 FROM events
       WHERE events.chain = audit_chains.chain AND events.seq = audit_chains.pruned_seq + 1
         AND events.at < statement_now() - $1)
     ORDER BY number`,
    [olderThanMs],
  )
  for (const row of begun) {
    const chain = text(row, 'chain')
    const count = await pruneChain(query, key, chain, { olderThanMs, max: prunedMax - pruned })
    if (count === undefined) broken.push(chain)
    pruned += count ?? 0
    if (pruned >= prunedMax) break
  }
  return { pruned, broken }
}

/** Undefined when what it begins with does not hold: it would take the evidence away, and hide it for good. */
async function pruneChain(
  query: Query,
  key: Buffer,
  chain: string,
  { olderThanMs, max }: { readonly olderThanMs: number; readonly max: number },
): Promise<number | undefined> {
  const [found] = await query(`${selectChains} WHERE chain = $1 FOR UPDATE`, [chain])
  if (found === undefined) return undefined
  const stored: StoredChain = storedChainOf(found)
  if (!isSameMac(stored.seal, sealOfEnds(key, stored))) return undefined
  const rows = await query(
    `SELECT ${eventColumns}, statement_now() - $3 AS oldest FROM events
     WHERE chain = $1 AND seq > $2 ORDER BY seq LIMIT ${max}`,
    [chain, stored.pruned.seq, olderThanMs],
  )
  let { pruned } = stored
  for (const row of rows) {
    const { fields, link } = chainedRecordOf(row)
    if (fields.at >= integer(row, 'oldest')) break
    const isWhole =
      link.seq === pruned.seq + 1 && isSameMac(recordMac(key, pruned, fields), link.mac)
    if (!isWhole) return undefined
    pruned = link
  }
  await query('DELETE FROM events WHERE chain = $1 AND seq <= $2', [chain, pruned.seq])
  await writeEnds(query, key, { ...stored, pruned }, true)
  return pruned.seq - stored.pruned.seq
}
