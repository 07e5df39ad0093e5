import type { JsonObject, JsonValue } from '@portcullis/protocol'
import { isJsonObject, parseIssuer } from '@portcullis/protocol'
import type { Mistake } from '@portcullis/runtime'
import { parseNetwork } from '@portcullis/runtime/networks'
import { aliasOf, isHeaderName, isTaken } from '../headers/names.ts'
import { parseRouteHost } from '../routing/host.ts'
import { parseRouteMatch, rewriteFault } from '../routing/match.ts'
import { defaultLimits, maxStalenessSecondsDefault } from './defaults.ts'
import { listOf, shareMethod, wayRoundMistakes } from './way-round.ts'

/**
 * Finds what the schema of the file cannot say: texts that must mean something, and members that
 * must fit each other. Takes any value and looks only at what has the right type, so that a mistake
 * elsewhere hides none of these, and none is reported twice.
 */
export function mistakesBeyondSchema(file: unknown): readonly Mistake[] {
  if (!isJsonObject(file)) return []
  const { issuer, revocation, relay, forwardAuth } = file
  const { auth, routes, identityHeaders, rateLimits } = file
  const { relay: source } = isJsonObject(revocation) ? revocation : {}
  return [
    ...textMistakes('/issuer', issuer, issuerFault),
    ...textMistakes('/revocation/relay', source, issuerFault),
    ...(relay === undefined ? [] : relayMistakes(revocation, listOf(routes), auth)),
    ...browserMistakes(file['browser'], listOf(routes), auth),
    ...proxyMistakes(file),
    ...(forwardAuth === undefined ? listOf(routes).flatMap(goalMistakes) : []),
    ...listOf(routes).flatMap((route, index) => routeMistakes(`/routes/${index}`, route, auth)),
    ...listOf(routes).flatMap((route, index) =>
      isJsonObject(route) ? laxMistakes(`/routes/${index}/auth`, route['auth'], revocation) : [],
    ),
    ...laxMistakes('/auth', auth, revocation),
    ...twinMistakes(listOf(routes)),
    ...wayRoundMistakes(listOf(routes), auth),
    ...identityHeaderMistakes(identityHeaders),
    ...limitMistakes(file['limits']),
    ...burstMistakes(rateLimits),
    ...tracingMistakes(file['tracing']),
  ]
}

function tracingMistakes(tracing: JsonValue | undefined): Mistake[] {
  if (!isJsonObject(tracing)) return []
  return textMistakes('/tracing/endpoint', tracing['endpoint'], (text) => {
    const url = URL.parse(text)
    const isHttp = url?.protocol === 'http:' || url?.protocol === 'https:'
    const isPlain = isHttp && url.username === '' && url.password === '' && url.hash === ''
    return isPlain ? undefined : 'must be an http or https URL without a user'
  })
}

function burstMistakes(rateLimits: JsonValue | undefined): Mistake[] {
  if (!isJsonObject(rateLimits)) return []
  return ['Subject', 'Client', 'Network'].flatMap((kind) => {
    const [rate, burst] = [`per${kind}PerSecond`, `per${kind}Burst`]
    const isAlone = rateLimits[burst] !== undefined && rateLimits[rate] === undefined
    return isAlone
      ? [{ path: `/rateLimits/${burst}`, message: `has no effect without ${rate}` }]
      : []
  })
}

/** The headers are a part of the request. */
function limitMistakes(limits: JsonValue | undefined): Mistake[] {
  const own = isJsonObject(limits) ? limits : {}
  const { headersTimeoutSeconds, requestTimeoutSeconds } = { ...defaultLimits, ...own }
  if (typeof headersTimeoutSeconds !== 'number' || typeof requestTimeoutSeconds !== 'number') {
    return []
  }
  const message = `must not be less than /limits/headersTimeoutSeconds, which is ${headersTimeoutSeconds}`
  return requestTimeoutSeconds < headersTimeoutSeconds
    ? [{ path: '/limits/requestTimeoutSeconds', message }]
    : []
}

/** What is handed on is the feed that the routes are judged by. */
function relayMistakes(
  revocation: JsonValue | undefined,
  routes: readonly JsonValue[],
  defaults: JsonValue = {},
): Mistake[] {
  const isJudged = isAnyJudged(routes, defaults)
  const message = 'has no effect where no feed is followed for any route'
  return revocation === 'untilExpiry' || !isJudged ? [{ path: '/relay', message }] : []
}

