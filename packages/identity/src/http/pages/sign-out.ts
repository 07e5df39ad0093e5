import type { FastifyReply } from 'fastify'
import type { AccountStore } from '../../domain/accounts.ts'
import type { BrowserSessionParts } from '../../domain/browser-sessions.ts'
import { holderOf } from '../../domain/callers.ts'
import type { LogoutTokenParts } from '../../domain/logout.ts'
import { recogniseAtLogout } from '../../domain/logout.ts'
import { clearedRefreshCookie, readRefreshCookie } from '../refresh-cookie.ts'
import type { HttpServer } from '../server.ts'
import type { PageParts } from './pages.ts'
import { addressOf, goTo } from './pages.ts'
import { askToSignIn, sessionOf } from './signed-in.ts'
import type { NoticeName } from './texts.ts'

export interface SignOutParts extends PageParts, BrowserSessionParts, LogoutTokenParts {
  readonly sessions: BrowserSessionParts['sessions'] & LogoutTokenParts['sessions']
  readonly accounts: Pick<AccountStore, 'endAllSessions'>
}

/** The end of the session of a browser, and of all the sessions of whoever is signed in there. */
export function addSignOut(scope: HttpServer, parts: SignOutParts): void {
  scope.post(addressOf(parts, '/sign-out'), async (request, reply) => {
    const cookie = readRefreshCookie(request)
    if (cookie.kind === 'none') return signedOut(reply, parts, 'signed-out')
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
    return signedOut(reply, parts, 'signed-out')
  })

  scope.post(addressOf(parts, '/sign-out/everywhere'), async (request, reply) => {
    const session = await sessionOf(parts, request)
    if (session === undefined) return askToSignIn(request, reply, parts)
    const { ip, log } = request
    const outcome = await parts.accounts.endAllSessions(holderOf(session, ip))
    if (outcome.kind === 'superseded') return askToSignIn(request, reply, parts)
    log.info({ event: 'authn_token_revoked', accountId: session.accountId }, 'logout everywhere')
    reply.header('set-cookie', clearedRefreshCookie)
    return signedOut(reply, parts, 'signed-out-everywhere')
  })
}

function signedOut(reply: FastifyReply, parts: PageParts, notice: NoticeName): FastifyReply {
  return goTo(reply, parts, '/sign-in', { notice })
}
