import type { FastifyReply } from 'fastify'
import { tellFault } from '../../domain/account-faults.ts'
import type { BrowserSessionParts } from '../../domain/browser-sessions.ts'
import type { PasswordChangeOutcome } from '../../domain/password-change.ts'
import { passwordCodePointsMin } from '../../domain/password-rules.ts'
import type { PasswordParts } from '../password.ts'
import { changeAndTell } from '../password.ts'
import type { HttpServer } from '../server.ts'
import type { FormProblem } from './form-parts.ts'
import { alertOf, hiddenUsername, passwordEntry, textOf, titlesOf } from './form-parts.ts'
import { markup } from './markup.ts'
import type { Page } from './page.ts'
import type { PageParts } from './pages.ts'
import { addressOf, goTo, refuse, show, tooMuch } from './pages.ts'
import { askToSignIn, personLinks, sessionOf } from './signed-in.ts'
import type { Texts } from './texts.ts'

export type MyPasswordParts = PageParts & Omit<PasswordParts, 'callers'> & BrowserSessionParts

/**
 * W3C, "A Well-Known URL for Changing Passwords": password managers go there. They ask at the root of the host, where
 * an issuer with a path has no place of its own: whoever is in front of several decides whose it is.
 */
const wellKnownPath = '/.well-known/change-password'

/** Another password for whoever knows the present one. */
export function addMyPassword(scope: HttpServer, parts: MyPasswordParts): void {
  const path = addressOf(parts, '/my-account/password')
  scope.get(wellKnownPath, (_request, reply) => reply.redirect(path, 303))

  scope.get(path, async (request, reply) => {
    const session = await sessionOf(parts, request)
    const account = session && (await parts.accounts.find(session.accountId))
    if (account === undefined) return askToSignIn(request, reply, parts)
    return show(reply, parts, passwordPage(parts, account))
  })

  scope.post(path, async (request, reply) => {
    const session = await sessionOf(parts, request)
    if (session === undefined) return askToSignIn(request, reply, parts)
    const account = await parts.accounts.find(session.accountId)
    if (account === undefined) return askToSignIn(request, reply, parts)
    const current = textOf(request.body, 'current')
    const next = textOf(request.body, 'new')
    if (current === undefined || next === undefined) {
      const page = passwordPage(parts, account, missing(parts.texts, current))
      return refuse(reply, parts, 'malformed', page)
    }
    // The page wants no token. One for identity alone can be had whatever became of the audiences of the session.
    const audiences = [parts.issuer]
    const outcome = await changeAndTell(parts, request, {
      session: { ...session, audiences },
      passwords: { current, new: next },
    })
    if (outcome.kind === 'changed') {
      return goTo(reply, parts, '/my-account', { notice: 'password-changed' })
    }
    if (outcome.kind === 'refused' && outcome.why === 'session-over') {
      return askToSignIn(request, reply, parts)
    }
    const { code, problem } = refusalOf(reply, parts.texts, outcome)
    return refuse(reply, parts, code, passwordPage(parts, account, problem))
  })
}

function missing({ problems, faults }: Texts, current: string | undefined): FormProblem {
  return current === undefined
    ? { text: problems.missingPassword, fields: ['current'] }
    : { text: tellFault(faults, { why: 'password-missing' }), fields: ['new'] }
}

function refusalOf(
  reply: FastifyReply,
  texts: Texts,
  outcome: Exclude<PasswordChangeOutcome, { readonly kind: 'changed' }>,
): ReturnType<typeof tooMuch> {
  const { problems, password, faults } = texts
  switch (outcome.kind) {
    case 'busy':
    case 'throttled':
      return tooMuch(reply, outcome, texts)
    case 'unfit':
      return {
        code: 'malformed',
        problem: { text: tellFault(faults, outcome.fault), fields: ['new'] },
      }
    case 'refused':
      return outcome.why === 'bad-credentials'
        ? { code: outcome.why, problem: { text: problems.wrongCurrent, fields: ['current'] } }
        : { code: 'superseded', problem: { text: password.impossible, fields: [] } }
  }
}

function passwordPage(
  parts: PageParts,
  { identifier }: { readonly identifier: string },
  problem?: FormProblem,
): Page {
  const { texts } = parts
  const { password: say, fields } = texts
  const advice = fields.passwordAdvice(passwordCodePointsMin)
  return {
    ...titlesOf(texts, say.title, problem),
    body: markup`${alertOf(problem)}<p class="soft">${say.text}</p>
<form method="post" action="${addressOf(parts, '/my-account/password')}">
${hiddenUsername(identifier)}
${passwordEntry({ name: 'current', label: fields.currentPassword, autocomplete: 'current-password', problem, isFirst: true }, texts)}
${passwordEntry({ name: 'new', label: fields.newPassword, autocomplete: 'new-password', problem, advice }, texts)}
<button class="main">${say.button}</button>
</form>`,
    links: personLinks(parts),
  }
}
