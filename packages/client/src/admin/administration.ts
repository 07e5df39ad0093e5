import type { Client } from '../client.ts'
import { partsOf } from '../client-parts.ts'
import type { PageClient } from '../page-client.ts'
import type { AccountAdministration } from './accounts.ts'
import { administerAccounts } from './accounts.ts'
import type { ActivityAdministration } from './activity.ts'
import { administerActivity } from './activity.ts'
import type { AnomalyAdministration } from './anomalies.ts'
import { administerAnomalies } from './anomalies.ts'
import type { AuditAdministration } from './audit.ts'
import { administerAudit } from './audit.ts'
import type { ClientAdministration } from './clients.ts'
import { administerClients } from './clients.ts'
import type { FollowerAdministration } from './followers.ts'
import { administerFollowers } from './followers.ts'
import type { KeyAdministration } from './keys.ts'
import { administerKeys } from './keys.ts'
import { createAskAdmin } from './requests.ts'
import type { RevocationAdministration } from './revocations.ts'
import { administerRevocations } from './revocations.ts'
import type { SessionAdministration } from './sessions.ts'
import { administerSessions } from './sessions.ts'
import type { SettingsAdministration } from './settings.ts'
import { administerSettings } from './settings.ts'
import type { StreamAdministration } from './streams.ts'
import { administerStreams } from './streams.ts'

/**
 * The issuer's admin routes, for a person with the role `identity-admin`. Every method may reject with a
 * `ClientError`; whoever lacks the role is `refused` with status 403.
 */
export interface Administration {
  readonly accounts: AccountAdministration
  readonly sessions: SessionAdministration
  readonly clients: ClientAdministration
  readonly keys: KeyAdministration
  readonly audit: AuditAdministration
  readonly anomalies: AnomalyAdministration
  readonly followers: FollowerAdministration
  readonly revocations: RevocationAdministration
  readonly streams: StreamAdministration
  readonly activity: ActivityAdministration
  readonly settings: SettingsAdministration
}

/** Administers by the session of a client. Nothing is sent before the first call. */
export function createAdministration(client: Client | PageClient): Administration {
  const { issuer, ...parts } = partsOf(client)
  const ask = createAskAdmin(parts)
  return Object.freeze({
    accounts: administerAccounts(ask),
    sessions: administerSessions(ask, issuer),
    clients: administerClients(ask),
    keys: administerKeys(ask),
    audit: administerAudit(ask),
    anomalies: administerAnomalies(ask),
    followers: administerFollowers(ask),
    revocations: administerRevocations(ask),
    streams: administerStreams(ask),
    activity: administerActivity(ask),
    settings: administerSettings(ask),
  })
}
