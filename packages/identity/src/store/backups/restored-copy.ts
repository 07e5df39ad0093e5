import { join } from 'node:path'
import { StartError } from '@portcullis/runtime'
import { vaultMark } from '../../domain/key-opening.ts'
import type { Sealer } from '../../domain/sealing.ts'
import { openAuditKey } from '../audit-opening.ts'
import { integer, text } from '../columns.ts'
import type { Query } from '../database.ts'
import { restoredLineage } from '../lost-history.ts'
import { openSqlite } from '../sqlite.ts'
import type { OnProgress } from './copied-store.ts'
import { megabytes } from './copied-store.ts'
import { digestOf } from './drafts.ts'
import { mendable } from './failures.ts'
import type { BackupManifest } from './manifest.ts'
import { checkSeal, storeName } from './manifest.ts'

export interface CopyOrder {
  /** The folder of the backup, and what it says of itself. */
  readonly from: string
  readonly manifest: BackupManifest
  readonly copyPath: string
  /** With it the copy is tried; undefined when it is not at hand. */
  readonly sealer: Sealer | undefined
  /** The sealing key is lost: what it alone opens is taken out. */
  readonly givesUpSealed: boolean
  /** Also what was written without the sealing key, so that nobody can know who has written it. */
  readonly takesUnsealed: boolean
  readonly onProgress: OnProgress
}

/**
 * Copies the store of a backup and makes it one that can be put back: whole, of this release, and marked as forgetful.
 * Answers when its last event happened. Whatever an operator can mend is a `StartError`.
 */
export async function copyToRestore(order: CopyOrder): Promise<number> {
  const { from, manifest, copyPath, onProgress } = order
  requireSeal(order)
  const total = megabytes(manifest.bytes)
  const found = await digestOf(join(from, storeName), {
    copyTo: copyPath,
    bytesMax: manifest.bytes,
    onBytes: (bytes) => onProgress({ done: megabytes(bytes), total, unit: 'MB' }),
  }).catch((cause: unknown) => {
    throw mendable(`the store of ${from} cannot be copied`, cause)
  })
  if (found.bytes > manifest.bytes) {
    throw altered(from, `it has more than the ${manifest.bytes} bytes that it had`)
  }
  if (found.bytes !== manifest.bytes) {
    throw altered(from, `it has ${found.bytes} bytes, and had ${manifest.bytes}`)
  }
  if (found.sha256 !== manifest.sha256) throw altered(from, 'its digest is another one')
  return prepareCopy(order)
}

/** A digest beside the store says that it is whole. That nobody has altered both only the seal says. */
function requireSeal({ from, manifest, sealer, givesUpSealed, takesUnsealed }: CopyOrder): void {
  if (sealer === undefined || givesUpSealed) return
  const seal = checkSeal(manifest, sealer)
  if (seal === 'sealed' || (seal === 'unsealed' && takesUnsealed)) return
  if (seal === 'sealed-with-another-key') throw sealedOtherwise()
  if (seal === 'damaged') throw altered(from, 'the seal of its manifest does not fit')
  throw new StartError(
    `${from} has no seal: whoever could write to it may have altered it`,
    'Take one that was written with PORTCULLIS_SEALING_KEY set, or add --dangerously-take-unsealed; nothing was changed.',
  )
}

function altered(from: string, how: string): StartError {
  return new StartError(
    `the store of ${from} is not the one that was written: ${how}`,
    'Take another copy of this backup, or an earlier one; nothing was changed.',
  )
}

async function prepareCopy(order: CopyOrder): Promise<number> {
  const { from, manifest, copyPath, sealer, givesUpSealed } = order
  // This brings it up to this release's schema as well, and refuses that of a later one.
  const database = await openSqlite(copyPath, {})
  try {
    const [head] = await database.read('SELECT epoch, seq FROM revocation_head')
    if (
      head === undefined ||
      text(head, 'epoch') !== manifest.epoch ||
      integer(head, 'seq') !== manifest.seq
    ) {
      throw altered(from, 'its revocation log is not where the manifest says')
    }
    if (givesUpSealed) await database.transaction(giveUpSealed)
    else if (sealer !== undefined) await requireSealedWith(sealer, database.read)
    await database.transaction(forget)
    const [last] = await database.read('SELECT coalesce(max(at), 0) AS at FROM events')
    return integer(last ?? {}, 'at')
  } finally {
    await database.close()
  }
}

/** Whoever opens it next begins a new epoch, which ends the links in mails as well. */
async function forget(query: Query): Promise<void> {
  await query(`UPDATE revocation_head SET lineage = '${restoredLineage}'`)
}

/**
 * Nothing that is left needs the key that is lost: signing keys and secrets are made anew, and the events become records
 * of another chain, which says of them that they were adopted. Receivers of events have to be given their credentials
 * once more, so their streams wait.
 */
async function giveUpSealed(query: Query): Promise<void> {
  for (const statement of [
    `DELETE FROM signing_keys WHERE sealed_private_key NOT LIKE '${vaultMark}%'`,
    'DELETE FROM sealed_secrets',
    'DELETE FROM audit_chains',
    'DELETE FROM audit_roster',
    'DELETE FROM anomaly_cursors',
    'UPDATE events SET chain = NULL, seq = NULL, mac = NULL',
    `UPDATE event_streams SET sealed_authorization = NULL, status = 'paused',
            status_reason = 'its credential was lost with the sealing key'
     WHERE sealed_authorization IS NOT NULL`,
  ]) {
    await query(statement)
  }
}

async function requireSealedWith(sealer: Sealer, read: Query): Promise<void> {
  const key = await openAuditKey(read, sealer)
  if (key?.kind !== 'unopenable') return
  if (key.why === 'sealed-with-another-key') throw sealedOtherwise()
  throw new StartError('what is sealed in this backup is damaged', keyRemedy)
}

const keyRemedy =
  'Set PORTCULLIS_SEALING_KEY, or …_PREVIOUS, to the key that was in use when it was taken; nothing was changed. ' +
  'If it is lost: docs/runbooks.md.'

function sealedOtherwise(): StartError {
  return new StartError(
    'this backup was sealed with another sealing key than PORTCULLIS_SEALING_KEY',
    keyRemedy,
  )
}
