import { existsSync, mkdirSync, renameSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { StartError, writeDurably } from '@portcullis/runtime'
import type { Sealer } from './domain/sealing.ts'
import { StoreUnavailableError } from './domain/store-unavailable.ts'
import type { SealingKeys } from './sealing-keys.ts'
import { sealerOf } from './sealing-keys.ts'
import { openAuditKey } from './store/audit-opening.ts'
import type { OnProgress } from './store/backups/copied-store.ts'
import { digestOf, draftName, removeDraft, removeStaleDrafts } from './store/backups/drafts.ts'
import { mendable } from './store/backups/failures.ts'
import type { BackupManifest } from './store/backups/manifest.ts'
import { manifestName, membersOf, sealOfManifest, storeName } from './store/backups/manifest.ts'
import { copyPostgres } from './store/backups/postgres-copy.ts'
import { copySqlite } from './store/backups/sqlite-copy.ts'
import { flushNames, makeFolders } from './store/flushed-names.ts'
import { pathOfDatabase, requireSupported } from './store/open-database.ts'
import { reasonOf } from './store/postgres-errors.ts'
import { openSqliteReader } from './store/sqlite.ts'

export interface BackupRequest {
  /** `sqlite:PATH` or `postgres://…` */
  readonly database: string
  readonly issuer: string
  /** A folder that is not there yet. */
  readonly writeTo: string
  /** With them the backup is sealed, so that whoever restores it sees that nobody has altered it. */
  readonly sealingKeys?: SealingKeys | undefined
  readonly onProgress?: OnProgress
}

export type Unreachable = { readonly kind: 'unreachable'; readonly why: string }

export type BackupOutcome =
  { readonly kind: 'backed-up'; readonly members: object; readonly bytes: number } | Unreachable

/**
 * Copies a store that may be in use, with a manifest beside it. The folder is there whole or not at all. Sealing keys
 * and peppers are NOT in it. What an operator can mend is a `StartError`.
 */
export async function backUpStore(request: BackupRequest): Promise<BackupOutcome> {
  const { database, writeTo } = request
  requireSupported(database)
  if (existsSync(writeTo)) {
    throw new StartError(`${writeTo} is there already`, 'Name a folder that is not there yet.')
  }
  const parent = dirname(writeTo)
  const draft = join(parent, draftName())
  try {
    makeFolders(parent)
    // A restore to a server may have left a whole store there.
    for (const folder of [parent, tmpdir()]) removeStaleDrafts(folder)
    mkdirSync(draft, { mode: 0o700 })
    const manifest = await fill(draft, request)
    flushNames(draft)
    renameSync(draft, writeTo)
    flushNames(parent)
    return { kind: 'backed-up', members: membersOf(manifest), bytes: manifest.bytes }
  } catch (error) {
    removeDraft(draft)
    return unreachableOr(mendable(`the backup ${writeTo} cannot be written`, error))
  }
}

async function fill(draft: string, request: BackupRequest): Promise<BackupManifest> {
  const { database, issuer, onProgress = () => undefined } = request
  const path = pathOfDatabase(database)
  const copyPath = join(draft, storeName)
  const takenAt = Date.now()
  const copied =
    path === undefined
      ? await copyPostgres(database, copyPath, onProgress)
      : await copySqlite(path, copyPath, onProgress)
  const engine = path === undefined ? 'PostgreSQL' : 'SQLite'
  const sealer = request.sealingKeys && sealerOf(request.sealingKeys)
  if (sealer !== undefined) await requireSealedWith(sealer, copyPath)
  const facts = { issuer, engine, takenAt, ...copied, ...(await digestOf(copyPath)) } as const
  const manifest = { ...facts, seal: sealer && sealOfManifest(facts, sealer) }
  const text = JSON.stringify(membersOf(manifest), undefined, 2)
  writeDurably(join(draft, manifestName), `${text}\n`)
  return manifest
}

/** What another key than that of the store has sealed would be found out when it is needed. */
async function requireSealedWith(sealer: Sealer, copyPath: string): Promise<void> {
  const copy = await openSqliteReader(copyPath)
  try {
    const key = await openAuditKey(copy.read, sealer)
    if (key?.kind !== 'unopenable') return
  } finally {
    await copy.close()
  }
  throw new StartError(
    'PORTCULLIS_SEALING_KEY does not open what is sealed in this store',
    'Set it to the key that identity runs with; if that is lost, add --unsealed. Nothing was written.',
  )
}

/** The database does not answer at the moment; everything else is thrown. */
export function unreachableOr(error: unknown): Unreachable {
  if (!(error instanceof StoreUnavailableError)) throw error
  return { kind: 'unreachable', why: reasonOf(error.cause ?? error) }
}
