import { parseRequestTarget } from './request-target.ts'

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
  if (!text.startsWith('/')) return malformed('must begin with /')
  const isPrefix = text.endsWith('/*')
  const path = isPrefix ? text.slice(0, -2) : text
  if (path.includes('*')) return malformed('may hold * only as a final /*')
  if (!/^[\w\-.~/]*$/.test(path)) {
    return malformed('may hold only letters, digits, "-", ".", "_", "~" and "/"')
  }
  if (path.startsWith(ownPath))
    return malformed(`can match nothing: ${ownPath} is the gateway's own`)
  const target = parseRequestTarget(isPrefix ? `${path}/` : path)
  if (target.kind === 'ambiguous') return malformed(`can match nothing: ${target.why}`)
  return { kind: 'match', match: { text, path, isPrefix } }
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
