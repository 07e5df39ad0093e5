import assert from 'node:assert/strict'
import type { AccessTokenClaims } from '@portcullis/protocol'
import { findCaller, holderOf } from '../../packages/identity/src/domain/callers.ts'
import type { LoginParts } from '../../packages/identity/src/domain/login.ts'
import { login } from '../../packages/identity/src/domain/login.ts'
import { recogniseAtLogout } from '../../packages/identity/src/domain/logout.ts'
import type { PasswordChangeParts } from '../../packages/identity/src/domain/password-change.ts'
import { changePassword } from '../../packages/identity/src/domain/password-change.ts'
import type { RefreshParts } from '../../packages/identity/src/domain/refresh.ts'
import { refresh } from '../../packages/identity/src/domain/refresh.ts'
import type { KnownSession } from '../../packages/identity/src/domain/sessions.ts'
import { isLive } from '../../packages/identity/src/domain/sessions.ts'
import type { AnsweredTokens, Facts, Reply } from './ledger.ts'

export type Parts = LoginParts & RefreshParts & PasswordChangeParts

/** Does what the routes do with a request, without HTTP. */
export async function perform(
  parts: Parts,
  accountOfHistory: Person,
  facts: Facts,
): Promise<Reply> {
  switch (facts.kind) {
    case 'login':
      return performLogin(parts, accountOfHistory.identifier, facts.password)
    case 'refresh': {
      const { refresh: refreshToken, attempt } = facts
      const outcome = await refresh(parts, { refreshToken, attempt })
      if (outcome.kind === 'refused') return refusal(outcome.why === 'bad-grant', outcome)
      assert.notEqual(outcome.how, 'ahead')
      return { kind: 'done', tokens: tokensOf(outcome) }
    }
    case 'ending':
      return 'refresh' in facts.by
        ? endByRefreshToken(parts, facts.by.refresh)
        : endByAccessToken(parts, facts.sessionId, facts.by.access.claims)
    case 'everywhere':
      return endEverywhere(parts, facts.refresh)
    case 'password-change': {
      const caller = await findCaller(parts.sessions, facts.by.access.claims)
      if (caller === undefined) return refused
      const outcome = await changePassword(parts, caller, {
        current: facts.current,
        new: facts.next,
      })
      if (outcome.kind !== 'changed') return refusal(outcome.kind === 'refused', outcome)
      const { tokens } = outcome
      return { kind: 'done', ...(tokens === undefined ? {} : { tokens: tokensOf(tokens) }) }
    }
    case 'block':
    case 'unblock':
      return decide(parts, accountOfHistory.id, facts.kind)
    case 'showing': {
      const caller = await findCaller(parts.sessions, facts.by.access.claims)
      return caller === undefined ? refused : done
    }
  }
}

export interface Person {
  readonly id: string
  readonly identifier: string
}

const done: Reply = { kind: 'done' }
const refused: Reply = { kind: 'refused' }

function refusal(isExpected: boolean, outcome: object): Reply {
  assert.ok(isExpected, JSON.stringify(outcome))
  return refused
}

async function performLogin(parts: Parts, identifier: string, password: string): Promise<Reply> {
  const outcome = await login(parts, { identifier, password })
  if (outcome.kind === 'signed-in') return { kind: 'done', tokens: tokensOf(outcome) }
  const expected = ['bad-credentials', 'account-blocked']
  return refusal(outcome.kind === 'refused' && expected.includes(outcome.why), outcome)
}

async function endByRefreshToken(parts: Parts, refreshToken: string): Promise<Reply> {
  const recognised = await recogniseAtLogout(parts, refreshToken)
  if (recognised.kind === 'unknown') return refused
  await parts.sessions.end(recognised.session.id)
  return done
}

async function endByAccessToken(
  parts: Parts,
  sessionId: string,
  claims: AccessTokenClaims,
): Promise<Reply> {
  const caller = await findCaller(parts.sessions, claims)
  if (caller === undefined) return refused
  await parts.sessions.end(sessionId)
  return done
}

async function endEverywhere(parts: Parts, refreshToken: string): Promise<Reply> {
  const recognised = await recogniseAtLogout(parts, refreshToken)
  if (recognised.kind !== 'session' || !isLive(recognised.session)) return refused
  const outcome = await parts.accounts.endAllSessions(holderOf(recognised.session))
  return outcome.kind === 'ended' ? done : refused
}

async function decide(parts: Parts, accountId: string, kind: 'block' | 'unblock'): Promise<Reply> {
  const decision = { accountId, actor: { kind: 'command-line' }, reason: 'a history' } as const
  const outcome = await parts.accounts[kind](decision)
  return outcome.kind === `${kind}ed` ? done : refused
}

interface IssuedTokens {
  readonly session: KnownSession | { readonly id: string }
  readonly token: { readonly accessToken: string }
  readonly refresh?: { readonly token: string }
}

function tokensOf({ session, token, refresh: issued }: IssuedTokens): AnsweredTokens {
  const { accessToken } = token
  const [, payload = ''] = accessToken.split('.')
  return {
    sessionId: session.id,
    refresh: issued?.token ?? assert.fail('no refresh token'),
    access: accessToken,
    claims: JSON.parse(Buffer.from(payload, 'base64url').toString()) as AccessTokenClaims,
  }
}
