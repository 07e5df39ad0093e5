import { tellFault } from '../../domain/account-faults.ts'
import { passwordCodePointsMin } from '../../domain/password-rules.ts'
import { confirmReset, factsOfReset } from '../account-links.ts'
import type { HttpServer } from '../server.ts'
import { textOf } from './form-parts.ts'
import type { LinkPageParts } from './link-form.ts'
import { linkForm } from './link-form.ts'
import {
  addressOf,
  linkTo,
  plainPage,
  refuse,
  secretAddress,
  show,
  tokenQuery,
  tooMuch,
} from './pages.ts'

/** Where the link leads by which somebody chooses another password. */
export function addResetPassword(scope: HttpServer, parts: LinkPageParts): void {
  const { texts } = parts
  const path = addressOf(parts, '/account/reset/form')
  const form = {
    texts,
    action: path,
    say: texts.reset,
    label: texts.fields.newPassword,
    autocomplete: 'new-password',
    advice: texts.fields.passwordAdvice(passwordCodePointsMin),
  } as const
  scope.get(path, { schema: { querystring: tokenQuery } }, ({ query }, reply) =>
    show(reply, parts, linkForm(form, textOf(query, 'token')), secretAddress),
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
          text: tellFault(texts.faults, outcome.fault),
          fields: ['password'],
        }
        return refuse(reply, parts, 'malformed', linkForm(form, token, problem), secretAddress)
      }
      case 'throttled':
      case 'busy': {
        const { code, problem } = tooMuch(reply, outcome, texts)
        return refuse(reply, parts, code, linkForm(form, token, problem), secretAddress)
      }
    }
  })
}
