import type { RevocationPosition } from '@portcullis/protocol/revocations'
import type { PasswordFault } from './account-faults.ts'
import type { AccountStore } from './accounts.ts'
import { callerOf } from './callers.ts'
import type { FreshToken } from './fresh-token.ts'
import { mintFreshToken } from './fresh-token.ts'
import type { Throttled } from './login-protection.ts'
import type { PasswordCheckParts } from './password-check.ts'
import { checkPassword } from './password-check.ts'
import type { PasswordRules } from './password-rules.ts'
import { newPasswordFault } from './password-rules.ts'
import type { Busy } from './passwords.ts'
import { normalisePassword } from './passwords.ts'
import type { IssuedRefreshToken, RefreshPeppers } from './refresh-tokens.ts'
import { issueRefreshToken } from './refresh-tokens.ts'
import type { SessionTokenParts, SessionTokenRefusal } from './session-tokens.ts'
import { mintForSession } from './session-tokens.ts'
import type { KnownSession, SessionStore } from './sessions.ts'
import { SignerUnavailableError } from './signer-unavailable.ts'

export interface PasswordChangeParts extends SessionTokenParts, PasswordCheckParts {
  readonly accounts: AccountStore
  readonly sessions: SessionStore
  readonly passwordRules: PasswordRules
  readonly peppers: RefreshPeppers
}

export type PasswordChangeOutcome =
  | {
      readonly kind: 'changed'
      readonly position: RevocationPosition
      /** Where its owner hears of it. */
      readonly email: string | undefined
      /** Undefined when the session was ended, its account blocked or the signer gone, right after the change. */
      readonly tokens: FreshTokens | undefined
    }
  | {
      readonly kind: 'refused'
      readonly why: 'bad-credentials' | 'session-over' | SessionTokenRefusal
      readonly detail?: string
    }
  | { readonly kind: 'unfit'; readonly fault: PasswordFault }
  | Throttled
  | Busy

export interface ShownPasswords {
  readonly current: string
  readonly new: string
  /** The address that they come from. */
  readonly network?: string | undefined
  /** The key that was proved with the request. */
  readonly keyThumbprint?: string | undefined
}

interface FreshTokens extends FreshToken {
  /** Absent when the client may not refresh. */
  readonly refresh?: IssuedRefreshToken
}

/**
 * Changes the password of a session's account. Every other session and every token from before ends
 * with it, in the same step; this session goes on, with a fresh access token and the refresh token
 * that it has. A token that cannot be minted refuses the change before anything is written.
 */
export async function changePassword(
  parts: PasswordChangeParts,
  session: KnownSession,
  passwords: ShownPasswords,
): Promise<PasswordChangeOutcome> {
  const { accountId, id: sessionId } = session
  const { keyThumbprint } = passwords
  const next = normalisePassword(passwords.new)
  const rehearsal = await mintForSession(parts, session, { keyThumbprint })
  if (rehearsal.kind === 'refused') return rehearsal
  const account = await parts.accounts.find(accountId)
  if (account === undefined) return { kind: 'refused', why: 'session-over' }
  const { identifier } = account
  const fault = await newPasswordFault(parts.passwordRules, next, identifier)
  if (fault !== undefined) return { kind: 'unfit', fault }
  const { current: password, network: address } = passwords
  const check = await checkPassword(parts, { account, identifier, password, address })
  if (check.kind === 'busy' || check.kind === 'throttled') return check
  if (check.kind === 'mismatch') return { kind: 'refused', why: 'bad-credentials' }

  const hashed = await parts.passwords.hash(next, 'known')
  if (hashed.kind === 'busy') return hashed

  const changed = await parts.accounts.changePassword({
    caller: callerOf(session, address),
    oldHash: account.passwordHash,
    newHash: hashed.passwordHash,
  })
  if (changed.kind === 'superseded') return { kind: 'refused', why: 'session-over' }
  const { position, counter } = changed
  const tokens = await freshTokens(parts, { sessionId, counter, keyThumbprint })
  return { kind: 'changed', position, email: account.email, tokens }
}

/** The change holds and is said to, also when the signer failed in between: the client refreshes. */
function unlessUnsigned(error: unknown): undefined {
  if (!(error instanceof SignerUnavailableError)) throw error
  return undefined
}

async function freshTokens(
  parts: PasswordChangeParts,
  {
    sessionId,
    counter,
    keyThumbprint,
  }: {
    readonly sessionId: string
    readonly counter: number
    readonly keyThumbprint: string | undefined
  },
): Promise<FreshTokens | undefined> {
  const fresh = await mintFreshToken(parts, sessionId, keyThumbprint).catch(unlessUnsigned)
  if (fresh === undefined || !fresh.session.client.mayRefresh) return fresh
  const { session } = fresh
  const { idleExpiresAt, readAt } = session
  const refresh = issueRefreshToken(parts.peppers, session, counter, { idleExpiresAt, now: readAt })
  return { ...fresh, refresh }
}
