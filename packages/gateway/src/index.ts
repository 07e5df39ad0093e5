export { startGateway } from './gateway.ts'
export type { Gateway, GatewayOptions, Reloaded } from './gateway.ts'
export { startGatewayFromFile } from './gateway-file.ts'
export type { GatewayFromFile, GatewayFromFileOptions } from './gateway-file.ts'
export { parseGatewaySettings, readGatewayFile } from './settings-file.ts'
export type {
  Balance,
  ForwardAuthSettings,
  GatewaySettings,
  IdentityHeaderNames,
  Limits,
  Route,
  RouteAuth,
  RouteLimits,
} from './settings.ts'
export type { RouteHost } from './route-host.ts'
export type { RouteMatch } from './route-match.ts'
