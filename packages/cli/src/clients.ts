import { existsSync } from 'node:fs'
import { ensureClients, isName, newClientCredential } from '@portcullis/identity'
import { refuseExisting, writeClientFile } from './client-file.ts'
import { CommandError } from './command-error.ts'
import { requireDatabase } from './database-address.ts'
import { namesIn } from './given-text.ts'

export interface CreateClientOptions {
  /** True: what the environment names. */
  readonly database?: string | true
  readonly scope?: string
  readonly audience?: string
  readonly writeTo?: string
  /** What `--write-to` was called before commands of a client could go to a running identity. */
  readonly credentials?: string
}

/** What only a running identity can check. */
const remoteOnly = ['grants', 'public', 'jwks', 'description', 'reason', 'issuer', 'json'] as const

/**
 * Makes a machine client in the store itself: for an installation without an administrator at hand. The secret is in
 * the file and nowhere else; the store has its hash.
 */
export async function runCreateClient(
  name: string,
  options: CreateClientOptions & { readonly [Name in (typeof remoteOnly)[number]]?: unknown },
): Promise<void> {
  const { scope = '', audience = '', writeTo: path = options.credentials } = options
  const unfit = remoteOnly.find((option) => options[option] !== undefined)
  if (unfit !== undefined) {
    const remedy = 'Leave out --database, and identity makes the client for an administrator.'
    throw new CommandError(2, `--${unfit} does not go with --database`, remedy)
  }
  if (path === undefined) {
    throw new CommandError(2, 'there is no file for the secret', 'Name it with --write-to FILE.')
  }
  if (!isName(name)) {
    throw new CommandError(2, `${name} cannot be a name`, 'Use 1 to 64 of A-Z a-z 0-9 . _ -')
  }
  const database = requireDatabase(options.database === true ? undefined : options.database)
  refuseExisting(path)
  requireStore(database)
  const { clientId, clientSecret } = newClientCredential()
  // The file first: a client whose secret is nowhere helps nobody.
  const file = writeClientFile(path, { client_id: clientId, client_secret: clientSecret, scope })
  try {
    const [scopes, audiences] = [scope, audience].map(namesIn)
    const client = {
      clientId,
      clientSecret,
      name,
      audiences: audiences ?? [],
      scopes: scopes ?? [],
    }
    const taken = await ensureClients(database, [client])
    if (taken.length > 0) {
      throw new CommandError(1, `there is a client ${name} already`, 'Choose another name.')
    }
  } catch (error) {
    file.remove()
    throw error
  }
  process.stdout.write(
    `the client ${name} can ask for ${scope}, as far as the settings of its issuer know that; its secret is in ${path}\n`,
  )
}

/** A mistyped path would become a store of its own, with a client that no issuer knows. */
function requireStore(database: string): void {
  const path = /^sqlite:(.+)$/.exec(database)?.[1]
  if (path === undefined || existsSync(path)) return
  const remedy = 'Name the database of the running issuer; `npm start` keeps it in .portcullis/.'
  throw new CommandError(1, `there is no store at ${path}`, remedy)
}
