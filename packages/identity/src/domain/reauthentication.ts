import type { AccountStore } from './accounts.ts'
import type { FreshToken } from './fresh-token.ts'
import { mintFreshToken } from './fresh-token.ts'
import type { Throttled } from './login-protection.ts'
import type { PasswordCheckParts } from './password-check.ts'
import { checkPassword } from './password-check.ts'
import type { Busy } from './passwords.ts'
import type { SessionTokenParts, SessionTokenRefusal } from './session-tokens.ts'
import { mintForSession } from './session-tokens.ts'
import type { KnownSession, SessionStore } from './sessions.ts'

export interface ReauthenticationParts extends SessionTokenParts, PasswordCheckParts {
  readonly accounts: Pick<AccountStore, 'find'>
  readonly sessions: Pick<SessionStore, 'find' | 'reauthenticate'>
}

export type ReauthenticationResult =
  | ({ readonly kind: 'reauthenticated' } & FreshToken)
  | {
      readonly kind: 'refused'
      readonly why: 'bad-credentials' | 'session-over' | SessionTokenRefusal
      readonly detail?: string
    }
  | Throttled
  | Busy

/**
 * Steps a session up: the person proves again who they are, and every access token of the session has that
 * time as its `auth_time` from then on. The refresh token stays, so that a lost answer costs nothing: it is
 * simply asked again. A session that ended while the password was being checked stays ended.
 */
export async function reauthenticate(
  parts: ReauthenticationParts,
  session: KnownSession,
  {
    password,
    address,
    keyThumbprint,
  }: {
    readonly password: string
    readonly address: string | undefined
    /** The key that was proved with the request. */
    readonly keyThumbprint?: string | undefined
  },
): Promise<ReauthenticationResult> {
  const { id: sessionId, accountId } = session
  const rehearsal = await mintForSession(parts, session, { keyThumbprint })
  if (rehearsal.kind === 'refused') return rehearsal
  const account = await parts.accounts.find(accountId)
  if (account === undefined) return sessionOver
  const { identifier } = account
  const check = await checkPassword(parts, { account, identifier, password, address })
  if (check.kind === 'busy' || check.kind === 'throttled') return check
  if (check.kind === 'mismatch') return { kind: 'refused', why: 'bad-credentials' }

  const { generation } = account
  const outcome = await parts.sessions.reauthenticate({ sessionId, accountId, generation })
  if (outcome.kind === 'superseded') return sessionOver
  const fresh = await mintFreshToken(parts, sessionId, keyThumbprint)
  return fresh === undefined ? sessionOver : { kind: 'reauthenticated', ...fresh }
}

/** So long the sign-in is enough for what only the person themselves may do, such as ending other sessions. */
const recentMs = 15 * 60_000

/** Whether somebody has shown lately who they are, by the sign-in or once more. */
export function hasProvedRecently({
  readAt,
  authenticatedAt,
  reauthenticatedAt = authenticatedAt,
}: KnownSession): boolean {
  return readAt - reauthenticatedAt <= recentMs
}

const sessionOver = { kind: 'refused', why: 'session-over' } as const
