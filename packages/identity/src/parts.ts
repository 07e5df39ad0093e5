import { randomBytes } from 'node:crypto'
import type { Log, Metrics } from '@portcullis/runtime'
import { createAllowance } from '@portcullis/runtime'
import type { KeyProofJudge } from '@portcullis/verify/dpop'
import { createAfterwards } from './afterwards.ts'
import { chooseMailer } from './account-mail.ts'
import { createJetStreamBroker } from './broker/jetstream-broker.ts'
import { openAudit } from './audit.ts'
import { selfRegistrationOf } from './self-registration.ts'
import type { Activity } from './domain/activity.ts'
import { countEvents, createActivity } from './domain/activity.ts'
import type { AccountAdministration } from './domain/account-administration.ts'
import type { AuditLog } from './domain/audit.ts'
import type { BulkAdministration } from './domain/account-bulk.ts'
import type { AccountDirectory } from './domain/account-directory.ts'
import type { FittingParts, InsertAccounts } from './domain/account-import.ts'
import type { LinkStore, LinkTargets } from './domain/account-links.ts'
import { linkTargetsOf } from './domain/account-links.ts'
import type { ClientAdministration } from './domain/client-administration.ts'
import type { ClientAuthenticationParts } from './domain/client-authentication.ts'
import type { ClientStore } from './domain/clients.ts'
import type { ClientCredentialsParts } from './domain/client-credentials.ts'
import type { LocateNetwork, StartedAnomalies } from './started-anomalies.ts'
import { gatherSightings, startAnomalies } from './started-anomalies.ts'
import type { StartedActivity } from './started-activity.ts'
import { startActivity } from './started-activity.ts'
import type { StartedStreams } from './started-streams.ts'
import { startStreams } from './started-streams.ts'
import type { FollowerStore } from './domain/followers.ts'
import type { FindRevocation, ListRevocations } from './domain/listed-revocations.ts'
import type { ReceiptStore } from './domain/receipts.ts'
import type { KeyVault } from './domain/key-vault.ts'
import type { Keyring } from './domain/keyring.ts'
import type { LoginParts } from './domain/login.ts'
import type { Post } from './domain/mail-requests.ts'
import type { Mailer } from './domain/mails.ts'
import { createOpenCheckpoint } from './domain/own-checkpoints.ts'
import type { PasswordChangeParts } from './domain/password-change.ts'
import type { ReauthenticationParts } from './domain/reauthentication.ts'
import type { RefreshParts } from './domain/refresh.ts'
import type { SelfRegistration } from './domain/registration.ts'
import { startAuditUpkeep } from './jobs/audit-upkeep.ts'
import type { UsedProofs } from './domain/used-proofs.ts'
import type { RevokedTokens } from './domain/token-revocation.ts'
import type { SessionAdministration } from './domain/session-administration.ts'
import type { SharedSecrets } from './domain/shared-secrets.ts'
import { createTokenSigner } from './domain/token-signing.ts'
import { encryptAsJwe } from './jwe-encryption.ts'
import { startRemovingSessions } from './jobs/dead-sessions.ts'
import { startHistoryWatch } from './jobs/history-watch.ts'
import { startForgettingProofs } from './jobs/forgotten-proofs.ts'
import { startForgettingFollowers } from './jobs/silent-followers.ts'
import { startKeyTicks } from './jobs/key-ticks.ts'
import { startLoginProtection } from './login-protection.ts'
import { passwordHashFault } from './passwords/password-hash.ts'
import { createPasswordParts } from './password-parts.ts'
import { createOwnProofJudge } from './own-proof-judge.ts'
import type { IdentitySettings } from './settings.ts'
import type { DescribedSecrets } from './settings/described.ts'
import { describeGivenSecrets } from './settings/described.ts'
import type { ExplainedSetting } from './settings/explained.ts'
import { explainedSettings } from './settings/explained.ts'
import type { IdentitySecrets } from './settings/secrets.ts'
import { startAccountUpkeep } from './jobs/account-upkeep.ts'
import { createOutbox } from './mail/outbox.ts'
import { createAccountAdministration } from './store/account-administration.ts'
import { createBulkAdministration } from './store/account-bulk.ts'
import { createAccountDirectory } from './store/account-directory.ts'
import { createInsertAccounts } from './store/account-import.ts'
import { createLinkStore } from './store/account-links.ts'
import { createAccountStore } from './store/accounts.ts'
import { createClientAdministration } from './store/client-administration.ts'
import { createClientStore } from './store/clients.ts'
import type { Database } from './store/database.ts'
import { createFollowerStore } from './store/followers.ts'
import { createFindRevocation, createRevocationList } from './store/listed-revocations.ts'
import { createReceiptStore } from './store/receipts.ts'
import type { RevokingTransaction, StoredRevocationLog } from './store/revocations.ts'
import { createRevokedTokens } from './store/revoked-tokens.ts'
import { createSessionAdministration } from './store/session-administration.ts'
import { createSessionSweep } from './store/session-sweep.ts'
import { createSessionStore } from './store/sessions.ts'
import { createUsedProofs } from './store/used-proofs.ts'
import type { AccountStore } from './domain/accounts.ts'
import { openSealed } from './sealed-state.ts'
import { sealerOf } from './sealing-keys.ts'
import { tellOfKeys } from './told-ages.ts'
import type { StartedFeed } from './started-feed.ts'
import { startFeed } from './started-feed.ts'
import { checkPeppers, openRevocations, synchroniseDeclaredClients } from './stored-state.ts'
import { sharedSecretsOf, tellOfUnreadyKeys } from './token-policy.ts'

