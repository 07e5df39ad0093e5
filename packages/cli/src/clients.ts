import { existsSync } from 'node:fs'
import { ensureClients, newClientCredential } from '@portcullis/identity'
import { CommandError } from './command-error.ts'
import { requireDatabase } from './database-address.ts'
import { writePrivateFile } from './private-file.ts'

export interface CreateClientOptions {
  readonly database?: string
  readonly scope: string
  readonly audience?: string
  readonly credentials: string
}

/** Makes a machine client. The secret is in the file and nowhere else; the store has its hash. */
export async function runCreateClient(
  name: string,
  { database: named, scope, audience, credentials }: CreateClientOptions,
): Promise<void> {
  const database = requireDatabase(named)
  if (existsSync(credentials)) {
    const remedy = 'Name another file with --credentials; this one may hold the only copy.'
    throw new CommandError(1, `${credentials} is there already`, remedy)
  }
  requireStore(database)
  const { clientId, clientSecret } = newClientCredential()
  const content = { client_id: clientId, client_secret: clientSecret, scope }
  // The file first: a client whose secret is nowhere helps nobody.
  const file = writePrivateFile(credentials, JSON.stringify(content, undefined, 2))
  try {
    const scopes = scope.split(' ').filter((text) => text !== '')
    const audiences = audience?.split(' ').filter((text) => text !== '') ?? []
    const taken = await ensureClients(database, [
      { clientId, clientSecret, name, audiences, scopes },
    ])
    if (taken.length > 0) {
      throw new CommandError(1, `there is a client ${name} already`, 'Choose another name.')
    }
  } catch (error) {
    file.remove()
    throw error
  }
  process.stdout.write(
    `the client ${name} can ask for ${scope}, as far as the settings of its issuer know that; its secret is in ${credentials}\n`,
  )
}

/** A mistyped path would become a store of its own, with a client that no issuer knows. */
function requireStore(database: string): void {
  const path = /^sqlite:(.+)$/.exec(database)?.[1]
  if (path === undefined || existsSync(path)) return
  const remedy = 'Name the database of the running issuer; `npm start` keeps it in .portcullis/.'
  throw new CommandError(1, `there is no store at ${path}`, remedy)
}
