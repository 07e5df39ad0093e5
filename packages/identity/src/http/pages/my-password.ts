import type { FastifyReply } from 'fastify'
import type { BrowserSessionParts } from '../../domain/browser-sessions.ts'
import type { PasswordChangeOutcome } from '../../domain/password-change.ts'
import type { PasswordParts } from '../password.ts'
import { changeAndTell } from '../password.ts'
import type { HttpServer } from '../server.ts'
import type { FormProblem } from './form-parts.ts'
import { alertOf, passwordEntry, textOf } from './form-parts.ts'
import { markup } from './markup.ts'
import type { Page } from './page.ts'
import type { PageParts } from './pages.ts'
import { addressOf, goTo, refuse, show, tooMuch } from './pages.ts'
import { askToSignIn, personLinks, sessionOf } from './signed-in.ts'
import { textsFor } from './texts.ts'

export type MyPasswordParts = Omit<PasswordParts, 'callers'> & BrowserSessionParts

/** Another password for whoever knows the present one. */
export function addMyPassword(scope: HttpServer, parts: MyPasswordParts): void {
  const path = addressOf(parts, '/my-account/password')
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
      const page = passwordPage(parts, account, missing(current))
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
    const { code, problem } = refusalOf(reply, outcome)
    return refuse(reply, parts, code, passwordPage(parts, account, problem))
  })
}

function missing(current: string | undefined): FormProblem {
  const { problems } = textsFor()
  return current === undefined
    ? { text: problems.missingPassword, fields: ['current'] }
    : { text: problems.missingNewPassword, fields: ['new'] }
}

function refusalOf(
  reply: FastifyReply,
  outcome: Exclude<PasswordChangeOutcome, { readonly kind: 'changed' }>,
): ReturnType<typeof tooMuch> {
  const texts = textsFor()
  const { problems, password } = texts
  switch (outcome.kind) {
    case 'busy':
    case 'throttled':
      return tooMuch(reply, outcome, texts)
    case 'unfit':
      return {
        code: 'malformed',
        problem: { text: problems.unfitPassword(outcome.fault), fields: ['new'] },
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
  const texts = textsFor()
  const { password: say, fields, problems } = texts
  return {
    title: problem === undefined ? say.title : problems.inTitle(say.title),
    heading: say.title,
    body: markup`${alertOf(problem)}<p class="soft">${say.text}</p>
<form method="post" action="${addressOf(parts, '/my-account/password')}">
${usernameFor(identifier)}
${passwordEntry({ name: 'current', label: fields.currentPassword, autocomplete: 'current-password', problem, isFirst: true }, texts)}
${passwordEntry({ name: 'new', label: fields.newPassword, autocomplete: 'new-password', problem, advice: fields.passwordAdvice }, texts)}
<button class="main">${say.button}</button>
</form>`,
    links: personLinks(parts),
  }
}

/** Tells a password manager whose password it is; people see it on the page before. */
function usernameFor(identifier: string): ReturnType<typeof markup> {
  return markup`<input name="username" type="text" value="${identifier}" autocomplete="username" readonly hidden>`
}
