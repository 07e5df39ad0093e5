import { verifyEmail } from '../domain/email-verification.ts'
import type { LinkRouteParts } from './account-links.ts'
import { confirmReset, factsOfReset } from './account-links.ts'
import { acceptForms } from './bodies.ts'
import type { FormProblem } from './pages/form-parts.ts'
import { alertOf, hidden, passwordEntry, textOf } from './pages/form-parts.ts'
import { markup } from './pages/markup.ts'
import type { Page } from './pages/page.ts'
import {
  addressOf,
  linkTo,
  plainPage,
  refuse,
  show,
  tellFaultsByPage,
  tooMuch,
} from './pages/pages.ts'
import { textsFor } from './pages/texts.ts'
import type { HttpServer } from './server.ts'

const pageQuery = {
  type: 'object',
  properties: { token: { type: 'string', maxLength: 128 } },
} as const

/** The token stands in the address. */
const secretAddress = { hasSecretAddress: true }

/**
 * Where our own links lead, when the operator names no pages of his. They work without script. Opening one
 * does nothing: programs that look at links in mails only send GET, and a person presses a button. Whose form it is
 * is not asked: the token in it is what nobody else has.
 */
export function addLinkPages(app: HttpServer, parts: LinkRouteParts): void {
  app.register(async (scope) => {
    acceptForms(scope)
    tellFaultsByPage(scope, parts, secretAddress)
    addResetPage(scope, parts)
    addVerificationPage(scope, parts)
  })
}

function addResetPage(scope: HttpServer, parts: LinkRouteParts): void {
  const texts = textsFor()
  const path = addressOf(parts, '/account/reset/form')
  scope.get(path, { schema: { querystring: pageQuery } }, ({ query }, reply) =>
    show(reply, parts, resetForm(path, textOf(query, 'token')), secretAddress),
  )
  scope.post(path, async ({ body, ip, log }, reply) => {
    const token = textOf(body, 'token') ?? ''
    const password = textOf(body, 'password') ?? ''
    const outcome = await confirmReset(parts, { token, password, address: ip })
    log.info(factsOfReset(outcome), 'password reset')
    switch (outcome.kind) {
      case 'reset': {
        const { doneTitle, done } = texts.reset
        const link = linkTo(addressOf(parts, '/sign-in'), texts.signIn.title)
        return show(reply, parts, plainPage(doneTitle, done, link), secretAddress)
      }
      case 'invalid': {
        const { title, text } = texts.invalidLink
        const link = linkTo(addressOf(parts, '/forgot-password'), texts.reset.askAgain)
        return refuse(reply, parts, 'invalid-link', plainPage(title, text, link), secretAddress)
      }
      case 'unfit': {
        const problem = {
          text: texts.problems.unfitPassword(outcome.fault),
          fields: ['password'],
        }
        return refuse(reply, parts, 'malformed', resetForm(path, token, problem), secretAddress)
      }
      case 'throttled':
      case 'busy': {
        const { code, problem } = tooMuch(reply, outcome, texts)
        return refuse(reply, parts, code, resetForm(path, token, problem), secretAddress)
      }
    }
  })
}

function addVerificationPage(scope: HttpServer, parts: LinkRouteParts): void {
  const texts = textsFor()
  const path = addressOf(parts, '/account/verify-email/form')
  scope.get(path, { schema: { querystring: pageQuery } }, ({ query }, reply) =>
    show(reply, parts, verificationForm(path, textOf(query, 'token')), secretAddress),
  )
  scope.post(path, async ({ body, ip, log }, reply) => {
    const token = textOf(body, 'token') ?? ''
    const password = textOf(body, 'password') ?? ''
    const bearer = { kind: 'password', password, address: ip } as const
    const outcome = await verifyEmail(parts, token, bearer)
    log.info({ outcome: outcome.kind }, 'e-mail verification')
    switch (outcome.kind) {
      case 'verified': {
        const { doneTitle, done } = texts.verification
        return show(reply, parts, plainPage(doneTitle, done), secretAddress)
      }
      case 'invalid': {
        const { title, text } = texts.invalidLink
        return refuse(reply, parts, 'invalid-link', plainPage(title, text), secretAddress)
      }
      case 'bad-credentials': {
        const problem = { text: texts.verification.wrong, fields: ['password'] }
        const page = verificationForm(path, token, problem)
        return refuse(reply, parts, outcome.kind, page, secretAddress)
      }
      case 'throttled':
      case 'busy': {
        const { code, problem } = tooMuch(reply, outcome, texts)
        return refuse(reply, parts, code, verificationForm(path, token, problem), secretAddress)
      }
    }
  })
}

function resetForm(action: string, token: string | undefined, problem?: FormProblem): Page {
  const texts = textsFor()
  const { reset: say, fields, problems } = texts
  const entry = { name: 'password', label: fields.newPassword, problem, isFirst: true }
  const advice = fields.passwordAdvice
  return {
    title: problem === undefined ? say.title : problems.inTitle(say.title),
    heading: say.title,
    body: markup`${alertOf(problem)}<form method="post" action="${action}">
${hidden('token', token ?? '')}
${passwordEntry({ ...entry, autocomplete: 'new-password', advice }, texts)}
<button class="main">${say.button}</button>
</form>`,
  }
}

function verificationForm(action: string, token: string | undefined, problem?: FormProblem): Page {
  const texts = textsFor()
  const { verification: say, problems } = texts
  const entry = { name: 'password', label: say.label, problem, isFirst: true }
  return {
    title: problem === undefined ? say.title : problems.inTitle(say.title),
    heading: say.title,
    body: markup`${alertOf(problem)}<form method="post" action="${action}">
${hidden('token', token ?? '')}
${passwordEntry({ ...entry, autocomplete: 'current-password' }, texts)}
<button class="main">${say.button}</button>
</form>`,
  }
}
