import { accountSettings } from './accounts.ts'
import { anomalySettings } from './anomalies.ts'
import { auditSettings } from './audit.ts'
import { eventStreamSettings } from './event-streams.ts'
import { installationSettings } from './installation.ts'
import { listenerSettings } from './listener.ts'
import { loginProtectionSettings } from './login-protection.ts'
import { natsSettings } from './nats.ts'
import { passwordSettings } from './passwords.ts'
import { sessionSettings } from './sessions.ts'
import type { SettingsOf, SettingsTable } from './setting.ts'
import { tokenSettings } from './tokens.ts'
import { tracingSettings } from './tracing.ts'

/** Every setting that is one value. A new one is an entry in the file of its concept, and nothing else. */
export type IdentityTable = typeof installationSettings &
  typeof listenerSettings &
  typeof tokenSettings &
  typeof sessionSettings &
  typeof loginProtectionSettings &
  typeof accountSettings &
  typeof auditSettings &
  typeof anomalySettings &
  typeof natsSettings &
  typeof eventStreamSettings &
  typeof passwordSettings &
  typeof tracingSettings

/** What belongs together, by the name that people know it by. */
export const concepts: Readonly<Record<string, SettingsTable>> = {
  installation: installationSettings,
  listener: listenerSettings,
  tokens: tokenSettings,
  sessions: sessionSettings,
  'login-protection': loginProtectionSettings,
  accounts: accountSettings,
  audit: auditSettings,
  anomalies: anomalySettings,
  nats: natsSettings,
  'event-streams': eventStreamSettings,
  passwords: passwordSettings,
  tracing: tracingSettings,
}

export const identityTable: IdentityTable = {
  ...installationSettings,
  ...listenerSettings,
  ...tokenSettings,
  ...sessionSettings,
  ...loginProtectionSettings,
  ...accountSettings,
  ...auditSettings,
  ...anomalySettings,
  ...natsSettings,
  ...eventStreamSettings,
  ...passwordSettings,
  ...tracingSettings,
}

export type SettingPath = keyof IdentityTable

export type IdentityValues = SettingsOf<IdentityTable>

/** The same, in order, for whoever treats all alike. */
export const settingEntries: readonly (readonly [SettingPath, SettingsTable[string]])[] =
  Object.entries(identityTable) as [SettingPath, SettingsTable[string]][]
