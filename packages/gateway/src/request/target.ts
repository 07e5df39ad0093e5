export type ParsedTarget =
  | { readonly kind: 'target'; readonly target: string; readonly path: string }
  | { readonly kind: 'ambiguous'; readonly why: string }

/**
 * Reads the request target of a request line, once for the whole gateway. Only the origin form is
 * served (RFC 9112 section 3.2.1), and only with a path that no two parsers read differently: each
 * path that some servers would fold, decode twice or cut is refused here instead of being
 * normalised, so the path that is judged is the path that is forwarded, byte for byte.
 *
 * Escapes of what needs no escape (RFC 3986 section 2.3) are refused too: `/%61dmin` and `/admin`
 * are one resource to the service behind, and must not be two to the route table.
 *
 * Does NOT look into the query, except that it must be visible ASCII without `#`: nothing is
 * decided by it. Does NOT fold case: a service behind must tell `/Admin` from `/admin`.
 */
export function parseRequestTarget(target: string): ParsedTarget {
  const queryAt = target.indexOf('?')
  const path = queryAt === -1 ? target : target.slice(0, queryAt)
  const query = queryAt === -1 ? '' : target.slice(queryAt)
  const why =
    pathFault(path) ?? (isQuery.test(query) ? undefined : 'its query is not visible ASCII')
  return why === undefined ? { kind: 'target', target, path } : { kind: 'ambiguous', why }
}

/** RFC 3986 section 3.3, `pchar` without the semicolon, which some servers take for a parameter. */
const isPath = /^(?:[\w\-.~!$&'()*+,=:@/]|%[0-9a-f]{2})*$/i
const isQuery = /^[\x21\x22\x24-\x7e]*$/

function pathFault(path: string): string | undefined {
  if (!path.startsWith('/')) return 'it is not in origin form'
  if (path.includes('//')) return 'its path has an empty segment'
  if (!isPath.test(path)) return 'its path has a character that a path cannot have'
  if (/\/\.{1,2}(?:\/|$)/.test(path)) return 'its path has a dot segment'
  return path.includes('%') ? escapeFault(path) : undefined
}

function escapeFault(path: string): string | undefined {
  // `%252e`, and the `%25u002e` of servers that know their own escape, become something else when
  // they are decoded a second time.
  if (/%25(?:[0-9a-f]{2}|u)/i.test(path)) return 'its path is escaped twice'
  for (const [, digits = ''] of path.matchAll(/%([0-9a-f]{2})/gi)) {
    const character = String.fromCharCode(Number.parseInt(digits, 16))
    if (/[\w\-.~]/.test(character)) return 'its path escapes a character that needs no escape'
    if (isHazardous.test(character)) return 'its path hides a delimiter or a control character'
  }
  try {
    // Refuses what is not UTF-8, overlong forms and surrogates included.
    decodeURIComponent(path)
    return undefined
  } catch {
    return 'its path is not UTF-8'
  }
}

/** Delimiters that a server which decodes before it splits would obey, and control characters. */
// eslint-disable-next-line no-control-regex
const isHazardous = /[/\\;?#\x00-\x1f\x7f]/
