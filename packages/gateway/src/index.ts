export { startGateway } from './gateway.ts'
export type { Gateway, GatewayOptions, Reloaded } from './gateway.ts'
export { startGatewayFromFile } from './gateway-file.ts'
export type { GatewayFromFile, GatewayFromFileOptions } from './gateway-file.ts'
export { parseGatewaySettings, readGatewayFile } from './settings/parsed-file.ts'
export type {
  Balance,
  ForwardAuthSettings,
  GatewaySettings,
  IdentityHeaderNames,
  Limits,
  Route,
  RouteAuth,
  RouteLimits,
} from './settings/settings.ts'
export type { RouteHost } from './routing/host.ts'
export type { RouteMatch } from './routing/match.ts'