export interface IdentityOptions extends IdentitySecrets {
  readonly log: Log
  /** Milliseconds since 1970; default: the clock of the store, and elsewhere that of this machine. */
  readonly now?: () => number
  /** Default: what the settings say. */
  readonly mailer?: Mailer
  /** Where private keys are, other than sealed in the database. Existing keys stay until they are rotated. */
  readonly vault?: KeyVault | undefined
  /** Says where a network is, for `session-in-several-networks` (docs/anomalies.md). Default: nothing is known. */
  readonly locateNetwork?: LocateNetwork | undefined
}

/** What one network may cause by way of mail: an office behind one address, and no campaign. */
const mailsOfNetwork = { burst: 50, refillMs: 60_000, keysMax: 10_000 }

/** Everything between the listeners and the store. */
export type IdentityParts = LoginParts &
  RefreshParts &
  ClientCredentialsParts &
  ClientAuthenticationParts &
  PasswordChangeParts &
  ReauthenticationParts &
  AdministrationParts &
  OwnAccountParts &
  StartedActivity &
  StartedAnomalies &
  StartedFeed &
  StartedStreams & {
    readonly clients: ClientStore
    readonly keyring: Keyring
    readonly followers: FollowerStore
    readonly receipts: ReceiptStore
    readonly listRevocations: ListRevocations
    readonly findRevocation: FindRevocation
    readonly auditLog: AuditLog
    readonly revokedTokens: RevokedTokens
    /** To be called when tokens are issued from here on. Answers how to end it. */
    readonly claimPeppers: () => Promise<() => Promise<void>>
    readonly proofJudge: KeyProofJudge
    readonly usedProofs: UsedProofs
    /** Which of the secrets are there. */
    readonly describedSecrets: DescribedSecrets
    readonly explainedSettings: ReadonlyMap<string, ExplainedSetting>
    readonly sharedSecrets: SharedSecrets | undefined
    /** Milliseconds since 1970. */
    readonly now: () => number
  }

/** What administrators decide. */
interface AdministrationParts {
  readonly administration: AccountAdministration
  readonly clientAdministration: ClientAdministration
  readonly sessionAdministration: SessionAdministration
  readonly bulk: BulkAdministration
  readonly directory: AccountDirectory
  readonly insertAccounts: InsertAccounts
  readonly passwordHashFault: FittingParts['passwordHashFault']
}

/** What people do for themselves before they can sign in. */
interface OwnAccountParts {
  readonly selfRegistration: SelfRegistration
  readonly defaultRoles: readonly string[]
  readonly links: LinkStore
  readonly linkTargets: LinkTargets
  readonly post: Post | undefined
}

/** Undefined when there is nobody to send mail. */
function startOutbox(
  mailer: Mailer | undefined,
  log: Log,
  now: () => number,
): { readonly post: Post; readonly close: () => Promise<void> } | undefined {
  if (mailer === undefined) return undefined
  const waitMsOf = createAllowance({ ...mailsOfNetwork, now })
  return createOutbox({ mailer, log, allowance: (network) => waitMsOf(network) === 0 })
}

/**
 * Opens what a store has to have, and starts what goes on by the clock. `onClose` is told how to end each,
 * in the order in which it was begun.
 */
