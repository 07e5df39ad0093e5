import { systemErrorCode } from '@portcullis/runtime'
import { StoreUnavailableError } from '../domain/store-unavailable.ts'

/** SQLSTATEs (PostgreSQL documentation, appendix A) after which the same steps may well succeed. */
const collisions = new Set(['40001', '40P01'])

/** Classes and single SQLSTATEs for which nothing is wrong with the statement. */
const unavailable = [
  '08', // connection exceptions
  '25006', // a standby, which must not write: a failover is under way
  '53', // out of connections, disk or memory
  '55P03', // a lock was not to be had in time
  '57', // the server stops, or has cancelled the statement
  '58', // errors of its system
]

/** Two transactions have locked each other out, and this is the one that had to give way. */
export function isCollision(error: unknown): boolean {
  return collisions.has(sqlStateOf(error) ?? '')
}

/** The database cannot answer at the moment. */
export function isUnavailable(error: unknown): boolean {
  const state = sqlStateOf(error)
  if (state !== undefined) return unavailable.some((prefix) => state.startsWith(prefix))
  // No answer of the server: sockets, and what the client says of its own connection.
  return systemErrorCode(error) !== undefined || /connect|timeout/i.test(messageOf(error))
}

/**
 * The connection has not answered in time. What comes next on it would wait behind that, so it is of no use; and nobody
 * knows whether the statement was carried out.
 */
export function isSilence(error: unknown): boolean {
  const cause = error instanceof StoreUnavailableError ? error.cause : error
  // All that `pg` says of it.
  return messageOf(cause) === 'Query read timeout'
}

/** This user may not ask that. */
export function isForbidden(error: unknown): boolean {
  return sqlStateOf(error) === '42501'
}

/** For the operator who starts the program; the server's own words hold no secret. */
export function reasonOf(error: unknown): string {
  const code = sqlStateOf(error) === undefined ? systemErrorCode(error) : undefined
  return code ?? messageOf(error)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Five characters, a digit among them, which tells it from EPIPE; undefined for errors that the server did not answer. */
function sqlStateOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' && /^(?=.*\d)[0-9A-Z]{5}$/.test(error.code)
    ? error.code
    : undefined
}
