import type { FastifyReply } from 'fastify'
import { tellFault } from '../../domain/account-faults.ts'
import { passwordCodePointsMin } from '../../domain/password-rules.ts'
import type { RegistrationOutcome } from '../../domain/registration.ts'
import type { RegistrationRouteParts } from '../registration.ts'
import { registerAndTell } from '../registration.ts'
import type { HttpServer } from '../server.ts'
import type { FormProblem } from './form-parts.ts'
import { alertOf, passwordEntry, textEntry, textOf, titlesOf } from './form-parts.ts'
import type { Markup } from './markup.ts'
import { markup } from './markup.ts'
import type { Page } from './page.ts'
import type { ReturnPlaces } from './return-target.ts'
import type { PageParts } from './pages.ts'
import { addressOf, goTo, linkTo, plainPage, refuse, show, tooMuch } from './pages.ts'
import type { Purpose } from './sign-in-purpose.ts'
import { hiddenOf, parametersOf, purposeOf, purposeQuery } from './sign-in-purpose.ts'

export type SignUpParts = PageParts & RegistrationRouteParts & ReturnPlaces

/** Where people make an account for themselves, as far as they may. */
export function addSignUp(scope: HttpServer, parts: SignUpParts): void {
  const path = addressOf(parts, '/sign-up')

  scope.get(path, { schema: { querystring: purposeQuery } }, (request, reply) => {
    if (parts.selfRegistration === 'closed') return refuseClosed(reply, parts)
    return show(reply, parts, signUpPage(parts, { purpose: purposeOf(parts, request.query) }))
  })

  scope.post(path, async (request, reply) => {
    if (parts.selfRegistration === 'closed') return refuseClosed(reply, parts)
    const purpose = purposeOf(parts, request.body)
    const typed = typedIn(request.body)
    const { identifier, email } = typed
    const password = textOf(request.body, 'password')
    const problem = missing(parts, identifier, password)
    if (identifier === undefined || problem !== undefined) {
      const page = signUpPage(parts, { purpose, ...typed, problem })
      return refuse(reply, parts, 'malformed', page)
    }
    const outcome = await registerAndTell(parts, request, { identifier, password, email })
    switch (outcome.kind) {
      case 'registered':
        return goTo(reply, parts, '/sign-in', { ...parametersOf(purpose), notice: 'account-made' })
      case 'to-be-confirmed':
        return goTo(reply, parts, '/sign-in', {
          ...parametersOf(purpose),
          notice: 'confirm-by-mail',
        })
      case 'closed':
        return refuseClosed(reply, parts)
      default: {
        const refusal = refusalOf(reply, parts, outcome)
        const page = signUpPage(parts, { purpose, ...typed, problem: refusal.problem })
        return refuse(reply, parts, refusal.code, page)
      }
    }
  })
}

interface Typed {
  readonly identifier: string | undefined
  readonly email: string | undefined
}

function typedIn(body: unknown): Typed {
  return { identifier: textOf(body, 'identifier'), email: textOf(body, 'email') }
}

function refuseClosed(reply: FastifyReply, parts: SignUpParts): FastifyReply {
  const { signUp, refusals } = parts.texts
  const link = linkTo(addressOf(parts, '/sign-in'), refusals.start)
  const page = plainPage(signUp.closedTitle, signUp.closed, link)
  return refuse(reply, parts, 'registration-closed', page)
}

function missing(
  { selfRegistration, texts: { faults } }: SignUpParts,
  identifier: string | undefined,
  password: string | undefined,
): FormProblem | undefined {
  if (identifier === undefined) {
    const why = selfRegistration === 'by-mail' ? 'identifier-no-address' : 'identifier-empty'
    return { text: tellFault(faults, { why }), fields: ['identifier'] }
  }
  return selfRegistration === 'open' && password === undefined
    ? { text: tellFault(faults, { why: 'password-missing' }), fields: ['password'] }
    : undefined
}

function refusalOf(
  reply: FastifyReply,
  { selfRegistration, texts }: SignUpParts,
  outcome: Exclude<
    RegistrationOutcome,
    { readonly kind: 'registered' | 'to-be-confirmed' | 'closed' }
  >,
): ReturnType<typeof tooMuch> {
  const { problems, faults } = texts
  switch (outcome.kind) {
    case 'busy':
    case 'throttled':
      return tooMuch(reply, outcome, texts)
    case 'taken':
      return {
        code: 'identifier-taken',
        problem: { text: problems.taken, fields: ['identifier'] },
      }
    case 'unfit': {
      const { field } = outcome
      // By mail the name is an address, and no other name would do.
      const isNoAddress = selfRegistration === 'by-mail' && field === 'identifier'
      const fault = isNoAddress ? ({ why: 'identifier-no-address' } as const) : outcome.fault
      return { code: 'malformed', problem: { text: tellFault(faults, fault), fields: [field] } }
    }
  }
}

interface Shown extends Partial<Typed> {
  readonly purpose: Purpose
  readonly problem?: FormProblem | undefined
}

function signUpPage(parts: SignUpParts, shown: Shown): Page {
  const { signUp: say } = parts.texts
  const { purpose, problem } = shown
  const isByMail = parts.selfRegistration === 'by-mail'
  return {
    ...titlesOf(parts.texts, say.title, problem),
    body: markup`${alertOf(problem)}${isByMail ? markup`<p class="soft">${say.byMail}</p>` : undefined}
<form method="post" action="${addressOf(parts, '/sign-up')}">
${hiddenOf(purpose)}
${isByMail ? addressEntry(parts, shown) : entriesOf(parts, shown)}
<button class="main">${isByMail ? say.sendMail : say.button}</button>
</form>`,
    links: linkTo(addressOf(parts, '/sign-in', parametersOf(purpose)), say.signIn),
  }
}

/** By mail the address is the name, and the password is chosen by the link in the mail. */
function addressEntry(parts: SignUpParts, { identifier, problem }: Shown): Markup {
  const { fields } = parts.texts
  return textEntry({
    name: 'identifier',
    label: fields.address,
    type: 'email',
    autocomplete: 'username',
    value: identifier,
    problem,
    isFirst: true,
  })
}

function entriesOf({ post, texts }: SignUpParts, { identifier, email, problem }: Shown): Markup {
  const { fields } = texts
  const name = { name: 'identifier', label: fields.newIdentifier, value: identifier, problem }
  const address = { name: 'email', label: fields.optionalAddress, value: email, problem }
  const password = { name: 'password', label: fields.password, problem }
  const advice = fields.passwordAdvice(passwordCodePointsMin)
  return markup`${textEntry({ ...name, autocomplete: 'username', isFirst: true })}
${
  // Without mail nobody would ever write there.
  post &&
  textEntry({
    ...address,
    type: 'email',
    autocomplete: 'email',
    isOptional: true,
    advice: fields.addressAdvice,
  })
}
${passwordEntry({ ...password, autocomplete: 'new-password', advice }, texts)}`
}
