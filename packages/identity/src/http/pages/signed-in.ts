import { rawFieldValues } from '@portcullis/verify'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { BrowserSessionParts } from '../../domain/browser-sessions.ts'
import { recogniseInBrowser } from '../../domain/browser-sessions.ts'
import type { KnownSession } from '../../domain/sessions.ts'
import { readRefreshCookie } from '../refresh-cookie.ts'
import { buttonForm } from './form-parts.ts'
import type { Markup } from './markup.ts'
import { markup } from './markup.ts'
import type { PageParts } from './pages.ts'
import { addressOf, goTo, linkTo, show } from './pages.ts'

/** The live session that the browser of a request is in. */
export async function sessionOf(
  parts: BrowserSessionParts,
  request: FastifyRequest,
): Promise<KnownSession | undefined> {
  const cookie = readRefreshCookie(request)
  return cookie.kind === 'token' ? recogniseInBrowser(parts, cookie.refreshToken) : undefined
}

/** Beside every page of somebody who is signed in (ASVS 7.4.4): where the others are, and the way out. */
export function personLinks(parts: PageParts, more: readonly Markup[] = []): Markup {
  const { account } = parts.texts
  const links = [linkTo(addressOf(parts, '/my-account'), account.back), ...more]
  return markup`${links}
${buttonForm(addressOf(parts, '/sign-out'), account.signOut)}`
}

/** Leads whoever is not signed in to the sign-in, and from there to the page that they wanted. */
export function askToSignIn(
  request: FastifyRequest,
  reply: FastifyReply,
  parts: PageParts,
): FastifyReply {
  if (comesWithoutCookies(request)) return comeAgain(request, reply, parts)
  const hadSession = readRefreshCookie(request).kind !== 'none'
  return goTo(reply, parts, '/sign-in', {
    // What a form has sent is not sent again by a link; and of the query nothing is worth to be handed on.
    return_to: request.method === 'GET' ? request.url.split('?', 1)[0] : undefined,
    ...(hadSession && { notice: 'session-over' }),
  })
}

/**
 * Whether the browser may have a cookie that it has not sent: where a link on a page of somebody else leads here, one
 * that is `SameSite=Strict` stays at home.
 */
export function comesWithoutCookies(request: FastifyRequest): boolean {
  const [site] = rawFieldValues(request.raw.rawHeaders)('sec-fetch-site')
  return (
    request.method === 'GET' && site === 'cross-site' && readRefreshCookie(request).kind === 'none'
  )
}

/** A page that leads to itself: from there it is our own page that asks, and the cookie goes along. */
export function comeAgain(
  { url }: FastifyRequest,
  reply: FastifyReply,
  parts: PageParts,
): FastifyReply {
  const { title, text } = parts.texts.elsewhere
  const page = { title, body: markup`<p>${linkTo(url, text)}</p>`, goesTo: url }
  return show(reply, parts, page)
}
