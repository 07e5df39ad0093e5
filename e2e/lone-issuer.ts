import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ClientError, createClient } from '@portcullis/client'
import type { Administration, NewClient as AdministeredClient } from '@portcullis/client/admin'
import { createAdministration } from '@portcullis/client/admin'
import type { NewAccount, NewClient } from '@portcullis/identity'
import { bootstrap, newClientCredential, newRandomSecret } from '@portcullis/identity'
import { freePort } from '../tools/free-port.ts'
import { newFolder, postJson, removeFolder, runPortcullis } from './running-system.ts'
import { untilAnswered } from './until-answered.ts'

/** Identity alone, as a process, with somebody who signs in and a service that calls others. */
export interface LoneIssuer {
  readonly issuer: string
  readonly service: NewClient
  readonly signIn: () => Promise<{ readonly access: string; readonly refresh: string }>
  /** As an administrator does, and answers its id. */
  readonly makeClient: (client: AdministeredClient) => Promise<string>
  /** As an administrator does. False: the waiting key may not sign yet, or too many old ones are still published. */
  readonly rotateKeys: () => Promise<boolean>
  readonly stop: () => Promise<void>
}

/** `file`: members that its settings have beside the usual ones. `people`: who else may sign in. */
export async function startLoneIssuer(
  file: Readonly<Record<string, unknown>> = {},
  people: readonly NewAccount[] = [],
): Promise<LoneIssuer> {
  const folder = newFolder()
  const port = await freePort()
  const issuer = `http://localhost:${port}`
  const database = `sqlite:${join(folder, 'identity.db')}`
  const alice: NewAccount = {
    identifier: 'alice',
    password: newRandomSecret(),
    roles: ['customer'],
  }
  const admin: NewAccount = {
    identifier: 'admin',
    password: newRandomSecret(),
    roles: ['identity-admin'],
  }
  const service: NewClient = {
    ...newClientCredential(),
    name: 'orders-service',
    audiences: ['orders', 'reviews'],
    scopes: ['orders:read'],
    grants: ['client_credentials', 'token_exchange'],
  }
  await bootstrap({ database, accounts: [alice, admin, ...people], clients: [service] })
  const config = join(folder, 'portcullis.identity.json')
  writeFileSync(config, JSON.stringify({ ...settingsOf(issuer, port, database), ...file }))
  const run = runPortcullis(['identity', '--config', config], {
    folder,
    variables: {
      PORTCULLIS_SEALING_KEY: newRandomSecret(),
      PORTCULLIS_REFRESH_PEPPER: newRandomSecret(),
    },
  })
  const stop = async (): Promise<void> => {
    run.child.kill('SIGTERM')
    await run.ended
    removeFolder(folder)
  }
  try {
    await untilAnswered(`${issuer}/.well-known/jwks.json`)
  } catch (error) {
    await stop()
    throw new Error(`identity did not start: ${run.errors()}`, { cause: error })
  }
  const administer: Administer = (deed) => administerAt(issuer, admin, deed)
  return {
    issuer,
    service,
    stop,
    makeClient: (made) => administer(async ({ clients }) => (await clients.create(made)).id),
    rotateKeys: () => administer(rotateKeys),
    signIn: async () => {
      const { identifier, password } = alice
      const answer: unknown = await (
        await postJson(`${issuer}/login`, { identifier, password })
      ).json()
      const { access_token: access, refresh_token: refresh } = answer as Record<string, unknown>
      return { access: String(access), refresh: String(refresh) }
    },
  }
}

type Administer = <Result>(
  deed: (administration: Administration) => Promise<Result>,
) => Promise<Result>

async function administerAt<Result>(
  issuer: string,
  { identifier, password }: NewAccount,
  deed: (administration: Administration) => Promise<Result>,
): Promise<Result> {
  const client = createClient({ issuer, audience: issuer })
  await client.login({ identifier, password })
  const result = await deed(createAdministration(client))
  await client.logout()
  return result
}

async function rotateKeys({ keys }: Administration): Promise<boolean> {
  try {
    await keys.rotate()
    return true
  } catch (error) {
    if (error instanceof ClientError && error.status === 409) return false
    throw error
  }
}

function settingsOf(issuer: string, port: number, database: string): object {
  return {
    issuer,
    database,
    listen: { port },
    operations: { port: 0 },
    audiences: {
      orders: { scopes: ['orders:read', 'orders:write'], roles: ['customer'] },
      reviews: { scopes: ['reviews:write'], roles: ['customer'] },
    },
    roles: { customer: { orders: ['orders:read', 'orders:write'], reviews: ['reviews:write'] } },
    clients: {
      web: { public: true, grants: ['login', 'refresh_token'], audiences: ['orders', 'reviews'] },
    },
  }
}
