import { randomBytes } from 'node:crypto'
import type { Log } from '@portcullis/runtime'
import { StartError } from '@portcullis/runtime'
import type { Keyring } from './domain/keyring.ts'
import { openKeyring } from './domain/keyring.ts'
import { randomIdentifier } from './domain/random.ts'
import type { Registry } from './domain/registry.ts'
import { accessTokenSecondsMax, algorithmsInUse } from './domain/registry.ts'
import type { createSealer } from './domain/sealing.ts'
import type { IdentitySettings } from './settings.ts'
import { synchroniseClients } from './store/clients.ts'
import type { Database } from './store/database.ts'
import { pathOfDatabase } from './store/open-database.ts'
import type { EpochOptions, OpenedEpoch } from './store/epochs.ts'
import { continueEpoch, openEpoch } from './store/epochs.ts'
import { highWaterAt, highWaterInMemory } from './store/high-water.ts'
import { createKeyStore } from './store/keys.ts'
import type { StoredRevocationLog } from './store/revocations.ts'
import { createRevocationLog } from './store/revocations.ts'

/*
 * What a store must have before anything is served from it. What an operator can mend is a `StartError`.
 */

export interface OpenedRevocations {
  readonly revocations: StoredRevocationLog
  /**
   * Looks whether the store has lost history, and begins an epoch when it has. Undefined for a file, which
   * nobody puts back while it is open.
   */
  readonly lookForLoss: (() => Promise<void>) | undefined
}

/** The revocation log, in an epoch that can be gone on with, and from here on in no other one. */
export async function openRevocations(
  settings: IdentitySettings,
  database: Database,
  log: Log,
): Promise<OpenedRevocations> {
  const { issuer } = settings.registry
  const path = pathOfDatabase(settings.database)
  const highWater = path === undefined ? highWaterInMemory() : highWaterAt(`${path}.high-water`)
  const options: EpochOptions = {
    issuer,
    highWater,
    newEpoch: () => randomIdentifier(randomBytes),
    accessTokenSecondsMax: accessTokenSecondsMax(settings.registry),
  }
  const tell = (opened: OpenedEpoch): void => {
    if (opened.kind !== 'renewed') return
    log.warn({ why: opened.why }, 'a new epoch began: everybody has to sign in again')
  }
  tell(await openEpoch(database, options))
  database.checkConnections(async (connection) => tell(await continueEpoch(connection, options)))
  return {
    revocations: createRevocationLog(database, { issuer, highWater }),
    lookForLoss: highWater.isKept
      ? undefined
      : async () => tell(await continueEpoch(database, options)),
  }
}

/** Makes the store's clients those of the operator's file. */
export async function synchroniseDeclaredClients(
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

export async function openKeys(
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
