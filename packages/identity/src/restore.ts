import { existsSync, mkdirSync, realpathSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { redactPassword, StartError } from '@portcullis/runtime'
import type { Unreachable } from './backup.ts'
import { unreachableOr } from './backup.ts'
import type { SealingKeys } from './sealing-keys.ts'
import { sealerOf } from './sealing-keys.ts'
import type { OnProgress } from './store/backups/copied-store.ts'
import { draftName, removeDraft, removeStaleDrafts } from './store/backups/drafts.ts'
import { mendable } from './store/backups/failures.ts'
import type { Replaced } from './store/backups/file-replacement.ts'
import { isThere, placeFile, replaceFile, requireUnused } from './store/backups/file-replacement.ts'
import type { BackupManifest } from './store/backups/manifest.ts'
import { membersOf, readManifest, storeName } from './store/backups/manifest.ts'
import { fillPostgres, requireEmpty } from './store/backups/postgres-filling.ts'
import type { CopyOrder } from './store/backups/restored-copy.ts'
import { copyToRestore } from './store/backups/restored-copy.ts'
import { makeFolders } from './store/flushed-names.ts'
import { pathOfDatabase, requireSupported } from './store/open-database.ts'

export interface RestoreRequest {
  /** A folder that `backUpStore` has written. */
  readonly from: string
  /** `sqlite:PATH` or `postgres://…`, whatever the backup was taken of. */
  readonly database: string
  /** Whose store it must be. */
  readonly issuer: string
  /** A file that is there is replaced, and kept beside it. A database of a server never is. */
  readonly replace?: boolean
  /** With them it is made sure that they open the backup, and that nobody without them has written it. */
  readonly sealingKeys?: SealingKeys | undefined
  /** What is sealed is given up, because nobody has the sealing key any more. */
  readonly dangerouslyGiveUpSealed?: boolean
  /** A backup that was written without the sealing key is taken as well: whoever could write to it may have altered it. */
  readonly dangerouslyTakeUnsealed?: boolean
  readonly onProgress?: OnProgress
}

export type RestoreOutcome =
  | {
      readonly kind: 'restored'
      readonly members: object
      /** Undefined where nothing was there before. */
      readonly replaced: Replaced | undefined
    }
  | Unreachable

/**
 * Puts a backup back, whole or not at all; until then nothing is touched that is there. A new epoch begins when
 * identity opens the store: every session and token from before is refused. What an operator can mend is a
 * `StartError`.
 */
export async function restoreStore(request: RestoreRequest): Promise<RestoreOutcome> {
  const { from, database, issuer } = request
  requireSupported(database)
  const manifest = readManifest(from)
  if (manifest.issuer !== issuer) {
    throw new StartError(
      `${from} is of another issuer: ${manifest.issuer}`,
      `Name the backup of ${issuer}, or say whose store this is to be. Nothing was changed.`,
    )
  }
  const path = pathOfDatabase(database)
  try {
    const replaced =
      path === undefined
        ? await restorePostgres(request, manifest)
        : await restoreFile(path, request, manifest)
    return { kind: 'restored', members: membersOf(manifest), replaced }
  } catch (error) {
    const where = path ?? redactPassword(database)
    return unreachableOr(mendable(`${from} cannot be put back at ${where}`, error))
  }
}

async function restoreFile(
  named: string,
  request: RestoreRequest,
  manifest: BackupManifest,
): Promise<Replaced | undefined> {
  const isReplacing = existsSync(named)
  // Of a symbolic link the store is replaced that it leads to, and kept beside that.
  const path = isReplacing ? realpathSync(named) : named
  if (isReplacing && request.replace !== true) throw isThere(path)
  if (isReplacing) requireUnused(path)
  const folder = dirname(path)
  makeFolders(folder)
  removeStaleDrafts(folder)
  const copyPath = join(folder, draftName())
  try {
    const knownUntil = await copyToRestore(orderOf(request, manifest, copyPath))
    if (isReplacing) return replaceFile(copyPath, path, { knownUntil, now: Date.now() })
    placeFile(copyPath, path)
    return undefined
  } finally {
    removeDraft(copyPath)
  }
}

async function restorePostgres(
  request: RestoreRequest,
  manifest: BackupManifest,
): Promise<undefined> {
  const { database, replace, onProgress = () => undefined } = request
  if (replace === true) {
    throw new StartError(
      'a database of PostgreSQL is not replaced',
      'Make an empty one (createdb), and leave out --replace: what is there stays beside it.',
    )
  }
  await requireEmpty(database)
  removeStaleDrafts(tmpdir())
  const folder = join(tmpdir(), draftName())
  mkdirSync(folder, { mode: 0o700 })
  const copyPath = join(folder, storeName)
  try {
    await copyToRestore(orderOf(request, manifest, copyPath))
    await fillPostgres(database, copyPath, onProgress)
  } finally {
    removeDraft(folder)
  }
}

function orderOf(request: RestoreRequest, manifest: BackupManifest, copyPath: string): CopyOrder {
  const { from, sealingKeys, onProgress = () => undefined } = request
  const sealer = sealingKeys && sealerOf(sealingKeys)
  const givesUpSealed = request.dangerouslyGiveUpSealed === true
  const takesUnsealed = request.dangerouslyTakeUnsealed === true
  return { from, manifest, copyPath, sealer, givesUpSealed, takesUnsealed, onProgress }
}
