import type { FastifyReply, FastifyRequest } from 'fastify'
import type { BrowserSessionParts } from '../../domain/browser-sessions.ts'
import type { Client, ClientStore } from '../../domain/clients.ts'
import type { LoginOutcome } from '../../domain/login.ts'
import type { SelfRegistration } from '../../domain/registration.ts'
import { pagesClientName } from '../../domain/registry.ts'
import type { LoginRouteParts } from '../login.ts'
import { signIn } from '../login.ts'
import { refreshCookie } from '../refresh-cookie.ts'
import type { HttpServer } from '../server.ts'
import type { FormProblem } from './form-parts.ts'
import {
  alertOf,
  buttonForm,
  noticeOf,
  passwordEntry,
  textEntry,
  textOf,
  titlesOf,
} from './form-parts.ts'
import { markup, name, sentence } from './markup.ts'
import type { Page, PageOptions } from './page.ts'
import type { PageParts } from './pages.ts'
import { addressOf, goTo, linkTo, plainPage, refuse, show, tooMuch } from './pages.ts'
import type { ReturnPlaces } from './return-target.ts'
import type { Purpose } from './sign-in-purpose.ts'
import { hiddenOf, parametersOf, purposeOf, purposeQuery } from './sign-in-purpose.ts'
import { comeAgain, comesWithoutCookies, sessionOf } from './signed-in.ts'
import type { Texts } from './texts.ts'

export interface SignInParts extends PageParts, LoginRouteParts, BrowserSessionParts, ReturnPlaces {
  readonly sessions: LoginRouteParts['sessions'] & BrowserSessionParts['sessions']
  readonly clients: ClientStore
  readonly accounts: LoginRouteParts['accounts'] & {
    readonly find: (accountId: string) => Promise<{ readonly identifier: string } | undefined>
  }
  readonly selfRegistration: SelfRegistration
}

/** Where people sign in, and what applications send them to. */
export function addSignIn(scope: HttpServer, parts: SignInParts): void {
  const path = addressOf(parts, '/sign-in')

  scope.get(path, { schema: { querystring: purposeQuery } }, async (request, reply) => {
    const purpose = purposeOf(parts, request.query)
    if ((await clientFor(parts, purpose)) === undefined) return refuseClient(reply, parts)
    if (comesWithoutCookies(request)) return comeAgain(request, reply, parts)
    const session = await sessionOf(parts, request)
    const account = session && (await parts.accounts.find(session.accountId))
    return account === undefined
      ? show(
          reply,
          parts,
          signInPage(parts, purpose, { query: request.query }),
          optionsFor(purpose),
        )
      : show(reply, parts, alreadyPage(parts, purpose, account.identifier))
  })

  scope.post(path, async (request, reply) => {
    const purpose = purposeOf(parts, request.body)
    const client = await clientFor(parts, purpose)
    if (client === undefined) return refuseClient(reply, parts)
    const identifier = textOf(request.body, 'identifier')
    const password = textOf(request.body, 'password')
    if (identifier === undefined || password === undefined) {
      const problem = missing(parts.texts, identifier)
      const page = signInPage(parts, purpose, { identifier, problem })
      return refuse(reply, parts, 'malformed', page, optionsFor(purpose))
    }
    const asked = { identifier, password, clientId: client.id, delivery: 'cookie' } as const
    const outcome = await signIn(parts, request, asked)
    return answer(reply, parts, { outcome, purpose, identifier })
  })
}

/** The client that the session will be of. Only one whose sessions live in a browser can be. */
async function clientFor(
  { clients }: Pick<SignInParts, 'clients'>,
  { clientId = pagesClientName }: Purpose,
): Promise<Client | undefined> {
  const client = await clients.find(clientId)
  const { isPublic = false, grants = [] } = client ?? {}
  const isFit = isPublic && grants.includes('login') && grants.includes('refresh_token')
  return isFit ? client : undefined
}

function missing({ problems }: Texts, identifier: string | undefined): FormProblem {
  return identifier === undefined
    ? { text: problems.missingIdentifier, fields: ['identifier'] }
    : { text: problems.missingPassword, fields: ['password'] }
}

