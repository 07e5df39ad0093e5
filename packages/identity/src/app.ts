import { randomBytes } from 'node:crypto'
import type { Log, Running, TlsPair } from '@portcullis/runtime'
import { listenError, readTlsFiles, startOperations, StartError } from '@portcullis/runtime'
import { createAfterwards } from './afterwards.ts'
import type { ClientCredentialsParts } from './domain/client-credentials.ts'
import type { Feed } from './domain/feed.ts'
import { createFeed } from './domain/feed.ts'
import type { Keyring } from './domain/keyring.ts'
import { openKeyring } from './domain/keyring.ts'
import type { LoginParts } from './domain/login.ts'
import type { PasswordChangeParts } from './domain/password-change.ts'
import { randomIdentifier } from './domain/random.ts'
import type { ReauthenticationParts } from './domain/reauthentication.ts'
import type { RefreshParts } from './domain/refresh.ts'
import type { RefreshPeppers } from './domain/refresh-tokens.ts'
import type { Registry } from './domain/registry.ts'
import { accessTokenSecondsMax, algorithmsInUse } from './domain/registry.ts'
import { createSealer } from './domain/sealing.ts'
import { addAdminAccounts } from './http/admin-accounts.ts'
import { addAdminKeys } from './http/admin-keys.ts'
import { createCallers } from './http/callers.ts'
import { addDocuments } from './http/documents.ts'
import { addLogin } from './http/login.ts'
import { addLogout } from './http/logout.ts'
import { originsOfOwnPages } from './http/own-pages.ts'
import { addPassword } from './http/password.ts'
import { addReauthentication } from './http/reauthentication.ts'
import { addRevocations } from './http/revocations.ts'
import type { HttpServer } from './http/server.ts'
import { boundPort, createHttpServer } from './http/server.ts'
import { addSessions } from './http/sessions.ts'
import { addToken } from './http/token.ts'
import type { Transport } from './http/transport.ts'
import { createTlsTransport, plainTransport } from './http/transport.ts'
import { startCertificateReload } from './jobs/certificate-reload.ts'
import { startFeedBeats } from './jobs/feed-beats.ts'
import { startKeyTicks } from './jobs/key-ticks.ts'
import { startLoginProtection } from './login-protection.ts'
import { createOwnVerifier } from './own-verifier.ts'
import type { PasswordOptions, PasswordParts } from './password-parts.ts'
import { createPasswordParts } from './password-parts.ts'
import type { IdentitySettings } from './settings.ts'
import type { IdentitySecrets } from './settings/secrets.ts'
import { createAccountStore } from './store/accounts.ts'
import { createClientStore, synchroniseClients } from './store/clients.ts'
import type { Database } from './store/database.ts'
import { isReadable } from './store/database.ts'
import { openDatabase, pathOfDatabase } from './store/open-database.ts'
import { openEpoch } from './store/epochs.ts'
import { highWaterAt } from './store/high-water.ts'
import { createKeyStore } from './store/keys.ts'
import type { RevokingTransaction, StoredRevocationLog } from './store/revocations.ts'
import { createRevocationLog } from './store/revocations.ts'
import { createSessionStore } from './store/sessions.ts'

export interface IdentityOptions extends IdentitySecrets {
  readonly log: Log
  /** Milliseconds since 1970; default: the clock of the store, and elsewhere that of this machine. */
  readonly now?: () => number
  readonly passwords?: PasswordOptions
}

export interface Identity extends Running {
  readonly port: number
  readonly operationsPort: number
}

/**
 * Starts the issuer: opens the store, its revocation log, the keyring and both listeners. Whatever an
 * operator can mend is thrown as a `StartError`, and nothing stays open then.
 */
export async function startIdentity(
  settings: IdentitySettings,
  { sealingKey, peppers, log, now, passwords = {} }: IdentityOptions,
): Promise<Identity> {
  const database = await openDatabase(settings.database, { now })
  const close: (() => Promise<void>)[] = [database.close]
  const closeAll = async (): Promise<void> => {
    for (const closeOne of close.toReversed()) await closeOne()
    close.length = 0
  }
  try {
    const revocations = await openRevocations(settings, database, log)
    await synchroniseDeclaredClients(revocations, settings.registry)
    const sealer = createSealer(sealingKey, randomBytes)
    const keyring = await openKeys(database, sealer, settings)
    close.push(startKeyTicks(keyring, log))
    const { issuer } = settings.registry
    const { signCheckpoint } = keyring
    const feed = createFeed({ issuer, log: revocations, signCheckpoint })
    close.push(startFeedBeats(feed, revocations, log))
    const { transaction } = revocations
    const passwordParts = await createPasswordParts(issuer, passwords, log)
    const afterwards = createAfterwards(log)
    close.push(afterwards.settled)
    const clock = now ?? Date.now
    const guard = { sealingKey, log, now: clock }
    const { protection, stop: stopForgetting } = startLoginProtection(
      settings.loginProtection,
      database,
      guard,
    )
    close.push(stopForgetting)
    const made = {
      ...passwordParts,
      keyring,
      peppers,
      transaction,
      protection,
      afterwards: afterwards.run,
    }
    const parts = createParts(settings, database, made)

    const { transport, stop } = await openTransport(settings.listen.tls, log)
    close.push(stop)
    const app = createHttpServer(log, { ...settings, issuer, transport })
    close.push(() => app.close())
    addRoutes(app, settings, { ...parts, keyring, feed, now: clock })
    const { host, port: wanted } = settings.listen
    await app
      .listen({ host, port: wanted })
      .catch((error: unknown) => Promise.reject(listenError(error, settings.listen, 'identity')))

    const operations = await startOperations({
      ...settings.operations,
      notReady: async () => ((await isReadable(database)) ? [] : ['database']),
    })
    close.push(operations.close)
    const port = boundPort(app)
    log.info({ issuer, port }, 'identity is ready')
    return { port, operationsPort: operations.port, close: closeAll }
  } catch (error) {
    await closeAll()
    throw error
  }
}