function isAnyJudged(routes: readonly JsonValue[], defaults: JsonValue): boolean {
  return routes.some((route) => {
    const mode = isJsonObject(route) ? modeOf(route['auth']) : undefined
    return (mode ?? modeOf(defaults)) !== 'none'
  })
}

function browserMistakes(
  browser: JsonValue | undefined,
  routes: readonly JsonValue[],
  defaults: JsonValue = {},
): Mistake[] {
  if (!isJsonObject(browser)) return []
  const isTwice = browser['client'] !== undefined && browser['clientFile'] !== undefined
  const twice = { path: '/browser/client', message: 'has no effect beside /browser/clientFile' }
  const idle = { path: '/browser', message: 'has no effect where no route asks for a token' }
  return [...(isTwice ? [twice] : []), ...(isAnyJudged(routes, defaults) ? [] : [idle])]
}

/** Nobody is trusted by default, and nobody without need. */
function proxyMistakes({ trustedProxies, proxyHeaders, forwardAuth }: JsonObject): Mistake[] {
  const path = '/trustedProxies'
  const networks = listOf(trustedProxies).flatMap((network, index) =>
    textMistakes(`${path}/${index}`, network, networkFault),
  )
  if (trustedProxies !== undefined) return networks
  const idle = { path: '/proxyHeaders', message: 'has no effect without /trustedProxies' }
  const missing = { path, message: 'is required with /forwardAuth: the proxies that may ask' }
  return [
    ...(proxyHeaders === undefined ? [] : [idle]),
    ...(forwardAuth === undefined ? [] : [missing]),
  ]
}

/** A route that leads nowhere is one that proxies ask about. */
function goalMistakes(route: JsonValue, index: number): Mistake[] {
  if (!isJsonObject(route) || route['to'] !== undefined) return []
  return [{ path: `/routes/${index}/to`, message: 'is required without /forwardAuth' }]
}

function modeOf(auth: JsonValue | undefined): JsonValue | undefined {
  return isJsonObject(auth) ? auth['mode'] : undefined
}

function textMistakes(
  path: string,
  value: JsonValue | undefined,
  faultOf: (text: string) => string | undefined,
): Mistake[] {
  const message = typeof value === 'string' && value !== '' ? faultOf(value) : undefined
  return message === undefined ? [] : [{ path, message }]
}

function routeMistakes(path: string, route: JsonValue, defaults: JsonValue | undefined): Mistake[] {
  if (!isJsonObject(route)) return []
  return [
    ...textMistakes(`${path}/host`, route['host'], hostFault),
    ...textMistakes(`${path}/match`, route['match'], matchFault),
    ...textMistakes(`${path}/rewrite`, route['rewrite'], (text) => ownRewriteFault(text, route)),
    ...idleMistakes(path, route),
    ...listOf(route['to']).flatMap((origin, index) =>
      textMistakes(`${path}/to/${index}`, origin, originFault),
    ),
    ...authMistakes(path, route['auth'] ?? {}, defaults ?? {}),
    ...webSocketMistakes(path, route),
  ]
}

function webSocketMistakes(path: string, route: JsonObject): Mistake[] {
  const { upgrade, allowedOrigins, methods } = route
  const opens = listOf(upgrade).includes('websocket')
  const isWithoutGet = Array.isArray(methods) && !methods.includes('GET')
  return [
    ...listOf(allowedOrigins).flatMap((origin, index) =>
      textMistakes(`${path}/allowedOrigins/${index}`, origin, originFault),
    ),
    ...(allowedOrigins !== undefined && !opens
      ? [{ path: `${path}/allowedOrigins`, message: 'has no effect where no WebSocket is opened' }]
      : []),
    ...(opens && isWithoutGet
      ? [{ path: `${path}/upgrade`, message: 'has no effect where GET is not among the methods' }]
      : []),
  ]
}

/** Refused, because the operator would believe that it does something. */
function idleMistakes(path: string, { to, rewrite, balance, upgrade }: JsonObject): Mistake[] {
  return [
    ...(to === undefined && rewrite !== undefined
      ? [{ path: `${path}/rewrite`, message: 'has no effect without /to' }]
      : []),
    // A proxy that asks opens the WebSocket itself.
    ...(to === undefined && listOf(upgrade).length > 0
      ? [{ path: `${path}/upgrade`, message: 'has no effect without /to' }]
      : []),
    ...(listOf(to).length < 2 && balance !== undefined
      ? [{ path: `${path}/balance`, message: 'has no effect with less than two services' }]
      : []),
  ]
}

