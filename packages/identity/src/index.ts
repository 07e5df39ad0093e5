export { startIdentity } from './start.ts'
export type { Identity } from './app.ts'
export type { IdentityOptions } from './parts.ts'
export type { LocateNetwork } from './started-anomalies.ts'
export { bootstrap, ensureClients, newClientCredential, newRandomSecret } from './bootstrap.ts'
export type { BootstrapRequest, ImportedAccount, NewAccount, NewClient } from './bootstrap.ts'
export type { AuditAnchor, AuditVerdict } from './domain/audit.ts'
export { parseAnchor } from './domain/audit.ts'
export { verifyStoredAudit } from './audit-check.ts'
export { isName } from './domain/registry.ts'
export type { KeyLine } from './domain/key-life.ts'
export type { KeptKey, KeyVault, VaultedKey } from './domain/key-vault.ts'
export type { Mail, Mailer } from './domain/mails.ts'
export {
  describeIdentitySettings,
  parseIdentitySettings,
  readIdentitySettings,
} from './settings.ts'
export type { IdentitySettings, SettingsSources } from './settings.ts'
export { readSealingKeys, readSecrets } from './settings/secrets.ts'
export type { IdentitySecrets } from './settings/secrets.ts'
export { identityVariables } from './settings/variables.ts'
