import type { ListenAddress, TlsFiles, TracingSettings } from '@portcullis/runtime'
import type { VerifierOptions } from '@portcullis/verify'
import type { DialectName } from '../forward-auth/dialects.ts'
import type { RelayLimits } from '../relay/settings.ts'
import type { RouteHost } from '../routing/host.ts'
import type { RouteMatch } from '../routing/match.ts'

/** What `portcullis.gateway.json` says, checked and with every default filled in. */
export interface GatewaySettings {
  readonly listen: ListenAddress
  /** Undefined: plain HTTP/1.1. */
  readonly tls: TlsSettings | undefined
  readonly upstreamTls: UpstreamTlsSettings
  /** Where operators ask for its health; undefined for nowhere. */
  readonly operations: ListenAddress | undefined
  readonly issuer: string
  /** Holds `client_id` and `client_secret`, by which the revocation feed is read. */
  readonly clientFile: string | undefined
  readonly revocation: RevocationSettings
  /** The feed is handed on at `/_portcullis`; undefined where it is not. */
  readonly relay: RelayLimits | undefined
  /** Addresses and networks (CIDR) of the proxies whose word about a request is believed. */
  readonly trustedProxies: readonly string[]
  readonly proxyHeaders: ProxyHeaders
  /** Questions of proxies are answered at `/_portcullis/authorize`; undefined where they are not. */
  readonly forwardAuth: ForwardAuthSettings | undefined
  /** Undefined where cookies are nothing to the gateway. */
  readonly browser: BrowserSettings | undefined
  readonly routes: readonly Route[]
  readonly identityHeaders: IdentityHeaderNames
  readonly limits: Limits
  readonly rateLimits: RateLimitSettings
  /** Undefined: no spans. */
  readonly tracing: TracingSettings | undefined
  readonly stop: StopSettings
}

/** How services are spoken to over https. */
export interface UpstreamTlsSettings {
  /** The authorities that sign their certificates, in PEM; undefined for those that Node trusts. */
  readonly caFile: string | undefined
}

export interface TlsSettings {
  /** The first is for clients that ask for no name (SNI), or for one that no other is for. */
  readonly certificates: readonly [TlsFiles, ...TlsFiles[]]
  /** `Strict-Transport-Security` of every answer (RFC 6797); undefined for none. */
  readonly hsts: string | undefined
}

/** How the gateway ends when it is told to. */
export interface StopSettings {
  /** How long it still takes what comes, while its readiness says that it goes. Default 0. */
  readonly notReadySeconds: number
  /** How long requests under way have to end, when nothing more is taken. Default 5. */
  readonly drainSeconds: number
}

/** What one of each may send; undefined: as much as it likes. */
export interface RateLimitSettings {
  readonly subject: RateLimit | undefined
  readonly client: RateLimit | undefined
  readonly network: RateLimit | undefined
}

export interface RateLimit {
  readonly perSecond: number
  /** So many at once. Default what comes in a second. */
  readonly burst: number
}

/**
 * What the trusted proxies write: `X-Forwarded-For`, `-Proto` and `-Host`, or `Forwarded` (RFC 7239). Never both,
 * because a proxy that writes one may hand on the other as its client has sent it.
 */
export type ProxyHeaders = 'x-forwarded' | 'forwarded'

export interface ForwardAuthSettings {
  readonly dialect: DialectName
  /** Addresses and networks (CIDR) of those who may ask. */
  readonly proxies: readonly string[]
}

/** How browsers sign in by the gateway. */
export interface BrowserSettings {
  /** The public client of identity that people sign in to, by its name or id. Default `web`. */
  readonly client: string
  /** Holds `client_id` and `client_secret` of one that is not public, in place of it. */
  readonly clientFile: string | undefined
  /** What a login asks for; undefined for all that the client has. */
  readonly audiences: readonly string[] | undefined
  /** Of so many sessions access tokens are held; for others identity is asked again. Default 20000. */
  readonly sessions: number
}

export interface Route {
  /** Undefined: every host that no other route names. */
  readonly host: RouteHost | undefined
  readonly match: RouteMatch
  /** Undefined: every method except CONNECT and TRACE. */
  readonly methods: readonly string[] | undefined
  /** Origins; none for a route that only proxies ask about. */
  readonly to: readonly string[]
  /** What is forwarded in place of the path of the match; undefined for the same. */
  readonly rewrite: string | undefined
  readonly balance: Balance
  readonly auth: RouteAuth
  readonly limits: RouteLimits
  /** Undefined where no WebSocket is opened. */
  readonly webSocket?: WebSocketRoute
}

export interface WebSocketRoute {
  /** Pages that may open one beside those of the host itself, as browsers say their origin. */
  readonly allowedOrigins: readonly string[]
}

/** Which service of a route is asked next: the one whose turn it is, or one with the fewest requests under way. */
export type Balance = 'round-robin' | 'least-busy'

/** What a route may have for itself. */
export type RouteLimits = Pick<Limits, 'bodyBytes' | 'idleTimeoutSeconds' | 'totalTimeoutSeconds'>

export type RouteAuth =
  | { readonly mode: 'none' }
  | {
      readonly mode: 'required' | 'optional'
      readonly audience: string
      /** All of these. */
      readonly scope: readonly string[]
      /** At least one of these; an empty list asks for none. */
      readonly roles: readonly string[]
      /** How old the issuer's last word may be here, where that is less than elsewhere. */
      readonly maxStalenessSeconds?: number
      /** How long ago the person may have signed in (RFC 9470). */
      readonly recentAuthSeconds?: number
    }

/** Whether and how closely the revocation feed is followed; see `@portcullis/verify`. */
export type RevocationSettings = NonNullable<VerifierOptions['revocation']>

/** The header that carries each claim to the service; a claim without a name is not carried. */
export interface IdentityHeaderNames {
  readonly subject?: string
  readonly roles?: string
  readonly scope?: string
  readonly session?: string
}

export interface Limits {
  /** Request line and headers together; more is 431. Default 16384. */
  readonly headerBytes: number
  /** Fields in the header of a request; more are 431. Default 100. */
  readonly headerCount: number
  /** More is 413. Default 10485760. */
  readonly bodyBytes: number
  /** From the first byte of a request to the end of the headers. Default 10. */
  readonly headersTimeoutSeconds: number
  /** How long client or service may be silent before they are given up. Default 60. */
  readonly idleTimeoutSeconds: number
  /** From the first byte of a request to the end of its body. Default 300. */
  readonly requestTimeoutSeconds: number
  /** From the headers of a request to the end of its answer, whatever that is. Default: as long as it takes. */
  readonly totalTimeoutSeconds?: number
  /** Connections of clients at a time; more are closed at once. Default 10000. */
  readonly connections: number
  /** Requests under way at a time; more are 503. Default 4096. */
  readonly requests: number
  /** Requests under way at one service; more are 503, or go to another one of the route. Default 1024. */
  readonly requestsPerService: number
}
