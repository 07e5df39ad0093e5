import { join } from 'node:path'
import { writePrivateFile } from '../private-file.ts'
import type { DataFolder } from './folder-paths.ts'
import type { Ports } from './ports.ts'

export interface Endpoints {
  readonly identity: string
  readonly gateway: string
  readonly orders: string
  readonly operations: string
}

export interface Configuration {
  readonly endpoints: Endpoints
  readonly identityFile: string
  readonly gatewayFile: string
}

/** Writes the settings files of the parts for these ports, and `endpoints.json` for whoever looks. */
export function writeConfiguration(folder: DataFolder, ports: Ports): Configuration {
  const endpoints: Endpoints = {
    identity: `http://localhost:${ports.identity}`,
    gateway: `http://localhost:${ports.gateway}`,
    orders: `http://localhost:${ports.orders}`,
    operations: `http://localhost:${ports.operations}`,
  }
  const write = (name: string, value: object): string => {
    const path = join(folder.path, name)
    writePrivateFile(path, JSON.stringify(value, undefined, 2))
    return path
  }
  const identityFile = write('identity.json', identitySettings(folder, ports, endpoints))
  const gatewayFile = write('gateway.json', gatewaySettings(ports, endpoints))
  write('endpoints.json', endpoints)
  return { endpoints, identityFile, gatewayFile }
}

function identitySettings(folder: DataFolder, ports: Ports, endpoints: Endpoints): object {
  const everything = ['orders:read', 'orders:write']
  return {
    issuer: endpoints.identity,
    listen: { port: ports.identity },
    operations: { port: ports.operations },
    database: folder.database,
    audiences: { orders: { scopes: everything, roles: ['customer', 'admin'] } },
    roles: { customer: { orders: everything }, admin: { orders: everything } },
    clients: {
      web: { public: true, grants: ['login', 'refresh_token'], audiences: ['orders'] },
    },
  }
}

function gatewaySettings(ports: Ports, endpoints: Endpoints): object {
  const to = [`http://127.0.0.1:${ports.orders}`]
  return {
    listen: { port: ports.gateway },
    operations: { port: ports.gatewayOperations },
    issuer: endpoints.identity,
    auth: { mode: 'required', audience: 'orders' },
    // No order is larger; what is longer is refused before it reaches the service.
    limits: { bodyBytes: 16_384 },
    routes: [
      { match: '/orders/*', methods: ['GET', 'POST'], to, auth: { scope: ['orders:read'] } },
      { match: '/orders/*', methods: ['DELETE'], to, auth: { roles: ['admin'] } },
    ],
  }
}
