import { randomBytes } from 'node:crypto'
import type { AuditLog } from '../src/domain/audit.ts'
import type { ChainLink } from '../src/domain/audit-chain.ts'
import type { Sealer } from '../src/domain/sealing.ts'
import { createSealer } from '../src/domain/sealing.ts'
import { auditedDatabase } from '../src/store/audited-database.ts'
import { createAuditLog } from '../src/store/audit-log.ts'
import { adoptEvents, openChain } from '../src/store/audit-opening.ts'
import type { Database } from '../src/store/database.ts'
import { openDatabase } from '../src/store/open-database.ts'
import { startMs } from './chosen-clock.ts'

/** A store as a node has it, without all that it needs for people. */
export interface AuditedStore {
  /** With the chain, and without. */
  readonly database: Database
  readonly plain: Database
  readonly auditLog: AuditLog
  readonly chain: string
  readonly key: Buffer
  readonly heads: readonly ChainLink[]
  readonly adopt: () => Promise<number>
}

export const auditSealer: Sealer = createSealer(randomBytes(32), randomBytes)

export async function openAuditedStore(
  url: string,
  now: () => number = () => startMs,
): Promise<AuditedStore> {
  const plain = await openDatabase(url, { now })
  const opened = await openChain(plain, { sealer: auditSealer, randomBytes })
  if (opened.kind !== 'opened') throw new TypeError(`the audit key is ${opened.why}`)
  const { chain, key } = opened
  const heads: ChainLink[] = []
  const own = {
    chain,
    key,
    onHead: (head: ChainLink): void => void heads.push(head),
    known: () => heads.toSorted((one, other) => one.seq - other.seq).at(-1),
  }
  return {
    database: auditedDatabase(plain, own),
    plain,
    // Without what the process itself remembers: tests of that say so.
    auditLog: createAuditLog(plain, { key, sealer: auditSealer, ownAnchor: () => undefined }),
    chain,
    key,
    heads,
    adopt: () => adoptEvents(plain, own),
  }
}
