import type { JSX } from 'preact'
import { route } from '../navigation/route.ts'
import { AccountPage } from './account.tsx'
import { AccountsPage } from './accounts.tsx'
import { AnomaliesPage } from './anomalies.tsx'
import { AnomalyPage } from './anomaly.tsx'
import { AuditPage } from './audit.tsx'
import { ClientPage } from './client.tsx'
import { ClientsPage } from './clients.tsx'
import { KeysPage } from './keys.tsx'
import { OverviewPage } from './overview.tsx'
import { RevocationPage } from './revocation.tsx'
import { RevocationsPage } from './revocations.tsx'
import { SessionsPage } from './sessions.tsx'
import { SettingsPage } from './settings.tsx'
import { StreamPage } from './stream.tsx'
import { StreamsPage } from './streams.tsx'

/** The page that the address names. */
export function PageOf(): JSX.Element {
  const { page, id } = route.value
  switch (page) {
    case 'accounts':
      return id === undefined ? <AccountsPage /> : <AccountPage key={id} id={id} />
    case 'anomalies':
      return id === undefined ? <AnomaliesPage /> : <AnomalyPage key={id} id={id} />
    case 'audit':
      return <AuditPage />
    case 'revocations':
      return id === undefined ? <RevocationsPage /> : <RevocationPage key={id} id={id} />
    case 'sessions':
      return <SessionsPage />
    case 'clients':
      return id === undefined ? <ClientsPage /> : <ClientPage key={id} id={id} />
    case 'keys':
      return <KeysPage />
    case 'streams':
      return id === undefined ? <StreamsPage /> : <StreamPage key={id} id={id} />
    case 'settings':
      return <SettingsPage />
    case 'overview':
      return <OverviewPage />
  }
}
