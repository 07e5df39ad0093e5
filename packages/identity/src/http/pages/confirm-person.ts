import type { FastifyReply, FastifyRequest } from 'fastify'
import type { BrowserSessionParts } from '../../domain/browser-sessions.ts'
import type { ReauthenticationParts } from '../../domain/reauthentication.ts'
import { hasProvedRecently } from '../../domain/reauthentication.ts'
import type { KnownSession } from '../../domain/sessions.ts'
import { reauthenticateAndTell } from '../reauthentication.ts'
import type { FormProblem } from './form-parts.ts'
import { alertOf, hiddenUsername, passwordEntry, textOf, titlesOf } from './form-parts.ts'
import type { Markup } from './markup.ts'
import { markup } from './markup.ts'
import type { Page } from './page.ts'
import type { PageParts } from './pages.ts'
import { linkTo, refuse, tooMuch } from './pages.ts'
import { askToSignIn, sessionOf } from './signed-in.ts'

export type ConfirmPersonParts = PageParts & ReauthenticationParts & BrowserSessionParts

/** What somebody is about to do, as the form says that comes with the password. */
export interface Intent {
  /** As on the button that was pressed. */
  readonly button: string
  readonly action: string
  readonly fields?: Markup
  /** Where they go who will not. */
  readonly back: string
}

export type ConfirmedPerson =
  | { readonly kind: 'confirmed'; readonly session: KnownSession }
  | { readonly kind: 'answered'; readonly reply: FastifyReply }

/**
 * Makes sure that it is still the person who signed in (ASVS 7.5.2): lately, or by the password in the form. Whoever
 * has shown neither gets a page that asks for it and sends the same form again.
 */
export async function confirmPerson(
  request: FastifyRequest,
  reply: FastifyReply,
  parts: ConfirmPersonParts,
  { session, intent }: { readonly session: KnownSession; readonly intent: Intent },
): Promise<ConfirmedPerson> {
  if (hasProvedRecently(session)) return { kind: 'confirmed', session }
  const account = await parts.accounts.find(session.accountId)
  if (account === undefined) return answered(askToSignIn(request, reply, parts))
  const ask = (code: Parameters<typeof refuse>[2], problem?: FormProblem): ConfirmedPerson =>
    answered(refuse(reply, parts, code, confirmPage(parts, account, { intent, problem })))
  const { problems, confirm } = parts.texts
  const password = textOf(request.body, 'password')
  if (password === undefined) {
    const wasAsked = request.body instanceof Map && request.body.has('password')
    const problem = wasAsked ? { text: problems.missingPassword, fields: ['password'] } : undefined
    return ask('insufficient-user-authentication', problem)
  }
  // No token is wanted. One for identity alone can be had whatever became of the audiences of the session.
  const audiences = [parts.issuer]
  const result = await reauthenticateAndTell(parts, request, {
    session: { ...session, audiences },
    password,
  })
  if (result.kind === 'busy' || result.kind === 'throttled') {
    const { code, problem } = tooMuch(reply, result, parts.texts)
    return ask(code, problem)
  }
  if (result.kind === 'refused' && result.why === 'bad-credentials') {
    return ask(result.why, { text: confirm.wrong, fields: ['password'] })
  }
  const now = await sessionOf(parts, request)
  if (now === undefined) return answered(askToSignIn(request, reply, parts))
  return hasProvedRecently(now)
    ? { kind: 'confirmed', session: now }
    : ask('superseded', { text: confirm.impossible, fields: [] })
}

function answered(reply: FastifyReply): ConfirmedPerson {
  return { kind: 'answered', reply }
}

function confirmPage(
  { texts }: PageParts,
  { identifier }: { readonly identifier: string },
  { intent, problem }: { readonly intent: Intent; readonly problem: FormProblem | undefined },
): Page {
  const { confirm: say, fields } = texts
  const { button, action, fields: carried, back } = intent
  const entry = { name: 'password', label: fields.password, problem, isFirst: true }
  return {
    ...titlesOf(texts, say.title, problem),
    body: markup`${alertOf(problem)}<p class="soft">${say.text}</p>
<form method="post" action="${action}">
${carried}${hiddenUsername(identifier)}
${passwordEntry({ ...entry, autocomplete: 'current-password' }, texts)}
<button class="main">${button}</button>
</form>`,
    links: linkTo(back, say.back),
  }
}
