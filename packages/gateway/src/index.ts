export { startGateway } from './gateway.ts'
export type { Gateway, GatewayOptions } from './gateway.ts'
export { parseGatewaySettings, readGatewayFile } from './settings.ts'
export type {
  ForwardAuthSettings,
  GatewaySettings,
  IdentityHeaderNames,
  Limits,
  Route,
  RouteAuth,
} from './settings.ts'
export type { RouteMatch } from './route-match.ts'
