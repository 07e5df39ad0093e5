import { randomBytes } from 'node:crypto'
import type { Log } from '@portcullis/runtime'
import { createAfterwards } from './afterwards.ts'
import { chooseMailer } from './account-mail.ts'
import { selfRegistrationOf } from './self-registration.ts'
import type { AccountAdministration } from './domain/account-administration.ts'
import type { FittingParts, InsertAccounts } from './domain/account-import.ts'
import type { LinkStore, LinkTargets } from './domain/account-links.ts'
import { linkTargetsOf } from './domain/account-links.ts'
import type { ClientCredentialsParts } from './domain/client-credentials.ts'
import type { Feed } from './domain/feed.ts'
import { createFeed } from './domain/feed.ts'
import type { Keyring } from './domain/keyring.ts'
import type { LoginParts } from './domain/login.ts'
import type { Post } from './domain/mail-requests.ts'
import type { Mailer } from './domain/mails.ts'
import type { PasswordChangeParts } from './domain/password-change.ts'
import type { ReauthenticationParts } from './domain/reauthentication.ts'
import type { RefreshParts } from './domain/refresh.ts'
import type { SelfRegistration } from './domain/registration.ts'
import { createSealer } from './domain/sealing.ts'
import { startRemovingSessions } from './jobs/dead-sessions.ts'
import { startFeedBeats } from './jobs/feed-beats.ts'
import { startHistoryWatch } from './jobs/history-watch.ts'
import { startKeyTicks } from './jobs/key-ticks.ts'
import { startLoginProtection } from './login-protection.ts'
import { passwordHashFault } from './passwords/password-hash.ts'
import { createPasswordParts } from './password-parts.ts'
import type { IdentitySettings } from './settings.ts'
import type { IdentitySecrets } from './settings/secrets.ts'
import { startAccountUpkeep } from './jobs/account-upkeep.ts'
import { createAllowance } from './mail/network-allowance.ts'
import { createOutbox } from './mail/outbox.ts'
import { createAccountAdministration } from './store/account-administration.ts'
import { createInsertAccounts } from './store/account-import.ts'
import { createLinkStore } from './store/account-links.ts'
import { createAccountStore } from './store/accounts.ts'
import { createClientStore } from './store/clients.ts'
import type { Database } from './store/database.ts'
import type { RevokingTransaction } from './store/revocations.ts'
import { createSessionSweep } from './store/session-sweep.ts'
import { createSessionStore } from './store/sessions.ts'
import type { AccountStore } from './domain/accounts.ts'
import { openKeys, openRevocations, synchroniseDeclaredClients } from './stored-state.ts'

export interface IdentityOptions extends IdentitySecrets {
  readonly log: Log
  /** Milliseconds since 1970; default: the clock of the store, and elsewhere that of this machine. */
  readonly now?: () => number
  /** Default: what the settings say. */
  readonly mailer?: Mailer
}

/** What one network may cause by way of mail: an office behind one address, and no campaign. */
const mailsOfNetwork = { burst: 50, refillMs: 60_000, networksMax: 10_000 }

/** Everything between the listeners and the store. */
export type IdentityParts = LoginParts &
  RefreshParts &
  ClientCredentialsParts &
  PasswordChangeParts &
  ReauthenticationParts &
  AccountParts & {
    readonly keyring: Keyring
    readonly feed: Feed
    /** Milliseconds since 1970. */
    readonly now: () => number
  }

interface AccountParts {
  readonly administration: AccountAdministration
  readonly insertAccounts: InsertAccounts
  readonly links: LinkStore
  readonly linkTargets: LinkTargets
  readonly selfRegistration: SelfRegistration
  readonly defaultRoles: readonly string[]
  readonly post: Post | undefined
  readonly passwordHashFault: FittingParts['passwordHashFault']
}

/** Undefined when there is nobody to send mail. */
function startOutbox(
  mailer: Mailer | undefined,
  log: Log,
  now: () => number,
): { readonly post: Post; readonly close: () => Promise<void> } | undefined {
  if (mailer === undefined) return undefined
  const allowance = createAllowance({ ...mailsOfNetwork, now })
  return createOutbox({ mailer, log, allowance })
}

/**
 * Opens what a store has to have, and starts what goes on by the clock. `onClose` is told how to end each,
 * in the order in which it was begun.
 */
export async function openParts(
  settings: IdentitySettings,
  database: Database,
  options: IdentityOptions,
  onClose: (step: () => Promise<void>) => void,
): Promise<IdentityParts> {
  const { log, sealingKey, peppers, mailer = chooseMailer(settings) } = options
  const { issuer } = settings.registry
  const now = options.now ?? Date.now
  const { revocations, lookForLoss } = await openRevocations(settings, database, log)
  if (lookForLoss !== undefined) onClose(startHistoryWatch(lookForLoss, log))
  await synchroniseDeclaredClients(revocations, settings.registry)
  const keyring = await openKeys(database, createSealer(sealingKey, randomBytes), settings)
  onClose(startKeyTicks(keyring, log))
  const feed = createFeed({ issuer, log: revocations, signCheckpoint: keyring.signCheckpoint })
  onClose(startFeedBeats(feed, revocations, log))
  const passwordParts = await createPasswordParts(settings, log)
  const afterwards = createAfterwards(log)
  onClose(afterwards.settled)
  const guard = startLoginProtection(settings.loginProtection, database, { sealingKey, log, now })
  onClose(guard.stop)
  const outbox = startOutbox(mailer, log, now)
  if (outbox !== undefined) onClose(outbox.close)
  const stores = createStores(database, revocations.transaction)
  onClose(startAccountUpkeep(stores.links, log))
  onClose(startRemovingSessions(createSessionSweep(database), log))
  return {
    ...settings,
    ...passwordParts,
    ...stores,
    issuer,
    keyring,
    sign: keyring.sign,
    feed,
    peppers,
    randomBytes,
    passwordHashFault,
    protection: guard.protection,
    afterwards: afterwards.run,
    linkTargets: linkTargetsOf(issuer, settings.links),
    selfRegistration: selfRegistrationOf(settings),
    defaultRoles: settings.accounts.defaultRoles,
    post: outbox?.post,
    now,
  }
}

function createStores(
  database: Database,
  transaction: RevokingTransaction,
): Pick<IdentityParts, 'clients' | 'sessions' | 'administration' | 'insertAccounts' | 'links'> & {
  readonly accounts: AccountStore
} {
  return {
    accounts: createAccountStore(database, transaction),
    clients: createClientStore(database),
    sessions: createSessionStore(database, transaction),
    administration: createAccountAdministration(database, transaction),
    insertAccounts: createInsertAccounts(database),
    links: createLinkStore(database, transaction),
  }
}
