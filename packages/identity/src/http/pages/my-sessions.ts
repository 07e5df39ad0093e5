import type { FastifyReply } from 'fastify'
import { callerOf } from '../../domain/callers.ts'
import type { OtherSessionsParts } from '../../domain/other-sessions.ts'
import { endOtherSessions } from '../../domain/other-sessions.ts'
import { pagesClientName } from '../../domain/registry.ts'
import type { KnownSession, SessionList, SessionStore, TooOften } from '../../domain/sessions.ts'
import { nextMember, pageCursor } from '../page-queries.ts'
import { clearedRefreshCookie } from '../refresh-cookie.ts'
import type { HttpServer } from '../server.ts'
import { sessionPageOf } from '../sessions.ts'
import { deviceNameOf } from '../device-names.ts'
import type { ConfirmPersonParts } from './confirm-person.ts'
import { confirmPerson } from './confirm-person.ts'
import { buttonForm, hidden, noticeOf, noticeText, textOf } from './form-parts.ts'
import type { Markup } from './markup.ts'
import { markup, name, sentence } from './markup.ts'
import type { Page } from './page.ts'
import type { PageParts } from './pages.ts'
import { addressOf, goTo, linkTo, plainPage, refuse, show, tooMuch } from './pages.ts'
import { askToSignIn, personLinks, sessionOf } from './signed-in.ts'
import type { Texts } from './texts.ts'

export type MySessionsParts = ConfirmPersonParts &
  OtherSessionsParts & { readonly sessions: SessionStore }

const pageQuery = {
  type: 'object',
  properties: { after: pageCursor, notice: noticeText },
} as const

/** So many fit on a screen or two. */
const sessionsPerPage = '20'

/** Where somebody is signed in, and the end of any of it. */
export function addMySessions(scope: HttpServer, parts: MySessionsParts): void {
  const path = addressOf(parts, '/my-account/sessions')
  scope.get(path, { schema: { querystring: pageQuery } }, async (request, reply) => {
    const session = await sessionOf(parts, request)
    if (session === undefined) return askToSignIn(request, reply, parts)
    const { after } = request.query
    const page = sessionPageOf({ limit: sessionsPerPage, after })
    const list = await parts.sessions.listOf(session.accountId, page)
    const shown = { list, current: session.id, isFirst: after === undefined, query: request.query }
    return show(reply, parts, sessionsPage(parts, shown))
  })

  scope.post(addressOf(parts, '/my-account/sessions/end'), async (request, reply) => {
    const session = await sessionOf(parts, request)
    if (session === undefined) return askToSignIn(request, reply, parts)
    const sessionId = textOf(request.body, 'sid') ?? ''
    const { end: button } = parts.texts.sessions
    const fields = hidden('sid', sessionId)
    const intent = { button, action: request.url, fields, back: path }
    const person = await confirmPerson(request, reply, parts, { session, intent })
    if (person.kind === 'answered') return person.reply
    const caller = callerOf(person.session, request.ip)
    const outcome = await parts.sessions.endOwn(caller, sessionId)
    switch (outcome.kind) {
      case 'superseded':
        return askToSignIn(request, reply, parts)
      case 'too-often':
        return refuseTooOften(reply, parts, outcome)
      case 'unknown':
        return refuseUnknown(reply, parts)
      case 'ended':
        request.log.info({ event: 'authn_token_revoked', sessionId }, 'session ended by its owner')
        if (sessionId !== session.id) return backToList(reply, parts, 'session-ended')
        reply.header('set-cookie', clearedRefreshCookie)
        return goTo(reply, parts, '/sign-in', { notice: 'signed-out' })
    }
  })

  scope.post(addressOf(parts, '/my-account/sessions/end-others'), async (request, reply) => {
    const session = await sessionOf(parts, request)
    if (session === undefined) return askToSignIn(request, reply, parts)
    const { endOthers: button } = parts.texts.sessions
    const intent = { button, action: request.url, back: path }
    const person = await confirmPerson(request, reply, parts, { session, intent })
    if (person.kind === 'answered') return person.reply
    const outcome = await endOtherSessions(parts, person.session, { network: request.ip })
    if (outcome.kind === 'superseded') return askToSignIn(request, reply, parts)
    if (outcome.kind === 'too-often') return refuseTooOften(reply, parts, outcome)
    const { id: sessionId } = session
    request.log.info({ event: 'authn_token_revoked', sessionId }, 'other sessions ended')
    return backToList(reply, parts, 'others-ended')
  })
}

