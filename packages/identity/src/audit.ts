import { randomBytes } from 'node:crypto'
import type { Log, Metrics } from '@portcullis/runtime'
import { StartError } from '@portcullis/runtime'
import type { AuditLog } from './domain/audit.ts'
import type { ChainLink } from './domain/audit-chain.ts'
import { auditVocabulary } from './domain/audit-vocabulary.ts'
import type { Sealer } from './domain/sealing.ts'
import { auditedDatabase } from './store/audited-database.ts'
import { createAuditLog } from './store/audit-log.ts'
import type { UnopenableAuditKey } from './store/audit-opening.ts'
import { adoptEvents, openChain } from './store/audit-opening.ts'
import type { Database } from './store/database.ts'
import { appendEvent } from './store/events.ts'

export interface OpenedAudit {
  /** The database, in which every event becomes a record of this node's chain. */
  readonly database: Database
  readonly auditLog: AuditLog
  /** Says that the node stops. The store must still be open, and nothing else should follow. */
  readonly stop: () => Promise<void>
}

export interface AuditWatchers {
  readonly log: Log
  readonly metrics: Metrics
  /** Told of what is durable, by the kinds of the events. */
  readonly onEvents?: (kinds: ReadonlyMap<string, number>) => void
}

/** Opens this node's chain in the audit record, and takes over what was written without one. */
export async function openAudit(
  database: Database,
  sealer: Sealer,
  { log, metrics, onEvents }: AuditWatchers,
): Promise<OpenedAudit> {
  const opened = await openChain(database, { sealer, randomBytes })
  if (opened.kind === 'unopenable') throw auditKeyError(opened)
  const { chain, key } = opened
  let latest: ChainLink | undefined
  const onHead = (head: ChainLink): void => {
    const { seq, mac } = head
    // Each line is an anchor: where lines are kept elsewhere, nobody can shorten the chain to before the last of them.
    log.info({ auditAnchor: `${chain}:${seq}:${mac}` }, 'audit')
    if (latest === undefined || seq > latest.seq) latest = head
  }
  const count = eventCounter(metrics)
  const tell = (kinds: ReadonlyMap<string, number>): void => {
    count(kinds)
    onEvents?.(kinds)
  }
  const own = { chain, key, onHead, onEvents: tell, known: () => latest }
  const audited = auditedDatabase(database, own)
  await audited.transaction((query) => appendEvent(query, { kind: 'node-started' }))
  const adopted = await adoptEvents(database, own)
  if (adopted > 0) {
    log.warn({ adopted }, 'events that no node had chained are in the audit record from now on')
  }
  return {
    database: audited,
    auditLog: createAuditLog(database, {
      key,
      sealer,
      ownAnchor: () => latest && { chain, ...latest },
    }),
    stop: () =>
      audited
        .transaction((query) => appendEvent(query, { kind: 'node-stopped' }))
        .catch((error: unknown) =>
          log.error({ err: error }, 'the stop is not in the audit record'),
        ),
  }
}

/** What happens to people and clients is what an operator counts: it is counted once it is in the audit record. */
function eventCounter(metrics: Metrics): (kinds: ReadonlyMap<string, number>) => void {
  const count = metrics.counter({
    name: 'portcullis_audit_events_total',
    help: 'Events in the audit record, by their kind (docs/audit.md).',
    labels: ['kind'],
  })
  // What rises from nothing is no increase to Prometheus: the first stolen token of a node would not be seen.
  for (const kind of Object.keys(auditVocabulary)) count({ kind }, 0)
  return (kinds) => {
    for (const [kind, times] of kinds) count({ kind }, times)
  }
}

/** For a command that writes into a store by itself, with a chain of its own. */
export async function chainDatabase(database: Database, sealer: Sealer): Promise<Database> {
  const opened = await openChain(database, { sealer, randomBytes })
  if (opened.kind === 'unopenable') throw auditKeyError(opened)
  return auditedDatabase(database, { ...opened, onHead: () => undefined, known: () => undefined })
}

export function auditKeyError({ why }: UnopenableAuditKey): StartError {
  return why === 'damaged'
    ? new StartError('the stored audit key is damaged', 'Restore the database from a backup.')
    : new StartError(
        'the stored audit key was sealed with another sealing key',
        'Set PORTCULLIS_SEALING_KEY, or PORTCULLIS_SEALING_KEY_PREVIOUS while it is rolled, to the key that ' +
          'this database was made with, or rolled to since (docs/key-operations.md).',
      )
}
