import { randomBytes } from 'node:crypto'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensureClients, newClientCredential } from '@portcullis/identity'
import { freePort } from '../../tools/free-port.ts'
import { fillStore } from './identity-store.ts'
import type { ServerProcess } from './server-process.ts'
import { startServer } from './server-process.ts'

export type ServedAlgorithm = 'RS256' | 'ES256'

/** A folder as an operator of identity has one: settings, secrets in files, and the store. */
export interface IdentityFolder {
  readonly path: string
  /** What a store is called on the command line. */
  readonly database: string
  readonly issuer: string
  readonly ports: IdentityPorts
  /** The first refresh token of each session in the store, in any order. */
  readonly refreshTokens: readonly string[]
  readonly machine: { readonly clientId: string; readonly clientSecret: string }
}

interface IdentityPorts {
  readonly identity: number
  readonly operations: number
}

export const audience = 'orders'
const scopes: readonly string[] = ['orders:read', 'orders:write']
/** That of everybody in the store. */
export const password = 'correct horse battery staple'

/** Relative, because identity is started in its folder. */
const databaseName = 'identity.db'
const settingsName = 'identity.json'
const role = 'customer'
const source = fileURLToPath(new URL('../../packages/cli/src/main.ts', import.meta.url))
const built = fileURLToPath(new URL('../../packages/cli/dist/bin.js', import.meta.url))

/** How Node runs the command line: from the sources as in this repository, or as npm installs it. */
export const commands = {
  sources: ['--conditions=@portcullis/source', source],
  built: [built],
} as const satisfies Record<string, readonly string[]>

/**
 * Makes a store with so many sessions, one a person. Identity itself makes the empty one: in SQLite, unless
 * the address of an empty database is given.
 */
export async function makeIdentityFolder(
  sessions: number,
  postgresUrl?: string,
): Promise<IdentityFolder> {
  const path = mkdtempSync(join(tmpdir(), 'portcullis-bench-'))
  const pepper = randomBytes(32)
  const ports = { identity: await freePort(), operations: await freePort() }
  writeFileSync(join(path, 'sealing.key'), randomBytes(32).toString('base64'))
  writeFileSync(join(path, 'refresh.pepper'), pepper.toString('base64'))
  const machine = newClientCredential()
  const database = postgresUrl ?? `sqlite:${join(path, databaseName)}`
  const issuer = `http://localhost:${ports.identity}`
  const folder = { path, database, issuer, ports, machine, refreshTokens: [] }
  const first = await startIdentityIn(folder, 'RS256')
  await first.stop()
  const clients = [{ ...machine, name: 'machine', audiences: [audience], scopes }]
  await ensureClients(database, clients)
  const stock = { database, issuer, pepper, audience, role, sessions, password }
  return { ...folder, refreshTokens: await fillStore(stock) }
}

/** The same people and sessions, for an identity beside the first. */
export async function copyOfFolder(folder: IdentityFolder): Promise<IdentityFolder> {
  const path = mkdtempSync(join(tmpdir(), 'portcullis-bench-'))
  cpSync(folder.path, path, { recursive: true })
  const ports = { identity: await freePort(), operations: await freePort() }
  return { ...folder, path, database: `sqlite:${join(path, databaseName)}`, ports }
}

export function removeFolder({ path }: IdentityFolder): void {
  rmSync(path, { recursive: true, force: true })
}

export interface StartOptions {
  /** Default `sources`: what runs is the same, and cannot be out of date. */
  readonly how?: keyof typeof commands
  /** Default that of identity itself. 0 where sessions come round sooner. */
  readonly refreshGraceSeconds?: number
  /** Default that of identity itself. Wider where one machine plays a crowd. */
  readonly loginProtection?: Readonly<Record<string, number>>
  /** The feed is published there too. */
  readonly nats?: { readonly servers: readonly string[] }
  readonly streams?: { readonly reachableNetworks: readonly string[] }
}

/** `portcullis identity --config … --database …`, as anybody starts it. */
export async function startIdentityIn(
  folder: Pick<IdentityFolder, 'path' | 'database' | 'issuer' | 'ports'>,
  algorithm: ServedAlgorithm,
  { how = 'sources', ...chosen }: StartOptions = {},
): Promise<ServerProcess> {
  const { path, ports, database } = folder
  const settings = { ...settingsOf(folder, algorithm), ...chosen }
  writeFileSync(join(path, settingsName), JSON.stringify(settings))
  const server = await startServer({
    parameters: [...commands[how], 'identity', '--config', settingsName, '--database', database],
    folder: path,
    variables: {
      PORTCULLIS_SEALING_KEY_FILE: 'sealing.key',
      PORTCULLIS_REFRESH_PEPPER_FILE: 'refresh.pepper',
    },
    port: ports.identity,
    readyUrl: `http://127.0.0.1:${ports.operations}/health/ready`,
  })
  if (!server.output().includes('identity is ready')) throw new Error('identity does not say so')
  return server
}

function settingsOf(
  { issuer, ports }: Pick<IdentityFolder, 'issuer' | 'ports'>,
  algorithm: ServedAlgorithm,
): object {
  return {
    issuer,
    audiences: { [audience]: { scopes, roles: [role], algorithm } },
    roles: { [role]: { [audience]: scopes } },
    listen: { port: ports.identity },
    operations: { port: ports.operations },
  }
}
