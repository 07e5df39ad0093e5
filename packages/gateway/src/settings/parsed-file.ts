import type { TlsFiles } from '@portcullis/runtime'
import { readSettingsFile, settingsError } from '@portcullis/runtime'
import { relayLimitsOf } from '../relay/settings.ts'
import type { RouteHost } from '../routing/host.ts'
import { parseRouteHost } from '../routing/host.ts'
import type { RouteMatch } from '../routing/match.ts'
import { parseRouteMatch } from '../routing/match.ts'
import {
  defaultBrowser,
  defaultLimits,
  defaultStop,
  maxStalenessSecondsDefault,
  sampleRatioDefault,
} from './defaults.ts'
import { mistakesBeyondSchema } from './mistakes.ts'
import type { AuthMembers, RateLimitMembers, RouteMembers, TlsMembers } from './schema.ts'
import { checkGatewayFile } from './schema.ts'
import type {
  GatewaySettings,
  Limits,
  RevocationSettings,
  Route,
  RouteAuth,
  RateLimit,
  RateLimitSettings,
  TlsSettings,
} from './settings.ts'

/**
 * Reads and checks the file. Throws a `StartError` for a file that cannot be read or is mistaken.
 */
export function readGatewayFile(path: string): GatewaySettings {
  return parseGatewaySettings(readSettingsFile(path), path)
}

/**
 * Checks settings and fills in defaults. Throws a `StartError` that names every mistake with its
 * JSON pointer: unknown members, wrong types, and what only shows when members are seen together.
 * `source` names the file in the error.
 *
 * Does NOT look whether the issuer or any upstream can be reached.
 */
export function parseGatewaySettings(
  value: unknown,
  source: string = 'portcullis.gateway.json',
): GatewaySettings {
  const checked = checkGatewayFile(value)
  const bySchema = checked.kind === 'mistaken' ? checked.mistakes : []
  const mistakes = [...bySchema, ...mistakesBeyondSchema(value)]
  if (checked.kind === 'mistaken' || mistakes.length > 0) throw settingsError(source, mistakes)

  const {
    listen,
    operations,
    issuer,
    clientFile,
    revocation = {},
    relay,
    trustedProxies = [],
    upstreamTls = {},
    proxyHeaders = 'x-forwarded',
    forwardAuth,
    browser,
    auth = {},
    routes,
    identityHeaders = {},
    limits: ownLimits = {},
    rateLimits = {},
    tracing,
    stop = {},
  } = checked.value
  const limits = { ...defaultLimits, ...ownLimits }
  const { tls, ...address } = listen
  return {
    listen: { host: loopback, ...address },
    tls: tls && tlsOf(tls),
    upstreamTls: { caFile: upstreamTls.ca },
    operations: operations === undefined ? undefined : { host: loopback, ...operations },
    issuer,
    clientFile,
    revocation: followed(revocation),
    relay: relay && relayLimitsOf(relay),
    trustedProxies,
    proxyHeaders,
    forwardAuth: forwardAuth && { ...forwardAuth, proxies: trustedProxies },
    browser: browser && { ...defaultBrowser, ...browser },
    routes: routes.map((route) => routeOf(route, auth, limits)),
    identityHeaders,
    limits,
    rateLimits: rateLimitsOf(rateLimits),
    tracing: tracing && { sampleRatio: sampleRatioDefault, ...tracing },
    stop: { ...defaultStop, ...stop },
  }
}

function tlsOf({ further = [], hsts, ...first }: TlsMembers): TlsSettings {
  const filesOf = ({ cert, key }: typeof first): TlsFiles => ({
    certificateFile: cert,
    keyFile: key,
  })
  const subDomains = hsts?.includeSubDomains === true ? '; includeSubDomains' : ''
  return {
    certificates: [filesOf(first), ...further.map(filesOf)],
    hsts: hsts && `max-age=${hsts.maxAgeSeconds}${subDomains}`,
  }
}

function routeOf(route: RouteMembers, defaultAuth: AuthMembers, defaults: Limits): Route {
  const { host, match, methods, to = [], rewrite, balance = 'round-robin', auth, limits } = route
  const { bodyBytes, idleTimeoutSeconds, totalTimeoutSeconds } = defaults
  const total = totalTimeoutSeconds === undefined ? {} : { totalTimeoutSeconds }
  return {
    host: host === undefined ? undefined : routeHost(host),
    match: routeMatch(match),
    methods,
    to,
    rewrite: rewrite === undefined ? undefined : rewrite.replace(/\/\*$/, ''),
    balance,
    auth: routeAuth({ ...defaultAuth, ...auth }),
    limits: { bodyBytes, idleTimeoutSeconds, ...total, ...limits },
    ...webSocketRoute(route),
  }
}

function webSocketRoute({
  upgrade = [],
  allowedOrigins = [],
}: RouteMembers): Pick<Route, 'webSocket'> {
  return upgrade.includes('websocket') ? { webSocket: { allowedOrigins } } : {}
}

function rateLimitsOf(limits: RateLimitMembers): RateLimitSettings {
  return {
    subject: rateLimitOf(limits.perSubjectPerSecond, limits.perSubjectBurst),
    client: rateLimitOf(limits.perClientPerSecond, limits.perClientBurst),
    network: rateLimitOf(limits.perNetworkPerSecond, limits.perNetworkBurst),
  }
}

function rateLimitOf(perSecond?: number, burst?: number): RateLimit | undefined {
  return perSecond === undefined ? undefined : { perSecond, burst: burst ?? Math.ceil(perSecond) }
}

/** The default is named, so that a route is held against the same one that counts. */
function followed(revocation: RevocationSettings): RevocationSettings {
  if (revocation === 'untilExpiry') return revocation
  return { maxStalenessSeconds: maxStalenessSecondsDefault, ...revocation }
}

const loopback = '127.0.0.1'

function routeHost(host: string): RouteHost {
  const parsed = parseRouteHost(host)
  if (parsed.kind === 'malformed') throw new TypeError('a malformed host was let through')
  return parsed.host
}

function routeMatch(match: string): RouteMatch {
  const parsed = parseRouteMatch(match)
  if (parsed.kind === 'malformed') throw new TypeError('a malformed match was let through')
  return parsed.match
}

function routeAuth(auth: AuthMembers): RouteAuth {
  const { mode = 'required', audience, scope = [], roles = [], ...fresh } = auth
  if (mode === 'none') return { mode }
  if (audience === undefined) throw new TypeError('a missing audience was let through')
  return { mode, audience, scope, roles, ...fresh }
}
