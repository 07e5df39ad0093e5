import type { JsonObject, JsonValue } from '@portcullis/protocol'
import { isJsonObject } from '@portcullis/protocol'
import type { Mistake } from '@portcullis/runtime'
import type { RouteMatch } from '../routing/match.ts'
import { fits, parseRouteMatch } from '../routing/match.ts'

/**
 * A rewrite can lead round the rules of another route: with `/public/*` rewritten to `/*`, the request
 * `/public/admin` reaches `/admin` of the service by the rules of `/public/*`. It is a mistake where the
 * other route leads to the same service, lies where the rewrite leads, and asks for more. Takes any
 * value and looks only at what has the right type.
 */
export function wayRoundMistakes(
  routes: readonly JsonValue[],
  defaults: JsonValue = {},
): readonly Mistake[] {
  const led = routes.map((route) => ledRoute(route, defaults))
  return led.flatMap((route, index) => {
    if (route?.isRewritten !== true) return []
    const guarded = led.findIndex((other) => other !== undefined && leadsRound(route, other))
    const message = `leads to ${led[guarded]?.goal.text} of a service, for which /routes/${guarded} asks for more`
    return guarded === -1 ? [] : [{ path: `/routes/${index}/rewrite`, message }]
  })
}

/** A route by what its service gets. */
interface LedRoute {
  readonly goal: RouteMatch
  readonly isRewritten: boolean
  readonly route: JsonObject
  readonly auth: JsonObject
}

function ledRoute(route: JsonValue, defaults: JsonValue): LedRoute | undefined {
  if (!isJsonObject(route) || !isJsonObject(defaults)) return undefined
  const { match, rewrite, auth = {} } = route
  const goal = rewrite ?? match
  if (typeof goal !== 'string' || !isJsonObject(auth)) return undefined
  const parsed = parseRouteMatch(goal)
  if (parsed.kind === 'malformed') return undefined
  const isRewritten = rewrite !== undefined
  return { goal: parsed.match, isRewritten, route, auth: { ...defaults, ...auth } }
}

function leadsRound(from: LedRoute, to: LedRoute): boolean {
  const origins = listOf(to.route['to'])
  return (
    from !== to &&
    listOf(from.route['to']).some((origin) => origins.includes(origin)) &&
    fits(from.goal, to.goal.path) &&
    shareMethod(from.route, to.route) &&
    !asksAsMuch(from.auth, to.auth)
  )
}

/** What a route without `methods` serves is among those of every other. */
export function shareMethod(route: JsonObject, other: JsonObject): boolean {
  const methods = listOf(other['methods'])
  return (
    !Array.isArray(route['methods']) ||
    !Array.isArray(other['methods']) ||
    listOf(route['methods']).some((method) => methods.includes(method))
  )
}

/** True when whoever passes the first passes the second. */
function asksAsMuch(first: JsonObject, second: JsonObject): boolean {
  if (second['mode'] === 'none') return true
  if (strictness(first) < strictness(second) || first['audience'] !== second['audience'])
    return false
  const scope = listOf(first['scope'])
  const [roles, roleAmong] = [listOf(first['roles']), listOf(second['roles'])]
  return (
    listOf(second['scope']).every((name) => scope.includes(name)) &&
    (roleAmong.length === 0 ||
      (roles.length > 0 && roles.every((role) => roleAmong.includes(role)))) &&
    isAtMost(first['maxStalenessSeconds'], second['maxStalenessSeconds']) &&
    isAtMost(first['recentAuthSeconds'], second['recentAuthSeconds'])
  )
}

const modes: readonly (JsonValue | undefined)[] = ['none', 'optional', 'required']

function strictness({ mode = 'required' }: JsonObject): number {
  return modes.indexOf(mode)
}

function isAtMost(bound: JsonValue | undefined, other: JsonValue | undefined): boolean {
  return other === undefined || (typeof bound === 'number' && bound <= Number(other))
}

export function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? value : []
}
