import { createProblem } from '@portcullis/runtime'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { LinkStore } from '../domain/account-links.ts'
import type { AccountStore } from '../domain/accounts.ts'
import type {
  EmailVerificationOutcome,
  EmailVerificationParts,
  LinkBearer,
} from '../domain/email-verification.ts'
import { verifyEmail } from '../domain/email-verification.ts'
import type { MailRequestParts, Post } from '../domain/mail-requests.ts'
import { resetMail, verificationMail } from '../domain/mail-requests.ts'
import { writeMail } from '../domain/mails.ts'
import { networkOf } from '@portcullis/runtime/networks'
import type {
  PasswordResetOutcome,
  PasswordResetParts,
  PasswordResetRequest,
} from '../domain/password-reset.ts'
import { resetPassword } from '../domain/password-reset.ts'
import { accountFaultText } from './account-faults.ts'
import { identifierText, passwordText } from './body-fields.ts'
import type { Callers } from './callers.ts'
import { pathAtIssuer } from './issuer-path.ts'
import {
  sendBadCredentials,
  sendBusy,
  sendMailBusy,
  sendProblem,
  sendThrottled,
  sendUnfit,
} from './problems.ts'
import type { HttpServer } from './server.ts'

export interface LinkRouteParts
  extends PasswordResetParts, EmailVerificationParts, MailRequestParts {
  readonly issuer: string
  readonly callers: Callers
  readonly accounts: AccountStore
  readonly links: LinkStore
  /** Undefined when this installation sends no mail. */
  readonly post: Post | undefined
}

const tokenText = { type: 'string', minLength: 1, maxLength: 128 } as const

const verificationBody = {
  type: ['object', 'null'],
  additionalProperties: false,
  properties: { token: tokenText, password: passwordText },
} as const

const resetBody = {
  type: 'object',
  required: ['identifier'],
  additionalProperties: false,
  properties: { identifier: identifierText },
} as const

const confirmationBody = {
  type: 'object',
  required: ['token', 'new'],
  additionalProperties: false,
  properties: { token: tokenText, new: passwordText },
} as const

/** What goes by mail: showing that an address is one's own, and a new password for a forgotten one. */
export function addAccountLinks(app: HttpServer, parts: LinkRouteParts): void {
  addVerification(app, parts)
  addReset(app, parts)
}

function addVerification(app: HttpServer, parts: LinkRouteParts): void {
  const { issuer, callers, accounts, post } = parts
  const path = pathAtIssuer(issuer, '/account/verify-email')
  app.post(path, { schema: { body: verificationBody } }, async (request, reply) => {
    const token = request.body?.token
    if (token !== undefined) {
      const outcome = await verifyEmail(parts, token, await bearerOf(request, callers))
      request.log.info({ outcome: outcome.kind }, 'e-mail verification')
      return answerVerification(reply, outcome, issuer)
    }
    const { accountId } = await callers.requirePerson(request)
    const account = await accounts.find(accountId)
    if (account?.isEmailVerified === true) return reply.send({ email_verified: true })
    if (account?.email === undefined) return sendProblem(reply, createProblem('no-email'))
    if (post === undefined) return sendProblem(reply, createProblem('mail-unavailable'))
    const busy = post.send(verificationMail(parts, accountId), networkOf(request.ip))
    if (busy !== undefined) return sendMailBusy(reply, busy.retryAfterSeconds)
    return reply.code(202).send()
  })
}

/** Who shows a link: by the password in the body, or by a token. */
async function bearerOf(
  request: FastifyRequest<{ readonly Body: { readonly password?: string } | null }>,
  callers: Callers,
): Promise<LinkBearer> {
  const password = request.body?.password
  if (password !== undefined) return { kind: 'password', password, address: request.ip }
  const { accountId } = await callers.requirePerson(request)
  return { kind: 'signed-in', accountId }
}

function answerVerification(
  reply: FastifyReply,
  outcome: EmailVerificationOutcome,
  issuer: string,
): FastifyReply {
  switch (outcome.kind) {
    case 'verified':
      return reply.send({ email_verified: true })
    case 'invalid':
      return sendProblem(reply, createProblem('invalid-link'))
    case 'bad-credentials':
      return sendBadCredentials(reply, issuer)
    case 'throttled':
      return sendThrottled(reply, outcome.retryAfterSeconds)
    case 'busy':
      return sendBusy(reply, outcome.retryAfterSeconds)
  }
}

function addReset(app: HttpServer, parts: LinkRouteParts): void {
  const { issuer, post } = parts
  const path = pathAtIssuer(issuer, '/account/reset')
  app.post(path, { schema: { body: resetBody } }, async ({ body, ip }, reply) => {
    if (post === undefined) return sendProblem(reply, createProblem('mail-unavailable'))
    // Nothing is looked up before the answer: neither it nor its time tells who has an account.
    post.lookUp(resetMail(parts, body.identifier), networkOf(ip))
    return reply.code(202).send()
  })

  app.post(
    pathAtIssuer(issuer, '/account/reset/confirm'),
    { schema: { body: confirmationBody } },
    async ({ body, ip, log }, reply) => {
      const { token, new: password } = body
      const outcome = await confirmReset(parts, { token, password, address: ip })
      log.info(factsOfReset(outcome), 'password reset')
      switch (outcome.kind) {
        case 'reset':
          return reply.send({ revocation: outcome.position })
        case 'invalid':
          return sendProblem(reply, createProblem('invalid-link'))
        case 'unfit':
          return sendUnfit(reply, 'new', accountFaultText(outcome.fault))
        case 'throttled':
          return sendThrottled(reply, outcome.retryAfterSeconds)
        case 'busy':
          return sendBusy(reply, outcome.retryAfterSeconds)
      }
    },
  )
}

/** And the owner hears of it, where he would hear of a link that he has not asked for (ASVS 6.3.7). */
export async function confirmReset(
  parts: PasswordResetParts & Pick<LinkRouteParts, 'post'>,
  request: PasswordResetRequest,
): Promise<PasswordResetOutcome> {
  const outcome = await resetPassword(parts, request)
  if (outcome.kind === 'reset') {
    const { email } = outcome
    parts.post?.send(async () => writeMail('password-was-reset', email))
  }
  return outcome
}

export function factsOfReset(outcome: PasswordResetOutcome): Readonly<Record<string, string>> {
  return outcome.kind === 'reset'
    ? { event: 'authn_password_change', outcome: 'reset', accountId: outcome.accountId }
    : { event: 'authn_password_change_fail', outcome: outcome.kind }
}
