import { StartError, systemErrorCode } from '@portcullis/runtime'
import { StoreUnavailableError } from '../../domain/store-unavailable.ts'
import { resultCodeOf } from '../sqlite-file.ts'

const room = 'Make room for a copy of the store, and do it again.'
const rights =
  'It must belong to the user who runs this, and its folder too; see to that, and do it again.'
const taken = 'Something has come there meanwhile: name another place.'
const gone = 'Check the path, and that all of it is there.'
const busy = 'Another process keeps it locked: see which, and do it again when that has ended.'
const disk = 'Look into the log of this machine what is wrong with its disk.'
const damaged =
  'It is damaged, or something else than a store. Keep your earlier backups, and restore the latest one.'

/** By the code of the system, or of SQLite (sqlite.org/rescode.html). */
const remedies: ReadonlyMap<string | number, string> = new Map<string | number, string>([
  ['ENOSPC', room],
  ['EDQUOT', room],
  ['EFBIG', room],
  [13, room], // FULL
  ['EACCES', rights],
  ['EPERM', rights],
  ['EROFS', rights],
  [8, rights], // READONLY
  [14, rights], // CANTOPEN
  ['EEXIST', taken],
  ['ENOTEMPTY', taken],
  ['ENOENT', gone],
  ['ENOTDIR', gone],
  ['EISDIR', gone],
  [5, busy], // BUSY
  ['EIO', disk],
  [10, disk], // IOERR
  [11, damaged], // CORRUPT
  [26, damaged], // NOTADB
])
const otherRemedy = 'See what that means for this path, and do it again.'

/** A `StartError` for what the system or SQLite refuses; other errors as they are. `what` could not be done. */
export function mendable(what: string, error: unknown): unknown {
  const cause = error instanceof StoreUnavailableError ? error.cause : error
  const result = resultCodeOf(cause)
  if (cause instanceof Error && result !== undefined) {
    return new StartError(`${what}: ${cause.message}`, remedies.get(result) ?? otherRemedy, {
      cause,
    })
  }
  // What a server or the way to it refuses is none of it.
  if (!(error instanceof Error) || !('syscall' in error)) return error
  const code = systemErrorCode(error) ?? error.message
  const place = 'path' in error && typeof error.path === 'string' ? ` at ${error.path}` : ''
  const remedy = remedies.get(code) ?? otherRemedy
  return new StartError(`${what}: ${code}${place}`, remedy, { cause: error })
}
