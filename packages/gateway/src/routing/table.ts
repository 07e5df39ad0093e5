import { hostsOf } from './host.ts'
import { fits } from './match.ts'
import type { Route } from '../settings/settings.ts'

export type FoundRoute =
  | { readonly kind: 'route'; readonly match: string; readonly route: Route }
  | { readonly kind: 'method-not-allowed'; readonly match: string; readonly allow: string }
  | { readonly kind: 'not-found' }

export interface RouteTable {
  /** `host` as the request says it, with the port if it says one. */
  readonly find: (host: string, path: string, method: string) => FoundRoute
}

/**
 * Finds the route of a request. A host that the file names is served by the routes that name it and by no
 * others, and every other host by those without one. Among these the most specific match decides alone,
 * exact before prefix and the longer prefix first: when its routes do not have the method, the answer
 * is 405, and no wider match is asked, which might judge the request by laxer rules. HEAD is a
 * method like any other.
 */
export function createRouteTable(routes: readonly Route[]): RouteTable {
  const byHost = Map.groupBy(routes, ({ host }) => host?.text)
  const everywhere = createPathTable('', byHost.get(undefined) ?? [])
  byHost.delete(undefined)
  const tables = new Map<string, PathTable>()
  for (const [host = '', own] of byHost) tables.set(host, createPathTable(host, own))
  if (tables.size === 0) return { find: (_host, path, method) => everywhere(path, method) }
  return {
    find: (host, path, method) => {
      const named = hostsOf(host).find((name) => tables.has(name))
      const table = (named === undefined ? undefined : tables.get(named)) ?? everywhere
      return table(path, method)
    },
  }
}

type PathTable = (path: string, method: string) => FoundRoute

function createPathTable(host: string, routes: readonly Route[]): PathTable {
  const groups = [...Map.groupBy(routes, (route) => route.match.text).values()].toSorted(
    bySpecificity,
  )
  return (path, method) => {
    const group = groups.find(([first]) => first !== undefined && fits(first.match, path))
    const [first] = group ?? []
    if (group === undefined || first === undefined) return { kind: 'not-found' }
    const route = group.find(({ methods }) => methods?.includes(method) ?? isServed(method))
    const match = host + first.match.text
    return route === undefined
      ? { kind: 'method-not-allowed', match, allow: allowed(group) }
      : { kind: 'route', match, route }
  }
}

function bySpecificity([left]: readonly Route[], [right]: readonly Route[]): number {
  if (left === undefined || right === undefined) return 0
  if (left.match.isPrefix !== right.match.isPrefix) return left.match.isPrefix ? 1 : -1
  return right.match.path.length - left.match.path.length
}

/**
 * RFC 9110 section 9.3.8: TRACE would echo the credentials of a request into its answer. CONNECT
 * never gets this far.
 */
function isServed(method: string): boolean {
  return method !== 'TRACE' && method !== 'CONNECT'
}

/** For a route without a list, the methods that most services have (RFC 9110 section 10.2.1). */
const usualMethods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

function allowed(group: readonly Route[]): string {
  return group.flatMap(({ methods }) => methods ?? usualMethods).join(', ')
}
