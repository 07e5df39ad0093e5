import { createProblem } from '@portcullis/runtime'
import type { Post } from '../domain/mail-requests.ts'
import { writeMail } from '../domain/mails.ts'
import type {
  PasswordChangeOutcome,
  PasswordChangeParts,
  ShownPasswords,
} from '../domain/password-change.ts'
import { changePassword } from '../domain/password-change.ts'
import type { KnownSession } from '../domain/sessions.ts'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { accountFaultText } from './account-faults.ts'
import { passwordText } from './body-fields.ts'
import type { Callers } from './callers.ts'
import { pathAtIssuer } from './issuer-path.ts'
import { sendBadCredentials, sendBusy, sendProblem, sendThrottled } from './problems.ts'
import type { ProofParts } from './proofs.ts'
import { sendProofRefusal } from './proofs.ts'
import type { HttpServer } from './server.ts'
import { sessionTokenMembers } from './token-members.ts'

export interface PasswordParts extends PasswordChangeParts, ProofParts {
  readonly callers: Callers
  /** Undefined when this installation sends no mail. */
  readonly post: Post | undefined
}

const passwordBody = {
  type: 'object',
  required: ['current', 'new'],
  additionalProperties: false,
  properties: {
    current: passwordText,
    new: passwordText,
  },
} as const

export function addPassword(app: HttpServer, parts: PasswordParts): void {
  app.post(
    pathAtIssuer(parts.issuer, '/account/password'),
    { schema: { body: passwordBody } },
    async (request, reply) => {
      const { session, keyThumbprint } = await parts.callers.requireHolder(request)
      const { current, new: next } = request.body
      const passwords = { current, new: next, keyThumbprint }
      const outcome = await changeAndTell(parts, request, { session, passwords })
      return answerPasswordChange(reply, outcome, parts)
    },
  )
}

/** A change by a request, and what goes with it: its line in the log, and the mail to the owner. */
export async function changeAndTell(
  parts: PasswordChangeParts & Pick<PasswordParts, 'post'>,
  { ip: network, log }: FastifyRequest,
  {
    session,
    passwords,
  }: { readonly session: KnownSession; readonly passwords: Omit<ShownPasswords, 'network'> },
): Promise<PasswordChangeOutcome> {
  const outcome = await changePassword(parts, session, { ...passwords, network })
  const event = outcome.kind === 'changed' ? 'authn_password_change' : 'authn_password_change_fail'
  const { accountId } = session
  log.info({ event, accountId, outcome: outcome.kind }, 'password change')
  // Whoever has changed it may not be the owner (ASVS 6.3.7). A change does not wait for room for this mail.
  const email = outcome.kind === 'changed' ? outcome.email : undefined
  if (email !== undefined) parts.post?.send(async () => writeMail('password-was-changed', email))
  return outcome
}

function answerPasswordChange(
  reply: FastifyReply,
  outcome: PasswordChangeOutcome,
  parts: PasswordParts,
): FastifyReply {
  switch (outcome.kind) {
    case 'changed':
      // Without tokens when the session has ended since: the change holds all the same, and is said to.
      return reply.send({
        ...(outcome.tokens === undefined ? {} : sessionTokenMembers(outcome.tokens)),
        revocation: outcome.position,
      })
    case 'unfit':
      return sendUnfitNew(reply, accountFaultText(outcome.fault))
    case 'busy':
      return sendBusy(reply, outcome.retryAfterSeconds)
    case 'throttled':
      return sendThrottled(reply, outcome.retryAfterSeconds)
    case 'refused':
      return refuseChange(reply, outcome, parts)
  }
}

function sendUnfitNew(reply: FastifyReply, message: string): FastifyReply {
  const errors = [{ field: '/new', message }]
  return sendProblem(reply, createProblem('malformed', `the new password ${message}`, errors))
}

function refuseChange(
  reply: FastifyReply,
  { why, detail }: Extract<PasswordChangeOutcome, { readonly kind: 'refused' }>,
  parts: PasswordParts,
): FastifyReply {
  switch (why) {
    case 'bad-credentials':
      return sendBadCredentials(reply, parts.issuer)
    case 'proof-required':
      return sendProofRefusal(reply, parts, { why, detail })
    case 'session-over':
      return sendProblem(
        reply,
        createProblem(
          'superseded',
          'the session or the password has changed; nothing was changed now',
        ),
      )
    default:
      return sendProblem(reply, createProblem(why, detail))
  }
}
