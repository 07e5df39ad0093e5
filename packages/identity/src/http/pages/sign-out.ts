import type { AccountStore } from '../../domain/accounts.ts'
import type { BrowserSessionParts } from '../../domain/browser-sessions.ts'
import { holderOf } from '../../domain/callers.ts'
import type { LogoutTokenParts } from '../../domain/logout.ts'
import { recogniseAtLogout } from '../../domain/logout.ts'
import { clearedRefreshCookie, readRefreshCookie } from '../refresh-cookie.ts'
import type { HttpServer } from '../server.ts'
import type { PageParts } from './pages.ts'
import { addressOf, goTo } from './pages.ts'
import type { ReturnPlaces } from './return-target.ts'
import { parametersOf, purposeOf } from './sign-in-purpose.ts'
import { askToSignIn, sessionOf } from './signed-in.ts'

export interface SignOutParts
  extends PageParts, ReturnPlaces, BrowserSessionParts, LogoutTokenParts {
  readonly sessions: BrowserSessionParts['sessions'] & LogoutTokenParts['sessions']
  readonly accounts: Pick<AccountStore, 'endAllSessions'>
}

/** The end of the session of a browser, and of all the sessions of whoever is signed in there. */
export function addSignOut(scope: HttpServer, parts: SignOutParts): void {
  scope.post(addressOf(parts, '/sign-out'), async (request, reply) => {
    // Of whoever wants to sign in as somebody else.
    const purpose = purposeOf(parts, request.body)
    const next = { ...parametersOf(purpose), notice: 'signed-out' } as const
    const cookie = readRefreshCookie(request)
    if (cookie.kind === 'none') return goTo(reply, parts, '/sign-in', next)
    if (cookie.kind === 'token') {
      const { ip, log } = request
      const recognised = await recogniseAtLogout(parts, cookie.refreshToken, ip)
      if (recognised.kind === 'session') {
        const { id: sessionId } = recognised.session
        await parts.sessions.end(sessionId, 'session-ended', ip)
        log.info({ event: 'authn_token_revoked', sessionId }, 'logout')
      }
      if (recognised.kind === 'stolen') {
        const { id: sessionId } = recognised.session
        const facts = { event: 'authn_token_reuse', outcome: 'refresh-reuse', sessionId }
        log.info(facts, 'logout')
      }
    }
    reply.header('set-cookie', clearedRefreshCookie)
    return goTo(reply, parts, '/sign-in', next)
  })

  scope.post(addressOf(parts, '/sign-out/everywhere'), async (request, reply) => {
    const session = await sessionOf(parts, request)
    if (session === undefined) return askToSignIn(request, reply, parts)
    const { ip, log } = request
    const outcome = await parts.accounts.endAllSessions(holderOf(session, ip))
    if (outcome.kind === 'superseded') return askToSignIn(request, reply, parts)
    log.info({ event: 'authn_token_revoked', accountId: session.accountId }, 'logout everywhere')
    reply.header('set-cookie', clearedRefreshCookie)
    return goTo(reply, parts, '/sign-in', { notice: 'signed-out-everywhere' })
  })
}