export async function openParts(
  settings: IdentitySettings,
  opened: Database,
  options: IdentityOptions & { readonly metrics: Metrics },
  onClose: (step: () => Promise<void>) => void,
): Promise<IdentityParts> {
  const { log, metrics, peppers, mailer = chooseMailer(settings) } = options
  warnOfExposedFiles(options, log)
  const { issuer } = settings.registry
  const now = options.now ?? Date.now
  const activity = createActivity(now)
  const logs = await openLogs(settings, opened, { ...options, activity }, onClose)
  const { database, auditLog, revocations } = logs
  await synchroniseDeclaredClients(revocations, settings.registry)
  const claimPeppers = await checkPeppers(database, peppers, settings, log)
  const sharedSecrets = sharedSecretsOf(settings.registry, options.sharedSecrets, log)
  const stored = { database, revocations }
  const sealed = await openSealed(settings, stored, { ...options, sharedSecrets })
  const { keyring, attemptKey } = sealed
  tellOfUnreadyKeys(settings.registry, keyring, log)
  onClose(startKeyTicks(keyring, log))
  tellOfKeys(keyring, metrics)
  const broker = settings.nats.servers.length > 0 ? createJetStreamBroker(settings.nats) : undefined
  const { signCheckpoint, publicFeedJwks } = keyring
  const openCheckpoint = createOpenCheckpoint(publicFeedJwks)
  const feedSources = { issuer, ...stored, signCheckpoint, openCheckpoint, log, metrics, broker }
  const startedFeed = startFeed(feedSources, onClose)
  const passwordParts = await createPasswordParts(settings, log)
  const afterwards = createAfterwards(log)
  onClose(afterwards.settled)
  const { gathered, notice } = gatherSightings(now, activity)
  const guarded = { attemptKey, log, now, notice }
  const guard = startLoginProtection(settings.loginProtection, database, guarded)
  onClose(guard.stop)
  const outbox = startOutbox(mailer, log, now)
  if (outbox !== undefined) onClose(outbox.close)
  const stores = createStores(database, revocations.transaction)
  startRemovals(stores, database, log, onClose)
  const watched = { ...options, ...stores, ...stored, gathered, keyring, now, activity }
  const startedAnomalies = startAnomalies(settings, watched, onClose)
  return {
    ...settings,
    ...passwordParts,
    ...stores,
    issuer,
    keyring,
    sharedSecrets,
    sign: createTokenSigner({ keyring, sharedSecrets, encrypt: encryptAsJwe }),
    ...startedFeed,
    ...startedAnomalies,
    ...startActivity({ activity, database, now, log }, onClose),
    notice,
    ...startStreams(settings, { ...stored, keyring, sealer: sealerOf(options), log }, onClose),
    auditLog,
    describedSecrets: describeGivenSecrets(options),
    explainedSettings,
    proofJudge: createOwnProofJudge({ ...settings, ...stores, ...options, now }),
    peppers,
    claimPeppers,
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

/** The two logs of the store, which count what is written into them. */
async function openLogs(
  settings: IdentitySettings,
  opened: Database,
  options: IdentityOptions & { readonly metrics: Metrics; readonly activity: Activity },
  onClose: (step: () => Promise<void>) => void,
): Promise<{
  readonly database: Database
  readonly auditLog: AuditLog
  readonly revocations: StoredRevocationLog
}> {
  const { log, metrics, activity } = options
  const onEvents = (kinds: ReadonlyMap<string, number>): void => countEvents(activity, kinds)
  const watchers = { log, metrics, onEvents }
  // First, so that whatever else is begun is recorded; and it ends last.
  const { database, auditLog, stop } = await openAudit(opened, sealerOf(options), watchers)
  onClose(stop)
  onClose(startAuditUpkeep(auditLog, settings.auditRetentionDays, log))
  const onRecords = (count: number): void => activity.count('revocations', count)
  const opening = await openRevocations(settings, database, log, onRecords)
  const { revocations, lookForLoss } = opening
  if (lookForLoss !== undefined) onClose(startHistoryWatch(lookForLoss, log))
  return { database, auditLog, revocations }
}

/** Secrets that others on this machine can read are no secrets of ours alone. */
function warnOfExposedFiles({ exposedFiles = [] }: IdentitySecrets, log: Log): void {
  for (const { variable, mode } of exposedFiles) {
    log.warn(
      { variable, mode },
      'a secret file can be read by its group or by everybody: let only this user read it (chmod 600)',
    )
  }
}

/** Takes away what is over. */
function startRemovals(
  { links, usedProofs, followers }: ReturnType<typeof createStores>,
  database: Database,
  log: Log,
  onClose: (step: () => Promise<void>) => void,
): void {
  onClose(startAccountUpkeep(links, log))
  onClose(startRemovingSessions(createSessionSweep(database), log))
  onClose(startForgettingProofs(usedProofs, log))
  onClose(startForgettingFollowers(followers, log))
}

function createStores(
  database: Database,
  transaction: RevokingTransaction,
): Pick<
  IdentityParts,
  | 'clients'
  | 'clientAdministration'
  | 'sessions'
  | 'revokedTokens'
  | 'sessionAdministration'
  | 'administration'
  | 'bulk'
  | 'directory'
  | 'insertAccounts'
  | 'links'
  | 'usedProofs'
  | 'followers'
  | 'receipts'
  | 'listRevocations'
  | 'findRevocation'
> & { readonly accounts: AccountStore } {
  return {
    accounts: createAccountStore(database, transaction),
    clients: createClientStore(database),
    clientAdministration: createClientAdministration(database, transaction),
    sessions: createSessionStore(database, transaction),
    revokedTokens: createRevokedTokens(transaction),
    sessionAdministration: createSessionAdministration(database, transaction),
    administration: createAccountAdministration(database, transaction),
    bulk: createBulkAdministration(transaction),
    directory: createAccountDirectory(database),
    insertAccounts: createInsertAccounts(database),
    links: createLinkStore(database, transaction),
    usedProofs: createUsedProofs(database),
    followers: createFollowerStore(database),
    receipts: createReceiptStore(database),
    listRevocations: createRevocationList(database),
    findRevocation: createFindRevocation(database),
  }
}
