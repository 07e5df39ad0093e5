export { startGateway } from './gateway.ts'
export type {
  Gateway,
  GatewayHealth,
  GatewayOptions,
  PreparedSettings,
  Reloaded,
} from './gateway.ts'
export { startGatewayFromFile } from './gateway-file.ts'
export type { GatewayFromFile, GatewayFromFileOptions } from './gateway-file.ts'
export { parseGatewaySettings, readGatewayFile } from './settings/parsed-file.ts'
export type {
  Balance,
  BrowserSettings,
  ForwardAuthSettings,
  GatewaySettings,
  IdentityHeaderNames,
  Limits,
  ProxyHeaders,
  RateLimit,
  RateLimitSettings,
  RevocationSettings,
  Route,
  RouteAuth,
  RouteLimits,
  StopSettings,
  TlsSettings,
  UpstreamTlsSettings,
  WebSocketRoute,
} from './settings/settings.ts'
export type { RouteHost } from './routing/host.ts'
export type { RouteMatch } from './routing/match.ts'
