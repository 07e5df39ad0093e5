import { accounts } from './english/accounts.ts'
import { anomalies } from './english/anomalies.ts'
import { audit } from './english/audit.ts'
import { clients } from './english/clients.ts'
import { decisions } from './english/decisions.ts'
import { failures } from './english/failures.ts'
import { frame } from './english/frame.ts'
import { keys } from './english/keys.ts'
import { lists } from './english/lists.ts'
import { overview } from './english/overview.ts'
import { refusals } from './english/refusals.ts'
import { revocations } from './english/revocations.ts'
import { sessions } from './english/sessions.ts'
import { settings } from './english/settings.ts'
import { streams } from './english/streams.ts'

export const english = {
  language: 'en',
  frame,
  lists,
  failures,
  decisions,
  overview,
  refusals,
  anomalies,
  audit,
  accounts,
  sessions,
  clients,
  keys,
  streams,
  settings,
  revocations,
}
