import { networkOf } from '@portcullis/runtime/networks'
import type { FastifyReply } from 'fastify'
import type { MailRequestParts, Post } from '../../domain/mail-requests.ts'
import { resetMail } from '../../domain/mail-requests.ts'
import type { HttpServer } from '../server.ts'
import type { FormProblem } from './form-parts.ts'
import { alertOf, textEntry, textOf, titlesOf } from './form-parts.ts'
import { markup } from './markup.ts'
import type { Page } from './page.ts'
import type { PageParts } from './pages.ts'
import { addressOf, goTo, linkTo, plainPage, refuse, show } from './pages.ts'

export interface ForgottenPasswordParts extends PageParts, MailRequestParts {
  /** Undefined when this installation sends no mail. */
  readonly post: Post | undefined
}

/** Where people ask for a link to choose another password. */
export function addForgottenPassword(scope: HttpServer, parts: ForgottenPasswordParts): void {
  const { post } = parts
  const path = addressOf(parts, '/forgot-password')

  scope.get(path, (_request, reply) =>
    post === undefined ? refuseWithoutMail(reply, parts) : show(reply, parts, requestPage(parts)),
  )

  scope.post(path, async ({ body, ip }, reply) => {
    if (post === undefined) return refuseWithoutMail(reply, parts)
    const identifier = textOf(body, 'identifier')
    if (identifier === undefined) {
      const text = parts.texts.problems.missingIdentifier
      const page = requestPage(parts, { text, fields: ['identifier'] })
      return refuse(reply, parts, 'malformed', page)
    }
    // Nothing is looked up before the answer: neither it nor its time tells who has an account (ASVS 6.3.8).
    post.lookUp(resetMail(parts, identifier), networkOf(ip))
    return goTo(reply, parts, '/sign-in', { notice: 'reset-by-mail' })
  })
}

function refuseWithoutMail(reply: FastifyReply, parts: PageParts): FastifyReply {
  const { forgot } = parts.texts
  const page = plainPage(forgot.noMailTitle, forgot.noMail, backLink(parts))
  return refuse(reply, parts, 'mail-unavailable', page)
}

function backLink(parts: PageParts): ReturnType<typeof linkTo> {
  return linkTo(addressOf(parts, '/sign-in'), parts.texts.forgot.back)
}

function requestPage(parts: PageParts, problem?: FormProblem): Page {
  const { forgot: say, fields } = parts.texts
  const entry = { name: 'identifier', label: fields.identifier, problem, isFirst: true }
  return {
    ...titlesOf(parts.texts, say.title, problem),
    body: markup`${alertOf(problem)}<p class="soft">${say.text}</p>
<form method="post" action="${addressOf(parts, '/forgot-password')}">
${textEntry({ ...entry, autocomplete: 'username' })}
<button class="main">${say.button}</button>
</form>`,
    links: backLink(parts),
  }
}