interface OpenedTransport {
  readonly transport: Transport
  readonly stop: () => Promise<void>
}

async function openTransport(
  { certificateFile, keyFile }: IdentitySettings['listen']['tls'],
  log: Log,
): Promise<OpenedTransport> {
  if (certificateFile === undefined || keyFile === undefined) {
    return { transport: plainTransport, stop: async () => undefined }
  }
  const read = (): Promise<TlsPair> => readTlsFiles({ certificateFile, keyFile })
  const inUse = await read()
  const transport = createTlsTransport(inUse)
  const stop = startCertificateReload({ read, inUse, use: transport.useCertificate, log })
  log.info({ validUntil: inUse.validUntil }, 'the certificate is in use')
  return { transport, stop }
}

type Parts = LoginParts &
  RefreshParts &
  ClientCredentialsParts &
  PasswordChangeParts &
  ReauthenticationParts

function addRoutes(
  app: HttpServer,
  settings: IdentitySettings,
  parts: Parts & {
    readonly keyring: Keyring
    readonly feed: Feed
    readonly now: () => number
  },
): void {
  const callers = createCallers({ ...parts, ...createOwnVerifier(parts) })
  const ownOrigins = originsOfOwnPages(parts.issuer, settings.allowedOrigins)
  const served = { ...parts, callers, ownOrigins }
  addLogin(app, served)
  addToken(app, served)
  addLogout(app, served)
  addSessions(app, served)
  addPassword(app, served)
  addReauthentication(app, served)
  addAdminAccounts(app, served)
  addAdminKeys(app, served)
  addRevocations(app, served)
  addDocuments(app, { ...settings, ...served })
}

async function openRevocations(
  settings: IdentitySettings,
  database: Database,
  log: Log,
): Promise<StoredRevocationLog> {
  const { issuer } = settings.registry
  const path = pathOfDatabase(settings.database)
  const highWater = path === undefined ? undefined : highWaterAt(`${path}.high-water`)
  const opened = await openEpoch(database, {
    issuer,
    highWater,
    newEpoch: randomIdentifier(randomBytes),
    accessTokenSecondsMax: accessTokenSecondsMax(settings.registry),
  })
  if (opened.kind === 'renewed') {
    log.warn({ why: opened.why }, 'a new epoch began: everybody has to sign in again')
  }
  return createRevocationLog(database, { issuer, highWater })
}

function createParts(
  settings: IdentitySettings,
  database: Database,
  {
    keyring,
    transaction,
    ...made
  }: PasswordParts &
    Pick<LoginParts, 'afterwards' | 'protection'> & {
      readonly keyring: Keyring
      readonly peppers: RefreshPeppers
      readonly transaction: RevokingTransaction
    },
): Parts {
  return {
    ...made,
    registry: settings.registry,
    accounts: createAccountStore(database, transaction),
    clients: createClientStore(database),
    sessions: createSessionStore(database, transaction),
    issuer: settings.registry.issuer,
    sign: keyring.sign,
    randomBytes,
    tokenBytesMax: settings.tokenBytesMax,
    refreshGraceSeconds: settings.refreshGraceSeconds,
    sessionIdleSeconds: settings.sessionIdleSeconds,
    sessionSeconds: settings.sessionSeconds,
    sessionsPerAccountMax: settings.sessionsPerAccountMax,
  }
}

async function synchroniseDeclaredClients(
  { transaction }: StoredRevocationLog,
  registry: Registry,
): Promise<void> {
  const declared = [...registry.clients].map(([name, declaration]) => ({
    ...declaration,
    name,
    newId: randomIdentifier(randomBytes),
  }))
  const outcome = await synchroniseClients(transaction, declared)
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
): Promise<Keyring> {
  const keys = createKeyStore(database)
  const parts = { keys, sealer, jwksMaxAgeSeconds, keyRotationDays }
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
