import type { Log } from '@portcullis/runtime'
import { StartError } from '@portcullis/runtime'
import { boundVault } from './bounded-vault.ts'
import type { UnopenableKey } from './domain/key-custody.ts'
import type { KeyKeeping } from './domain/key-opening.ts'
import type { KeyVault } from './domain/key-vault.ts'
import type { Keyring, OpenedKeyring } from './domain/keyring.ts'
import { openKeyring } from './domain/keyring.ts'
import { firstAttemptKey } from './domain/login-attempts.ts'
import { algorithmsInUse } from './domain/registry.ts'
import type { Sealer } from './domain/sealing.ts'
import type { SharedSecrets } from './domain/shared-secrets.ts'
import { SignerUnavailableError } from './domain/signer-unavailable.ts'
import type { SealingKeys } from './sealing-keys.ts'
import { sealerOf } from './sealing-keys.ts'
import type { IdentitySettings } from './settings.ts'
import type { Database } from './store/database.ts'
import { createKeyStore } from './store/keys.ts'
import { reseal } from './store/resealing.ts'
import type { StoredRevocationLog } from './store/revocations.ts'
import { openSealedSecret } from './store/sealed-secrets.ts'

/*
 * What is sealed in the store. What an operator can mend is a `StartError`.
 */

export interface SealedState {
  readonly keyring: Keyring
  /** Under which failed logins are counted. */
  readonly attemptKey: Buffer
}

interface OpenedStores {
  readonly database: Database
  readonly revocations: Pick<StoredRevocationLog, 'exclusive'>
}

interface Opening extends SealingKeys {
  /** Undefined when no audience asks for HS256. */
  readonly sharedSecrets: SharedSecrets | undefined
  readonly vault?: KeyVault | undefined
  readonly log: Log
}

/** Opens it with the sealing key or the one before, and puts all of it under the present one. */
export async function openSealed(
  settings: IdentitySettings,
  stores: OpenedStores,
  options: Opening,
): Promise<SealedState> {
  const { sealingKey, previousSealingKey, log } = options
  const sealer = sealerOf(options)
  if (previousSealingKey !== undefined) {
    const resealed = await reseal(stores.database, sealer)
    if (resealed > 0) log.info({ resealed }, 'everything is sealed with the present sealing key')
  }
  return {
    keyring: await openKeys(settings, stores, { ...options, sealer }),
    attemptKey: await openAttemptKey(stores.database, sealer, sealingKey),
  }
}

async function openKeys(
  { registry, jwksMaxAgeSeconds, keyRotationDays }: IdentitySettings,
  { database, revocations }: OpenedStores,
  { sealer, vault, sharedSecrets }: KeyKeeping & Pick<Opening, 'sharedSecrets'>,
): Promise<Keyring> {
  const keys = createKeyStore(database, revocations.exclusive)
  const parts = {
    keys,
    sealer,
    vault: vault && boundVault(vault),
    jwksMaxAgeSeconds,
    keyRotationDays,
    sharedKids: sharedSecrets?.map(({ kid }) => kid) ?? [],
  }
  const opened = await openKeyring(parts, algorithmsInUse(registry)).catch(throwVaultError)
  if (opened.kind === 'keyring') return opened.keyring
  throw keyError(opened)
}

function throwVaultError(error: unknown): Promise<OpenedKeyring> {
  if (!(error instanceof SignerUnavailableError)) throw error
  throw new StartError(reasonOf(error), 'Look after the vault that keeps the private keys.', {
    cause: error,
  })
}

function keyError({ kid, why, cause }: UnopenableKey): StartError {
  const key = `the stored signing key ${kid}`
  switch (why) {
    case 'damaged':
      return new StartError(`${key} is damaged`, 'Restore the database from a backup.')
    case 'sealed-with-another-key':
      return new StartError(
        `${key} was sealed with another sealing key`,
        'Set PORTCULLIS_SEALING_KEY, or PORTCULLIS_SEALING_KEY_PREVIOUS while it is rolled, to the key that ' +
          'this database was made with.',
      )
    case 'in-a-vault':
      return new StartError(
        `${key} is in a vault, and identity was started without one`,
        'Start it with the vault that the key was made in.',
      )
    case 'vault-failed':
      return new StartError(
        `${key} cannot be used: ${reasonOf(cause)}`,
        'Look after the vault that keeps the private keys, and that it is the one the key was made in.',
        { cause },
      )
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'the vault failed'
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message
}

const attemptKeyName = 'login attempts'

async function openAttemptKey(
  database: Database,
  sealer: Sealer,
  sealingKey: Buffer,
): Promise<Buffer> {
  const first = firstAttemptKey(sealingKey)
  const opened = await openSealedSecret(database, sealer, { name: attemptKeyName, first })
  if (opened.kind === 'opened') return Buffer.from(opened.plaintext, 'base64')
  throw opened.kind === 'damaged'
    ? new StartError(
        'the stored secret of login protection is damaged',
        'Restore the database from a backup.',
      )
    : new StartError(
        'the stored secret of login protection was sealed with another sealing key',
        'Set PORTCULLIS_SEALING_KEY_PREVIOUS to the key that this database was made with.',
      )
}
