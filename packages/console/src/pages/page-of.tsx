import type { JSX } from 'preact'
import { route } from '../navigation/route.ts'
import { AccountPage } from './account.tsx'
import { AccountsPage } from './accounts.tsx'
import { OverviewPage } from './overview.tsx'
import { SessionsPage } from './sessions.tsx'

/** The page that the address names. */
export function PageOf(): JSX.Element {
  const { page, id } = route.value
  switch (page) {
    case 'accounts':
      return id === undefined ? <AccountsPage /> : <AccountPage key={id} id={id} />
    case 'sessions':
      return <SessionsPage />
    default:
      return <OverviewPage />
  }
}