function backToList(
  reply: FastifyReply,
  parts: PageParts,
  notice: 'session-ended' | 'others-ended',
): FastifyReply {
  return goTo(reply, parts, '/my-account/sessions', { notice })
}

function refuseTooOften(
  reply: FastifyReply,
  parts: PageParts,
  { retryAfterSeconds }: TooOften,
): FastifyReply {
  const { texts } = parts
  const { code, problem } = tooMuch(reply, { kind: 'throttled', retryAfterSeconds }, texts)
  const page = plainPage(texts.refusals.throttledTitle, problem.text, toList(parts))
  return refuse(reply, parts, code, page)
}

/** Somebody else's session does not exist for the caller. */
function refuseUnknown(reply: FastifyReply, parts: PageParts): FastifyReply {
  const { goneTitle, gone } = parts.texts.sessions
  return refuse(reply, parts, 'not-found', plainPage(goneTitle, gone, toList(parts)))
}

function toList(parts: PageParts): Markup {
  return linkTo(addressOf(parts, '/my-account/sessions'), parts.texts.sessions.title)
}

interface Shown {
  readonly list: SessionList
  /** The session that asks. */
  readonly current: string
  readonly isFirst: boolean
  readonly query: unknown
}

function sessionsPage(parts: PageParts, { list, current, isFirst, query }: Shown): Page {
  const { texts } = parts
  const { sessions: say } = texts
  const { next: after } = nextMember(
    list.next && { at: list.next.authenticatedAt, id: list.next.id },
  )
  const items = list.sessions.map((session) => item(parts, session, session.id === current))
  const isAlone = isFirst && after === undefined && list.sessions.every(({ id }) => id === current)
  const others = isAlone
    ? markup`<p class="soft">${say.only}</p>`
    : buttonForm(addressOf(parts, '/my-account/sessions/end-others'), say.endOthers)
  const path = '/my-account/sessions'
  return {
    title: say.title,
    isWide: true,
    body: markup`${noticeOf(query, texts)}<p class="soft">${say.text}</p>
${others}
<ul class="sessions">
${items}
</ul>`,
    links: personLinks(parts, [
      ...(isFirst ? [] : [linkTo(addressOf(parts, path), say.newest)]),
      ...(after === undefined ? [] : [linkTo(addressOf(parts, path, { after }), say.more)]),
    ]),
  }
}

function item(parts: PageParts, session: KnownSession, isCurrent: boolean): Markup {
  const { sessions: say, locale } = parts.texts
  const device = deviceOf(parts.texts, session)
  const { name: clientName } = session.client
  const client = say.by(clientName === pagesClientName ? say.ownPages : clientName)
  const from = session.network === undefined ? '' : ` · ${say.from(session.network)}`
  const signedIn = momentOf(session.authenticatedAt, locale)
  const lastUsed = momentOf(session.lastUsedAt, locale)
  const here = isCurrent ? markup` <span class="here">${say.here}</span>` : undefined
  const end = isCurrent
    ? buttonForm(addressOf(parts, '/sign-out'), say.end)
    : markup`<form method="post" action="${addressOf(parts, '/my-account/sessions/end')}">${hidden('sid', session.id)}<button aria-label="${say.endNamed(device)}">${say.end}</button></form>`
  return markup`<li><div><h2>${name(device)}${here}</h2>
<p>${client}${from}</p>
<p>${sentence(say.used, signedIn, lastUsed)}</p></div>
${end}</li>`
}

function deviceOf({ sessions: say }: Texts, { device }: KnownSession): string {
  // A browser may say nothing at all there.
  if (device === undefined || device.trim() === '') return say.unknownDevice
  const known = deviceNameOf(device)
  return known === undefined ? device : say.device(known.browser, known.system)
}

/** In UTC, which the script of the page replaces by the time of the reader's place. */
function momentOf(milliseconds: number, locale: string): Markup {
  const date = new Date(milliseconds)
  const text = new Intl.DateTimeFormat(locale, {
    dateStyle: 'medium',
    timeStyle: 'short',
    timeZone: 'UTC',
  }).format(date)
  return markup`<time datetime="${date.toISOString()}">${text} UTC</time>`
}