function authMistakes(path: string, own: JsonValue, defaults: JsonValue): Mistake[] {
  if (!isJsonObject(own) || !isJsonObject(defaults)) return []
  const { mode = 'required', audience } = { ...defaults, ...own }
  if (mode === 'required' || mode === 'optional') {
    const message = 'must have an audience, here or in the default /auth'
    return audience === undefined ? [{ path: `${path}/auth`, message }] : []
  }
  // Refused, because the operator would believe that the scope is checked.
  return ['audience', 'scope', 'roles', 'maxStalenessSeconds', 'recentAuthSeconds']
    .filter((member) => mode === 'none' && own[member] !== undefined)
    .map((member) => ({
      path: `${path}/auth/${member}`,
      message: 'has no effect where the mode is none',
    }))
}

/** Refused, because the operator would believe that old tokens are taken there. */
function laxMistakes(
  path: string,
  auth: JsonValue | undefined,
  revocation: JsonValue = {},
): Mistake[] {
  // Without a feed the route's own bound is the only one, and so it is where stale tokens are accepted.
  if (!isJsonObject(auth) || !isJsonObject(revocation) || revocation['whenStale'] === 'accept') {
    return []
  }
  const { maxStalenessSeconds: own } = auth
  const { maxStalenessSeconds: everywhere = maxStalenessSecondsDefault } = revocation
  if (typeof own !== 'number' || typeof everywhere !== 'number' || own <= everywhere) return []
  const where = `/revocation/maxStalenessSeconds is ${everywhere} for every route`
  const message = `has no effect: ${where}, and one route can only be stricter. Make it ${everywhere} or less, or raise that`
  return [{ path: `${path}/maxStalenessSeconds`, message }]
}

/** Two routes that would both answer the same request. */
function twinMistakes(routes: readonly JsonValue[]): Mistake[] {
  return routes.flatMap((route, index) => {
    const twin = routes.findIndex((other) => isTwin(route, other))
    const message = `answers the same host, match and method as /routes/${twin}`
    return twin < index && twin !== -1 ? [{ path: `/routes/${index}`, message }] : []
  })
}

function isTwin(route: JsonValue, other: JsonValue): boolean {
  if (!isJsonObject(route) || !isJsonObject(other)) return false
  if (typeof route['match'] !== 'string' || route['match'] !== other['match']) return false
  if (hostOf(route) !== hostOf(other)) return false
  return shareMethod(route, other)
}

function hostOf({ host }: JsonObject): JsonValue | undefined {
  const parsed = typeof host === 'string' ? parseRouteHost(host) : undefined
  return parsed?.kind === 'host' ? parsed.host.text : host
}

function identityHeaderMistakes(identityHeaders: JsonValue | undefined): Mistake[] {
  if (!isJsonObject(identityHeaders)) return []
  const names = Object.entries(identityHeaders)
  return names.flatMap(([claim, name], index) => {
    const path = `/identityHeaders/${claim}`
    const isTakenBefore = names.slice(0, index).some(([, other]) => isSameHeader(name, other))
    const message = 'must not be the name of another identity header'
    return [...textMistakes(path, name, headerFault), ...(isTakenBefore ? [{ path, message }] : [])]
  })
}

function isSameHeader(name: JsonObject[string], other: JsonObject[string]): boolean {
  return typeof name === 'string' && typeof other === 'string' && aliasOf(name) === aliasOf(other)
}

function issuerFault(text: string): string | undefined {
  const parsed = parseIssuer(text)
  return parsed.kind === 'malformed' ? `is not an issuer: ${parsed.why}` : undefined
}

function hostFault(text: string): string | undefined {
  const parsed = parseRouteHost(text)
  return parsed.kind === 'malformed' ? parsed.why : undefined
}

function ownRewriteFault(text: string, { match }: JsonObject): string | undefined {
  const parsed = typeof match === 'string' ? parseRouteMatch(match) : undefined
  return parsed?.kind === 'match' ? rewriteFault(text, parsed.match) : undefined
}

function matchFault(text: string): string | undefined {
  const parsed = parseRouteMatch(text)
  return parsed.kind === 'malformed' ? parsed.why : undefined
}

function originFault(text: string): string | undefined {
  const url = URL.parse(text)
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    return 'must be an http or https origin'
  }
  return text === url.origin ? undefined : `must be an origin and nothing more: write ${url.origin}`
}

function networkFault(text: string): string | undefined {
  const parsed = parseNetwork(text)
  return parsed.kind === 'malformed' ? parsed.why : undefined
}

function headerFault(text: string): string | undefined {
  if (!isHeaderName(text)) return 'must be a header name'
  return isTaken(text) ? 'must not be a header with a meaning of its own' : undefined
}
