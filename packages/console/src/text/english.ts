import { accounts } from './english/accounts.ts'
import { decisions } from './english/decisions.ts'
import { failures } from './english/failures.ts'
import { frame } from './english/frame.ts'
import { lists } from './english/lists.ts'
import { overview } from './english/overview.ts'
import { revocations } from './english/revocations.ts'
import { sessions } from './english/sessions.ts'

export const english = {
  language: 'en',
  frame,
  lists,
  failures,
  decisions,
  overview,
  accounts,
  sessions,
  revocations,
}
