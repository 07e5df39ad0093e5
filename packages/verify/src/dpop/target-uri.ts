/** RFC 3986: scheme, host and port of what HTTP asks for, and a path; no user info, query or fragment. */
const uriForm = /^(https?):\/\/([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(\d*))?(\/[^?#]*)?$/is
const defaultPorts: ReadonlyMap<string, string> = new Map([
  ['http', '80'],
  ['https', '443'],
])

/**
 * One spelling for the http and https URIs that mean the same (RFC 3986 sections 6.2.2 and 6.2.3, as
 * RFC 9449 section 4.3 recommends): scheme and host in lower case, no default port, a slash for an
 * empty path, and in the path `%7e` for `%7E` for `~`. Undefined for any other text.
 *
 * Dot segments stay as they are, and so does whatever else is odd in a path. Clients resolve `..`
 * before they send it, but not every router reads it alike, so a proof for `/b` is none for `/a/../b`.
 */
export function normalTargetUri(uri: string): string | undefined {
  const [, writtenScheme, host, writtenPort = '', path = '/'] = uriForm.exec(uri) ?? []
  if (writtenScheme === undefined || host === undefined) return undefined
  const scheme = writtenScheme.toLowerCase()
  const isDefault = writtenPort === '' || writtenPort === defaultPorts.get(scheme)
  const port = isDefault ? '' : `:${writtenPort}`
  return `${scheme}://${host.toLowerCase()}${port}${path.replaceAll(/%[0-9a-f]{2}/gi, normalTriplet)}`
}

/** RFC 3986 section 2.3: only unreserved characters mean the same bare; `%2F` is not a slash. */
function normalTriplet(triplet: string): string {
  const character = String.fromCharCode(Number.parseInt(triplet.slice(1), 16))
  return /[\w.~-]/.test(character) ? character : triplet.toUpperCase()
}
