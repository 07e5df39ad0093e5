import { existsSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import type { NewClient } from '@portcullis/identity'
import {
  bootstrap,
  ensureClients,
  newClientCredential,
  newRandomSecret,
  readSealingKeys,
} from '@portcullis/identity'
import { administratorRole, revocationsScope } from '@portcullis/protocol'
import { StartError } from '@portcullis/runtime'
import type { Credentials, FileClient } from '../credentials-file.ts'
import { readCredentials, readFileClient } from '../credentials-file.ts'
import { writePrivateFile } from '../private-file.ts'
import type { DataFolder } from './folder-paths.ts'

/**
 * Makes what a first start needs, and leaves alone what is there: sealing key, pepper, passwords and
 * client secrets, all random, all in 0600 files, and then the accounts in the store. The files come first,
 * so that a crash in between is mended by the next start.
 */
export async function prepareDataFolder(folder: DataFolder): Promise<void> {
  // Whatever repository this is a part of: none of it is for others.
  const ignored = join(folder.path, '.gitignore')
  if (!existsSync(ignored)) writePrivateFile(ignored, '*')
  if (!existsSync(folder.sealingKeyFile)) {
    refuseIfStoreExists(folder, folder.sealingKeyFile)
    writePrivateFile(folder.sealingKeyFile, newRandomSecret())
  }
  if (!existsSync(folder.pepperFile)) {
    refuseIfStoreExists(folder, folder.pepperFile)
    writePrivateFile(folder.pepperFile, newRandomSecret())
  }
  if (!existsSync(folder.credentialsFile)) {
    refuseIfStoreExists(folder, folder.credentialsFile)
    writeJson(folder.credentialsFile, newCredentials())
  }
  const credentials = readCredentials(folder.credentialsFile)
  await fillStore(folder, credentials)
  await ensureServiceClients(folder)
  for (const { identifier, password } of credentials.accounts) {
    const path = join(folder.path, `login-${identifier}.json`)
    // Left alone afterwards: whoever changes a password puts the new one there.
    if (!existsSync(path)) writeJson(path, { identifier, password })
  }
}

async function fillStore(folder: DataFolder, { accounts, clients }: Credentials): Promise<void> {
  const machines = clients.map((client) => ({
    ...newClientOf(client),
    name: 'machine',
    audiences: ['orders'],
  }))
  const sealingKeys = readSealingKeys({ PORTCULLIS_SEALING_KEY_FILE: folder.sealingKeyFile })
  // A store that has accounts is left as it is.
  await bootstrap({ database: folder.database, accounts, clients: machines, sealingKeys })
}

/**
 * A client that an administrator has deleted is made anew, with another id: a development system does not run without it.
 * Again the file comes first.
 */
async function ensureServiceClients(folder: DataFolder): Promise<void> {
  const files = new Map([
    ['gateway-service', folder.gatewayClientFile],
    ['orders-service', folder.ordersClientFile],
    ['reviews-service', folder.reviewsClientFile],
  ])
  const ensure = (): ReturnType<typeof ensureClients> =>
    ensureClients(
      folder.database,
      Array.from(files, ([name, path]) => serviceClient(name, path)),
    )
  for (const { name, why } of await ensure()) {
    const path = files.get(name)
    if (path === undefined || why !== 'deleted') continue
    process.stdout.write(`${name} was deleted; it is made anew, with a credential in ${path}\n`)
    writeJson(path, newFileClient(revocationsScope))
  }
  const [other] = await ensure()
  if (other === undefined) return
  throw new StartError(
    `the database knows ${other.name} with another credential than ${files.get(other.name)} has`,
    `Put there what \`clients rotate-secret --write-to\` has written, or delete ${folder.path} to start over.`,
  )
}

/** The client by which a service reads the revocation feed; its credential is in a file of its own. */
function serviceClient(name: string, path: string): NewClient {
  if (!existsSync(path)) writeJson(path, newFileClient(revocationsScope))
  return { ...newClientOf(readFileClient(path)), name, audiences: [] }
}

function newClientOf(client: FileClient): Omit<NewClient, 'name' | 'audiences'> {
  return {
    clientId: client.client_id,
    clientSecret: client.client_secret,
    scopes: client.scope.split(' '),
  }
}

function newCredentials(): Credentials {
  return {
    accounts: [
      {
        identifier: 'admin',
        password: newRandomSecret(),
        roles: [administratorRole, 'admin', 'moderator'],
      },
      { identifier: 'alice', password: newRandomSecret(), roles: ['customer'] },
    ],
    clients: [newFileClient('orders:read')],
  }
}

function newFileClient(scope: string): FileClient {
  const { clientId, clientSecret } = newClientCredential()
  return { client_id: clientId, client_secret: clientSecret, scope }
}

/** A secret that the store was made with cannot be made again. */
function refuseIfStoreExists(folder: DataFolder, missing: string): void {
  if (!existsSync(folder.database.slice('sqlite:'.length))) return
  throw new StartError(
    `${missing} is missing, but the database that was made with it is there`,
    `Put the file back, or delete ${folder.path} to start over.`,
  )
}

function writeJson(path: string, value: object): void {
  writePrivateFile(path, JSON.stringify(value, undefined, 2))
}
