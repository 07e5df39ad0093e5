export type { AccountDetails, AccountInfo, Attributes } from './admin/account-info.ts'
export type {
  AccountAdministration,
  AccountFilter,
  ChangedProfile,
  NewAccount,
  ProfileChange,
} from './admin/accounts.ts'
export type {
  Activity,
  ActivityAdministration,
  ActivityOptions,
  ActivitySeries,
  ActivityTotals,
} from './admin/activity.ts'
export type { Administration } from './admin/administration.ts'
export { createAdministration } from './admin/administration.ts'
export type {
  Anomaly,
  AnomalyAdministration,
  AnomalyDetails,
  AnomalyEvidence,
  AnomalyFilter,
} from './admin/anomalies.ts'
export type {
  AuditAdministration,
  AuditEvent,
  AuditFault,
  AuditFilter,
  AuditVerdict,
} from './admin/audit.ts'
export type { AccountImport, BulkDecision, BulkResult, ImportResult } from './admin/bulk.ts'
export type { ClientInfo } from './admin/client-info.ts'
export type {
  ClientAdministration,
  ClientPageOptions,
  ClientChange,
  MadeClient,
  NewClient,
  RotatedSecret,
  SecretRotation,
} from './admin/clients.ts'
export type {
  FollowerAdministration,
  FollowerInfo,
  FollowerReceipt,
  FollowerState,
  LatencyCount,
  ReceiptOptions,
  Receipts,
} from './admin/followers.ts'
export type { KeyAdministration, KeyInfo, KeyRotation, WithdrawnKeys } from './admin/keys.ts'
export type { Page, PageOptions } from './admin/pages.ts'
export type { Reason } from './admin/requests.ts'
export type { ListedRevocation, RevocationAdministration } from './admin/revocations.ts'
export type { AdministeredSession, SessionAdministration, SessionFilter } from './admin/sessions.ts'
export type {
  DeclaredAudience,
  DeclaredClient,
  DeclaredRole,
  SettingInForce,
  SettingsAdministration,
  SettingsInForce,
} from './admin/settings.ts'
export type {
  NewWebhook,
  StreamAdministration,
  StreamInfo,
  UndeliveredEvent,
} from './admin/streams.ts'