function optionsFor({ target }: Purpose): Partial<PageOptions> {
  return target === undefined ? {} : { formOrigins: [target.origin] }
}

function answer(
  reply: FastifyReply,
  parts: SignInParts,
  {
    outcome,
    purpose,
    identifier,
  }: { readonly outcome: LoginOutcome; readonly purpose: Purpose; readonly identifier: string },
): FastifyReply {
  const { texts } = parts
  const again = (problem: FormProblem): Page => signInPage(parts, purpose, { identifier, problem })
  const options = optionsFor(purpose)
  switch (outcome.kind) {
    case 'signed-in':
      // A client that may not refresh is not taken here.
      if (outcome.refresh === undefined) return refuseClient(reply, parts)
      reply.header('set-cookie', refreshCookie(outcome.refresh))
      return purpose.target === undefined
        ? goTo(reply, parts, '/my-account')
        : reply.redirect(purpose.target.url, 303)
    case 'busy':
    case 'throttled': {
      const { code, problem } = tooMuch(reply, outcome, texts)
      return refuse(reply, parts, code, again(problem), options)
    }
    case 'refused':
      if (outcome.why === 'bad-credentials') {
        const fields = ['password', 'identifier']
        const page = again({ text: texts.problems.badCredentials, fields })
        return refuse(reply, parts, outcome.why, page, options)
      }
      if (outcome.why === 'account-blocked') {
        const page = again({ text: texts.problems.blocked, fields: [] })
        return refuse(reply, parts, outcome.why, page, options)
      }
      return refuseClient(reply, parts)
  }
}

/** The link that led here is at fault, and not whoever follows it. */
function refuseClient(reply: FastifyReply, parts: SignInParts): FastifyReply {
  const { clientTitle, client, start } = parts.texts.refusals
  const link = linkTo(addressOf(parts, '/sign-in'), start)
  return refuse(reply, parts, 'unknown-client', plainPage(clientTitle, client, link))
}

interface Shown {
  readonly query?: FastifyRequest['query']
  readonly identifier?: string | undefined
  readonly problem?: FormProblem
}

function signInPage(
  parts: SignInParts,
  purpose: Purpose,
  { query, identifier, problem }: Shown,
): Page {
  const { target } = purpose
  const { texts } = parts
  const { signIn: say, fields } = texts
  const isElsewhere = target !== undefined && target.origin !== new URL(parts.issuer).origin
  const entry = { problem, isFirst: true }
  const person = {
    ...entry,
    name: 'identifier',
    label: fields.identifier,
    autocomplete: 'username',
  } as const
  const secret = {
    problem,
    name: 'password',
    label: fields.password,
    autocomplete: 'current-password',
  } as const
  const links = [
    linkTo(addressOf(parts, '/forgot-password'), say.forgot),
    ...(parts.selfRegistration === 'closed'
      ? []
      : [linkTo(addressOf(parts, '/sign-up', parametersOf(purpose)), say.signUp)]),
  ]
  return {
    ...titlesOf(texts, say.title, problem),
    body: markup`${noticeOf(query, texts)}${alertOf(problem)}<form method="post" action="${addressOf(parts, '/sign-in')}">
${hiddenOf(purpose)}
${textEntry({ ...person, value: identifier })}
${passwordEntry(secret, texts)}
<button class="main">${say.button}</button>
${isElsewhere ? markup`<p class="soft">${say.to(new URL(target.url).host)}</p>` : undefined}
</form>`,
    links: markup`${links}`,
  }
}

/** No redirect: an application that sends people here because it will not have them would get them back for ever. */
function alreadyPage(parts: SignInParts, purpose: Purpose, identifier: string): Page {
  const { signIn: say } = parts.texts
  const next = purpose.target?.url ?? addressOf(parts, '/my-account')
  return {
    title: say.alreadyTitle,
    body: markup`<p>${sentence(say.already, name(identifier))}</p>
<p><a class="button main" href="${next}">${say.goOn}</a></p>
${buttonForm(addressOf(parts, '/sign-out'), say.another, hiddenOf(purpose))}`,
  }
}
