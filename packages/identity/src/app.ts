import { randomBytes } from 'node:crypto'
import type { Log, Running } from '@portcullis/runtime'
import { listenError, startOperations, StartError } from '@portcullis/runtime'
import type { Keyring } from './domain/keyring.ts'
import { openKeyring } from './domain/keyring.ts'
import type { LoginParts } from './domain/login.ts'
import { normalisePassword } from './domain/passwords.ts'
import { randomIdentifier, randomSecret } from './domain/random.ts'
import type { RefreshParts } from './domain/refresh.ts'
import type { RefreshPeppers } from './domain/refresh-tokens.ts'
import type { Registry } from './domain/registry.ts'
import { algorithmsInUse } from './domain/registry.ts'
import { createSealer } from './domain/sealing.ts'
import { createHasher } from './hasher.ts'
import { addDocuments } from './http/documents.ts'
import { addLogin } from './http/login.ts'
import { boundPort, createHttpServer } from './http/server.ts'
import { addToken } from './http/token.ts'
import { startKeyTicks } from './key-ticks.ts'
import type { IdentitySecrets, IdentitySettings } from './settings.ts'
import { createAccountStore } from './store/accounts.ts'
import { createClientStore, synchroniseClients } from './store/clients.ts'
import type { Database } from './store/database.ts'
import { isReadable, openDatabase } from './store/database.ts'
import { createKeyStore } from './store/keys.ts'
import { createSessionStore } from './store/sessions.ts'

export interface IdentityOptions extends IdentitySecrets {
  readonly log: Log
  /** Milliseconds since 1970; default `Date.now`. */
  readonly now?: () => number
}

export interface Identity extends Running {
  readonly port: number
  readonly operationsPort: number
}

/**
 * Starts the issuer: opens the store, the keyring and both listeners. Whatever an operator can mend
 * is thrown as a `StartError`, and nothing stays open then.
 */
export async function startIdentity(
  settings: IdentitySettings,
  { sealingKey, peppers, log, now = Date.now }: IdentityOptions,
): Promise<Identity> {
  const database = openDatabase(settings.database, now())
  const close: (() => Promise<void>)[] = [async () => database.close()]
  const closeAll = async (): Promise<void> => {
    for (const closeOne of close.toReversed()) await closeOne()
    close.length = 0
  }
  try {
    await synchroniseDeclaredClients(database, settings.registry, now())
    const sealer = createSealer(sealingKey, randomBytes)
    const keyring = await openKeys(database, sealer, settings, now)
    close.push(startKeyTicks(keyring, log))
    const parts = await createParts(settings, database, { keyring, peppers }, now)

    const app = createHttpServer(log)
    close.push(() => app.close())
    addLogin(app, parts)
    addToken(app, parts)
    addDocuments(app, { ...settings, keyring })
    await app
      .listen(settings.listen)
      .catch((error: unknown) => Promise.reject(listenError(error, settings.listen, 'identity')))

    const operations = await startOperations({
      ...settings.operations,
      notReady: async () => ((await isReadable(database)) ? [] : ['database']),
    })
    close.push(operations.close)
    const port = boundPort(app)
    log.info({ issuer: settings.registry.issuer, port }, 'identity is ready')
    return {
      port,
      operationsPort: operations.port,
      close: closeAll,
    }
  } catch (error) {
    await closeAll()
    throw error
  }
}

async function createParts(
  settings: IdentitySettings,
  database: Database,
  { keyring, peppers }: { readonly keyring: Keyring; readonly peppers: RefreshPeppers },
  now: () => number,
): Promise<LoginParts & RefreshParts> {
  const passwords = createHasher()
  return {
    registry: settings.registry,
    accounts: createAccountStore(database),
    clients: createClientStore(database),
    sessions: createSessionStore(database),
    passwords,
    unmatchablePasswordHash: await passwords.hash(normalisePassword(randomSecret(randomBytes))),
    issuer: settings.registry.issuer,
    sign: keyring.sign,
    randomBytes,
    tokenBytesMax: settings.tokenBytesMax,
    peppers,
    refreshGraceSeconds: settings.refreshGraceSeconds,
    now,
  }
}

async function synchroniseDeclaredClients(
  database: Database,
  registry: Registry,
  now: number,
): Promise<void> {
  const declared = [...registry.clients].map(([name, declaration]) => ({
    ...declaration,
    name,
    newId: randomIdentifier(randomBytes),
  }))
  const outcome = await synchroniseClients(database, declared, now)
  if (outcome.kind === 'name-taken') {
    throw new StartError(
      `the store already has a client ${outcome.name} that is not from the settings file`,
      'Give the client of the file another name.',
    )
  }
}

async function openKeys(
  database: Database,
  sealer: ReturnType<typeof createSealer>,
  { registry, jwksMaxAgeSeconds, keyRotationDays }: IdentitySettings,
  now: () => number,
): Promise<Keyring> {
  const keys = createKeyStore(database)
  const parts = { keys, sealer, now, jwksMaxAgeSeconds, keyRotationDays }
  const opened = await openKeyring(parts, algorithmsInUse(registry))
  if (opened.kind === 'keyring') return opened.keyring
  throw opened.why === 'damaged'
    ? new StartError(
        `the stored signing key ${opened.kid} is damaged`,
        'Restore the database from a backup.',
      )
    : new StartError(
        `the stored signing key ${opened.kid} was sealed with another sealing key`,
        'Set PORTCULLIS_SEALING_KEY to the key that this database was made with.',
      )
}
