import type { ProblemCode } from '@portcullis/protocol'
import { createProblem } from '@portcullis/runtime'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import type { Throttled } from '../../domain/login-protection.ts'
import type { Busy } from '../../domain/passwords.ts'
import { acceptForms } from '../bodies.ts'
import { pathAtIssuer } from '../issuer-path.ts'
import { isFromOwnPage } from '../own-pages.ts'
import { isPassing, logFault, passingRetryAfterSeconds, problemOf } from '../problems.ts'
import { noteReason } from '../refusal-reasons.ts'
import type { HttpServer } from '../server.ts'
import type { FormProblem } from './form-parts.ts'
import type { Markup } from './markup.ts'
import { markup } from './markup.ts'
import type { Page, PageOptions } from './page.ts'
import { sendPage } from './page.ts'
import type { NoticeName, Texts } from './texts.ts'

export interface PageParts {
  readonly issuer: string
  /** In the language of this installation. */
  readonly texts: Texts
}

/** The parameters of an address of ours; those that are undefined are left out. */
export type AddressParameters = Readonly<Record<string, string | undefined>>

/** The address of a page of ours. */
export function addressOf(
  { issuer }: Pick<PageParts, 'issuer'>,
  route: string,
  parameters: AddressParameters = {},
): string {
  const given = Object.entries(parameters).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  )
  const query = new URLSearchParams(given).toString()
  return pathAtIssuer(issuer, route) + (query === '' ? '' : `?${query}`)
}

/** Sends a page of ours. */
export function show(
  reply: FastifyReply,
  { issuer, texts }: PageParts,
  page: Page,
  more: Partial<PageOptions> = {},
): FastifyReply {
  return sendPage(reply, 200, page, { issuer, language: texts.language, ...more })
}

/** The same for a page that says no, with the status that the API has for it and the reason for the log. */
export function refuse(
  reply: FastifyReply,
  { issuer, texts }: PageParts,
  code: ProblemCode,
  page: Page,
  more: Partial<PageOptions> = {},
): FastifyReply {
  noteReason(reply, code)
  // RFC 9110 section 15.5.2 wants a challenge. Browsers do not know this scheme, so they show no dialog.
  const { status } = createProblem(code)
  if (status === 401) reply.header('www-authenticate', `Password realm="${issuer}"`)
  return sendPage(reply, status, page, { issuer, language: texts.language, ...more })
}

/** Post/redirect/get: a page that is loaded again must not send its form again. */
export function goTo(
  reply: FastifyReply,
  parts: PageParts,
  route: string,
  parameters: AddressParameters & { readonly notice?: NoticeName } = {},
): FastifyReply {
  return reply.redirect(addressOf(parts, route, parameters), 303)
}

/** A page that is a title and a sentence. */
export function plainPage(title: string, text: string, links?: Markup): Page {
  return { title, body: markup`<p>${text}</p>`, ...(links && { links }) }
}

export function linkTo(address: string, text: string): Markup {
  return markup`<a href="${address}">${text}</a>`
}

/** What is wrong where too many tries or too many people are the reason; the answer says when to come again. */
export function tooMuch(
  reply: FastifyReply,
  { kind, retryAfterSeconds }: Pick<Busy | Throttled, 'kind' | 'retryAfterSeconds'>,
  { problems }: Texts,
): { readonly code: ProblemCode; readonly problem: FormProblem } {
  reply.header('retry-after', retryAfterSeconds)
  return kind === 'busy'
    ? { code: 'overloaded', problem: { text: problems.busy(retryAfterSeconds), fields: [] } }
    : { code: 'throttled', problem: { text: problems.throttled(retryAfterSeconds), fields: [] } }
}

/**
 * Routes that are pages: they take forms, which count only when one of our own pages has sent them (ASVS 3.5.1), and
 * what goes wrong is told by a page.
 */
export function addPages(
  app: HttpServer,
  parts: PageParts,
  add: (scope: HttpServer) => void,
): void {
  const ownOrigins: ReadonlySet<string> = new Set([new URL(parts.issuer).origin])
  app.register(async (scope) => {
    acceptForms(scope)
    scope.addHook('onRequest', async (request, reply) => {
      if (request.method !== 'POST' || isFromOwnPage(request.raw, ownOrigins)) return
      const { foreignTitle, foreign, start } = parts.texts.refusals
      const link = linkTo(addressOf(parts, '/sign-in'), start)
      return refuse(reply, parts, 'cross-origin', plainPage(foreignTitle, foreign, link))
    })
    tellFaultsByPage(scope, parts)
    add(scope)
  })
}

/** The token stands in the address. */
export const secretAddress = { hasSecretAddress: true }

export const tokenQuery = {
  type: 'object',
  properties: { token: { type: 'string', maxLength: 128 } },
} as const

/**
 * Routes that links from mails lead to, when the operator names no pages of his. Opening one does nothing: programs
 * that look at links in mails only send GET, and a person presses a button. Whose form it is is not asked: the token
 * in it is what nobody else has.
 */
export function addLinkedPages(
  app: HttpServer,
  parts: PageParts,
  add: (scope: HttpServer) => void,
): void {
  app.register(async (scope) => {
    acceptForms(scope)
    tellFaultsByPage(scope, parts, secretAddress)
    add(scope)
  })
}

/** Whatever a route throws is told by a page. */
function tellFaultsByPage(
  scope: HttpServer,
  parts: PageParts,
  options: Partial<PageOptions> = {},
): void {
  scope.setErrorHandler((error: FastifyError, request: FastifyRequest, reply) => {
    const problem = problemOf(error)
    logFault(error, problem, request)
    if (isPassing(problem)) reply.header('retry-after', passingRetryAfterSeconds)
    const { refusals } = parts.texts
    const page =
      problem.status < 500
        ? plainPage(refusals.unreadableTitle, refusals.unreadable)
        : plainPage(refusals.faultTitle, refusals.fault)
    return refuse(reply, parts, problem.code, page, options)
  })
}
