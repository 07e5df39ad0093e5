import { parseRequestTarget } from '../request/target.ts'

/** The `match` of a route: one path, or everything below one. */
export interface RouteMatch {
  /** As it stands in the file; the name of the route in the access log. */
  readonly text: string
  /** Without the final `/*`; empty for the match `/*`. */
  readonly path: string
  readonly isPrefix: boolean
}

export type ParsedRouteMatch =
  | { readonly kind: 'match'; readonly match: RouteMatch }
  | { readonly kind: 'malformed'; readonly why: string }

/**
 * Reads a `match`. It holds only letters, digits, `-`, `.`, `_`, `~` and slashes, all of which a
 * request must write unescaped: so a request has no second spelling that slips past an exact match.
 */
export function parseRouteMatch(text: string): ParsedRouteMatch {
  const parsed = parsePaths(text)
  if (parsed.kind === 'malformed') return parsed
  const isOwn = parsed.match.path.startsWith(ownPath)
  return isOwn ? malformed(`can match nothing: ${ownPath} is the gateway's own`) : parsed
}

function parsePaths(text: string): ParsedRouteMatch {
  if (!text.startsWith('/')) return malformed('must begin with /')
  const isPrefix = text.endsWith('/*')
  const path = isPrefix ? text.slice(0, -2) : text
  if (path.includes('*')) return malformed('may hold * only as a final /*')
  if (!/^[\w\-.~/]*$/.test(path)) {
    return malformed('may hold only letters, digits, "-", ".", "_", "~" and "/"')
  }
  const target = parseRequestTarget(isPrefix ? `${path}/` : path)
  if (target.kind === 'ambiguous') return malformed(`can be no path: ${target.why}`)
  return { kind: 'match', match: { text, path, isPrefix } }
}

/** What is wrong with a `rewrite` beside its match: it is of the same characters and the same kind. */
export function rewriteFault(text: string, match: RouteMatch): string | undefined {
  const parsed = parsePaths(text)
  if (parsed.kind === 'malformed') return parsed.why
  if (parsed.match.isPrefix === match.isPrefix) return undefined
  return match.isPrefix ? 'must end in /*, as the match does' : 'must be one path, as the match is'
}

/**
 * The target that is forwarded for one that fits the match: the path of the match is exchanged for that of the
 * rewrite, and nothing else is touched, decoded or encoded. Both end at a slash or at the end, so what
 * was an unambiguous target is one afterwards.
 */
export function rewritten(
  { match, rewrite }: { readonly match: RouteMatch; readonly rewrite: string | undefined },
  target: string,
): string {
  if (rewrite === undefined) return target
  const rest = target.slice(match.path.length)
  // `/public?a` below `/*` would leave no path (RFC 9112 section 3.2.1).
  return rewrite === '' && !rest.startsWith('/') ? `/${rest}` : rewrite + rest
}

/** What begins with it is answered by the gateway itself. */
export const ownPath = '/_portcullis'

/** `/orders/*` fits `/orders`, `/orders/` and all below it, and never `/ordersX`. */
export function fits(match: RouteMatch, path: string): boolean {
  if (!match.isPrefix) return path === match.path
  return (
    path.startsWith(match.path) &&
    (path.length === match.path.length || path[match.path.length] === '/')
  )
}

function malformed(why: string): ParsedRouteMatch {
  return { kind: 'malformed', why }
}
