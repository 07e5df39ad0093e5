import { verifyEmail } from '../../domain/email-verification.ts'
import type { HttpServer } from '../server.ts'
import { textOf } from './form-parts.ts'
import type { LinkPageParts } from './link-form.ts'
import { linkForm } from './link-form.ts'
import { addressOf, plainPage, refuse, secretAddress, show, tokenQuery, tooMuch } from './pages.ts'

/** Where the link leads by which somebody shows that an address is theirs. */
export function addVerifyEmail(scope: HttpServer, parts: LinkPageParts): void {
  const { texts } = parts
  const path = addressOf(parts, '/account/verify-email/form')
  const form = {
    texts,
    action: path,
    say: texts.verification,
    label: texts.verification.label,
    autocomplete: 'current-password',
  } as const
  scope.get(path, { schema: { querystring: tokenQuery } }, ({ query }, reply) =>
    show(reply, parts, linkForm(form, textOf(query, 'token')), secretAddress),
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
        const page = linkForm(form, token, problem)
        return refuse(reply, parts, outcome.kind, page, secretAddress)
      }
      case 'throttled':
      case 'busy': {
        const { code, problem } = tooMuch(reply, outcome, texts)
        return refuse(reply, parts, code, linkForm(form, token, problem), secretAddress)
      }
    }
  })
}
