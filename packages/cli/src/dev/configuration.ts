import { join } from 'node:path'
import { writePrivateFile } from '../private-file.ts'
import type { DataFolder } from './folder-paths.ts'
import type { Ports } from './ports.ts'

export interface Endpoints {
  readonly identity: string
  readonly gateway: string
  readonly orders: string
  readonly reviews: string
  readonly operations: string
  readonly gatewayOperations: string
}

export interface Configuration {
  readonly endpoints: Endpoints
  readonly identityFile: string
  readonly gatewayFile: string
}

/** How a development system may differ from the defaults of its parts. */
export interface DevSettings {
  /** Where others reach identity, when that is not the port it listens on. */
  readonly issuer?: string | undefined
  readonly jwksMaxAgeSeconds?: number | undefined
  readonly refreshGraceSeconds?: number | undefined
  readonly maxStalenessSeconds?: number | undefined
}

/** Writes the settings files of the parts for these ports, and `endpoints.json` for whoever looks. */
export function writeConfiguration(
  folder: DataFolder,
  ports: Ports,
  chosen: DevSettings,
): Configuration {
  const endpoints: Endpoints = {
    identity: chosen.issuer ?? `http://localhost:${ports.identity}`,
    gateway: `http://localhost:${ports.gateway}`,
    orders: `http://localhost:${ports.orders}`,
    reviews: `http://localhost:${ports.reviews}`,
    operations: `http://localhost:${ports.operations}`,
    gatewayOperations: `http://localhost:${ports.gatewayOperations}`,
  }
  const write = (name: string, value: object): string => {
    const path = join(folder.path, name)
    writePrivateFile(path, JSON.stringify(value, undefined, 2))
    return path
  }
  const identityFile = write('identity.json', identitySettings(folder, ports, endpoints, chosen))
  const gatewayFile = write('gateway.json', gatewaySettings(folder, ports, endpoints, chosen))
  write('endpoints.json', endpoints)
  return { endpoints, identityFile, gatewayFile }
}

function identitySettings(
  folder: DataFolder,
  ports: Ports,
  endpoints: Endpoints,
  { jwksMaxAgeSeconds, refreshGraceSeconds }: DevSettings,
): object {
  const orders = ['orders:read', 'orders:write']
  const reviews = ['reviews:write']
  return {
    issuer: endpoints.identity,
    listen: { port: ports.identity },
    operations: { port: ports.operations },
    database: folder.database,
    jwksMaxAgeSeconds,
    refreshGraceSeconds,
    // Whoever develops a receiver has it on this machine.
    streams: { reachableNetworks: ['127.0.0.0/8', '::1'] },
    audiences: {
      orders: { scopes: orders, roles: ['customer', 'admin'] },
      reviews: { scopes: reviews, roles: ['customer', 'moderator'] },
    },
    roles: { customer: { orders, reviews }, admin: { orders }, moderator: { reviews } },
    clients: {
      web: { public: true, grants: ['login', 'refresh_token'], audiences: ['orders', 'reviews'] },
    },
  }
}

function gatewaySettings(
  folder: DataFolder,
  ports: Ports,
  endpoints: Endpoints,
  { maxStalenessSeconds }: DevSettings,
): object {
  const orders = [`http://127.0.0.1:${ports.orders}`]
  const reviews = [`http://127.0.0.1:${ports.reviews}`]
  return {
    listen: { port: ports.gateway },
    operations: { port: ports.gatewayOperations },
    issuer: endpoints.identity,
    clientFile: folder.gatewayClientFile,
    revocation: maxStalenessSeconds === undefined ? undefined : { maxStalenessSeconds },
    auth: { mode: 'required', audience: 'orders' },
    // No order and no query is larger; what is longer is refused before it reaches the service.
    limits: { bodyBytes: 16_384 },
    routes: [
      {
        match: '/orders/*',
        methods: ['GET', 'POST'],
        to: orders,
        auth: { scope: ['orders:read'] },
      },
      { match: '/orders/*', methods: ['DELETE'], to: orders, auth: { roles: ['admin'] } },
      // Reading is for everybody; who writes is checked by the service, field by field.
      { match: '/reviews/*', to: reviews, auth: { mode: 'optional', audience: 'reviews' } },
    ],
  }
}
