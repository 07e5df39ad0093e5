import type { RevocationPosition } from '@portcullis/protocol/revocations'
import type { AccessToken } from './access-tokens.ts'
import type { AccountStore } from './accounts.ts'
import type { PasswordHasher } from './passwords.ts'
import { newPasswordFault, normalisePassword } from './passwords.ts'
import type { IssuedRefreshToken, RefreshPeppers } from './refresh-tokens.ts'
import { deriveRefreshToken } from './refresh-tokens.ts'
import type { SessionTokenParts } from './session-tokens.ts'
import { mintForSession } from './session-tokens.ts'
import type { KnownSession, SessionStore } from './sessions.ts'
import { isLive } from './sessions.ts'

export interface PasswordChangeParts extends SessionTokenParts {
  readonly accounts: AccountStore
  readonly sessions: SessionStore
  readonly passwords: PasswordHasher
  readonly peppers: RefreshPeppers
  /** The store's clock, in milliseconds. */
  readonly now: () => number
}

export type PasswordChangeOutcome =
  | {
      readonly kind: 'changed'
      readonly token: AccessToken
      readonly session: KnownSession
      /** Absent when the client may not refresh. */
      readonly refresh?: IssuedRefreshToken
      readonly position: RevocationPosition
    }
  | { readonly kind: 'refused'; readonly why: 'bad-credentials' | 'session-over' }
  | { readonly kind: 'unfit'; readonly fault: string }
  | { readonly kind: 'busy'; readonly retryAfterSeconds: number }

/**
 * Changes the password of a session's account. Every other session and every token from before ends
 * with it, in the same step; this session goes on, with fresh tokens.
 */
export async function changePassword(
  parts: PasswordChangeParts,
  sessionId: string,
  accountId: string,
  passwords: { readonly current: string; readonly new: string },
): Promise<PasswordChangeOutcome> {
  const next = normalisePassword(passwords.new)
  const fault = newPasswordFault(next)
  if (fault !== undefined) return { kind: 'unfit', fault }
  const account = await parts.accounts.find(accountId)
  if (account === undefined) return { kind: 'refused', why: 'session-over' }
  const check = await parts.passwords.verify(
    account.passwordHash,
    normalisePassword(passwords.current),
  )
  if (check.kind === 'busy') return check
  if (check.kind === 'mismatch') return { kind: 'refused', why: 'bad-credentials' }

  const changed = await parts.accounts.changePassword({
    accountId,
    sessionId,
    oldHash: account.passwordHash,
    newHash: await parts.passwords.hash(next),
    now: parts.now(),
  })
  // Before the read: see mintAccessToken.
  const readAt = parts.now()
  const session = await parts.sessions.find(sessionId)
  // Not live: blocked, or signed out everywhere, since the change. A token of its present generation
  // would be above the floor that this was revoked with.
  if (changed.kind === 'superseded' || session === undefined || !isLive(session, readAt)) {
    return { kind: 'refused', why: 'session-over' }
  }
  const token = mintForSession(parts, session, {}, readAt)
  // The login minted the same for it; only a policy that has shrunk since then can refuse.
  if (token.kind === 'refused') return { kind: 'refused', why: 'session-over' }
  const outcome = { kind: 'changed', token, session, position: changed.position } as const
  if (!session.client.mayRefresh) return outcome
  const source = { sessionId, seed: session.seed }
  const refresh = {
    token: deriveRefreshToken(parts.peppers[0], source, changed.counter),
    expiresInSeconds: Math.floor((session.idleExpiresAt - readAt) / 1000),
  }
  return { ...outcome, refresh }
}
