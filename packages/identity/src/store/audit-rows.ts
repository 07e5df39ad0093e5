import type { AuditRecord } from '../domain/audit.ts'
import type { ChainedFields, ChainEnds, ChainLink, Roster } from '../domain/audit-chain.ts'
import { sealOfEnds, sealOfRoster } from '../domain/audit-chain.ts'
import { integer, optionalInteger, optionalText, text } from './columns.ts'
import type { Query, Row } from './database.ts'

/*
 * The rows of the audit record. `events` holds the records, `audit_chains` where the chain of each node begins and
 * ends, and `audit_roster` how many chains there are.
 */

export const auditTables = ['events', 'audit_chains', 'audit_roster'] as const

export const eventColumns = `
  id, at, kind, account_id, session_id, client_id, actor, reason, network, details, kid,
  chain, seq, mac, adopted`

/** Of any row, chained or not. */
export function auditRecordOf(row: Row): AuditRecord {
  const [chain, seq] = [optionalText(row, 'chain'), optionalInteger(row, 'seq')]
  return {
    id: integer(row, 'id'),
    at: integer(row, 'at'),
    kind: text(row, 'kind'),
    accountId: optionalText(row, 'account_id'),
    sessionId: optionalText(row, 'session_id'),
    clientId: optionalText(row, 'client_id'),
    actor: optionalText(row, 'actor'),
    reason: optionalText(row, 'reason'),
    network: optionalText(row, 'network'),
    details: optionalText(row, 'details'),
    kid: optionalText(row, 'kid'),
    place: chain === undefined || seq === undefined ? undefined : { chain, seq },
    isAdopted: integer(row, 'adopted') !== 0,
  }
}

/** A record and the link that it makes to the next one. */
export interface ChainedRecord {
  readonly fields: ChainedFields
  readonly link: ChainLink
}

/** Of a row that is in a chain. */
export function chainedRecordOf(row: Row): ChainedRecord {
  const seq = integer(row, 'seq')
  const fields = { ...ownFieldsOf(row), chain: text(row, 'chain'), seq }
  return {
    fields: { ...fields, adopted: integer(row, 'adopted') },
    link: { seq, mac: optionalText(row, 'mac') ?? '', id: integer(row, 'id') },
  }
}

/** What an event says, wherever it stands. */
export function ownFieldsOf(row: Row): Omit<ChainedFields, 'chain' | 'seq' | 'adopted'> {
  const nullable = (column: string): string | null => optionalText(row, column) ?? null
  return {
    at: integer(row, 'at'),
    kind: text(row, 'kind'),
    accountId: nullable('account_id'),
    sessionId: nullable('session_id'),
    clientId: nullable('client_id'),
    actor: nullable('actor'),
    reason: nullable('reason'),
    network: nullable('network'),
    details: nullable('details'),
    kid: nullable('kid'),
  }
}

export interface StoredChain extends ChainEnds {
  readonly number: number
  readonly openedAt: number
  readonly openingMac: string
  readonly seal: string
}

export const selectChains = 'SELECT * FROM audit_chains'

export function storedChainOf(row: Row): StoredChain {
  return {
    number: integer(row, 'number'),
    chain: text(row, 'chain'),
    openedAt: integer(row, 'opened_at'),
    openingMac: text(row, 'opening_mac'),
    head: { seq: integer(row, 'seq'), mac: text(row, 'mac'), id: integer(row, 'last_id') },
    pruned: {
      seq: integer(row, 'pruned_seq'),
      mac: text(row, 'pruned_mac'),
      id: integer(row, 'pruned_id'),
    },
    seal: text(row, 'seal'),
  }
}

/** The seal of what did not hold before: it must not hold from now on, whoever goes on with it. */
const broken = 'does not hold'

/** To be called while the row is locked. */
export async function writeEnds(
  query: Query,
  key: Buffer,
  ends: ChainEnds,
  isWhole: boolean,
): Promise<void> {
  const { chain, head, pruned } = ends
  await query(
    `UPDATE audit_chains SET seq = $2, mac = $3, last_id = $4,
                             pruned_seq = $5, pruned_mac = $6, pruned_id = $7, seal = $8
     WHERE chain = $1`,
    [
      chain,
      head.seq,
      head.mac,
      head.id,
      pruned.seq,
      pruned.mac,
      pruned.id,
      isWhole ? sealOfEnds(key, ends) : broken,
    ],
  )
}

export interface StoredRoster extends Roster {
  readonly seal: string
}

export async function readRoster(query: Query): Promise<StoredRoster | undefined> {
  const [row] = await query('SELECT chains, mac, seal FROM audit_roster')
  return row && { chains: integer(row, 'chains'), mac: text(row, 'mac'), seal: text(row, 'seal') }
}

export async function writeRoster(
  query: Query,
  key: Buffer,
  roster: Roster,
  isWhole: boolean,
): Promise<void> {
  const seal = isWhole ? sealOfRoster(key, roster) : broken
  await query(
    `INSERT INTO audit_roster (id, chains, mac, seal) VALUES (1, $1, $2, $3)
     ON CONFLICT (id) DO UPDATE SET chains = excluded.chains, mac = excluded.mac, seal = excluded.seal`,
    [roster.chains, roster.mac, seal],
  )
}
