import { existsSync } from 'node:fs'
import { bootstrap, newRandomSecret, readSealingKeys } from '@portcullis/identity'
import { administratorRole } from '@portcullis/protocol'
import { StartError } from '@portcullis/runtime'
import { requireDatabase } from './database-address.ts'
import { environment } from './settings.ts'
import { writePrivateFile } from './private-file.ts'
import { readPassword } from './given-password.ts'

export interface BootstrapCommandOptions {
  readonly database?: string
  readonly identifier: string
  readonly credentials: string
  readonly passwordStdin?: true
}

const administratorRoles = [administratorRole]

export async function runBootstrap(options: BootstrapCommandOptions): Promise<void> {
  await (options.passwordStdin === true ? withGivenPassword(options) : withNewPassword(options))
  process.stdout.write(`administrator ${options.identifier} can sign in\n`)
}

async function withGivenPassword(options: BootstrapCommandOptions): Promise<void> {
  await makeAdministrator(options, (await readPassword({ passwordStdin: true })) ?? '')
}

/** The file comes first: a password that is in the store and nowhere else helps nobody. */
async function withNewPassword(options: BootstrapCommandOptions): Promise<void> {
  const { credentials, identifier } = options
  if (existsSync(credentials)) {
    throw new StartError(
      `${credentials} is there already`,
      'Name another file with --credentials; this one may hold the only copy of a password.',
    )
  }
  const password = newRandomSecret()
  const accounts = [{ identifier, password, roles: administratorRoles }]
  const file = writePrivateFile(
    credentials,
    JSON.stringify({ accounts, clients: [] }, undefined, 2),
  )
  try {
    await makeAdministrator(options, password)
  } catch (error) {
    file.remove()
    throw error
  }
  process.stdout.write(`the password is in ${credentials}\n`)
}

async function makeAdministrator(
  { database, identifier }: BootstrapCommandOptions,
  password: string,
): Promise<void> {
  const accounts = [{ identifier, password, roles: administratorRoles }]
  const outcome = await bootstrap({
    database: requireDatabase(database),
    accounts,
    clients: [],
    sealingKeys: readSealingKeys(environment()),
  })
  if (outcome.kind === 'not-empty') {
    throw new StartError(
      'the store already has accounts',
      'Sign in as its administrator; bootstrap is for empty stores only. Nothing was changed.',
    )
  }
}
