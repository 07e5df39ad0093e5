/**
 * What a store throws when it cannot answer at the moment: no connection, no room, no lock in time. Whether
 * a change that was under way was made is then unknown, so callers are told 503 and never that it was not.
 */
export class StoreUnavailableError extends Error {
  override readonly name = 'StoreUnavailableError'
}
