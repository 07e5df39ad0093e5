import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { NewAccount, NewClient } from '@portcullis/identity'
import { bootstrap, newClientCredential, newRandomSecret } from '@portcullis/identity'
import { freePort } from '../tools/free-port.ts'
import type { CommandRun } from './running-system.ts'
import { bearer, newFolder, postJson, removeFolder, runPortcullis } from './running-system.ts'
import type { SilentProxy } from './silent-proxy.ts'
import { startSilentProxy } from './silent-proxy.ts'
import { untilAnswered } from './until-answered.ts'

/** Identity as a process; whoever takes the issuer's name for an address reaches it through the proxy alone. */
export interface IssuerBehindProxy {
  readonly issuer: string
  readonly proxy: SilentProxy
  /** A JSON file with the id and the secret of a client that may read the feed. */
  readonly clientFile: string
  /** Not through the proxy, so that it works in a partition as well. */
  readonly signIn: () => Promise<string>
  readonly logOut: (token: string) => Promise<void>
  /** `portcullis keys …` as an administrator, when it has ended. It goes through the proxy. */
  readonly keys: (...parameters: readonly string[]) => Promise<CommandRun>
  /** SIGKILL, and a new process over the same files. */
  readonly restart: () => Promise<void>
  readonly stop: () => Promise<void>
}

export async function startIssuerBehindProxy(): Promise<IssuerBehindProxy> {
  const folder = newFolder()
  const port = await freePort()
  const proxy = await startSilentProxy(() => port)
  const issuer = `http://localhost:${proxy.port}`
  const reach = `http://localhost:${port}`
  const { identifier, password } = await prepare(folder, issuer, port)
  const identity = await startIdentity(folder, reach)
  return {
    issuer,
    proxy,
    clientFile: join(folder, 'client.json'),
    signIn: async () => {
      const answer = await postJson(`${reach}/login`, { identifier, password })
      const members = (await answer.json()) as Readonly<Record<string, unknown>>
      return String(members['access_token'])
    },
    logOut: async (token) => {
      const answer = await fetch(`${reach}/logout`, { method: 'POST', headers: bearer(token) })
      if (!answer.ok) throw new Error(`the logout was answered with ${answer.status}`)
    },
    keys: async (...parameters) => {
      const where = ['--issuer', issuer, '--credentials', 'credentials.json']
      const command = runPortcullis(['keys', ...parameters, ...where], { folder })
      await command.ended
      return command
    },
    restart: async () => {
      await identity.end('SIGKILL')
      await identity.start()
    },
    stop: async () => {
      await identity.end('SIGTERM')
      await proxy.close()
      removeFolder(folder)
    },
  }
}

/** Writes the store, the settings and the credentials; answers who may sign in. */
async function prepare(folder: string, issuer: string, port: number): Promise<NewAccount> {
  const at = (name: string): string => join(folder, name)
  const database = `sqlite:${at('identity.db')}`
  const [alice, admin] = [account('alice', 'customer'), account('admin', 'identity-admin')]
  const { clientId, clientSecret } = newClientCredential()
  const service: NewClient = {
    clientId,
    clientSecret,
    name: 'python-service',
    audiences: [],
    scopes: ['revocations.read'],
    grants: ['client_credentials'],
  }
  await bootstrap({ database, accounts: [alice, admin], clients: [service] })
  const settings = {
    issuer,
    database,
    listen: { port },
    operations: { port: 0 },
    // A key waits twice as long before it may sign.
    jwksMaxAgeSeconds: 1,
    audiences: { orders: { scopes: ['orders:read'], roles: ['customer'] } },
    roles: { customer: { orders: ['orders:read'] } },
    clients: { web: { public: true, grants: ['login', 'refresh_token'], audiences: ['orders'] } },
  }
  const files = {
    'portcullis.identity.json': settings,
    'client.json': { client_id: clientId, client_secret: clientSecret },
    'credentials.json': { accounts: [admin], clients: [] },
  }
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(at(name), JSON.stringify(content), { mode: 0o600 })
  }
  return alice
}

function account(identifier: string, role: string): NewAccount {
  return { identifier, password: newRandomSecret(), roles: [role] }
}

interface IdentityProcess {
  readonly start: () => Promise<void>
  readonly end: (signal: NodeJS.Signals) => Promise<void>
}

async function startIdentity(folder: string, reach: string): Promise<IdentityProcess> {
  const variables = {
    PORTCULLIS_SEALING_KEY: newRandomSecret(),
    PORTCULLIS_REFRESH_PEPPER: newRandomSecret(),
  }
  let run: CommandRun | undefined
  const identity: IdentityProcess = {
    start: async () => {
      const config = ['--config', 'portcullis.identity.json']
      run = runPortcullis(['identity', ...config], { folder, variables })
      await untilAnswered(`${reach}/.well-known/jwks.json`)
    },
    end: async (signal) => {
      run?.child.kill(signal)
      await run?.ended
    },
  }
  await identity.start()
  return identity
}
