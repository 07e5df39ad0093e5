import { createProblem } from '@portcullis/runtime'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Post } from '../domain/mail-requests.ts'
import { verificationMail } from '../domain/mail-requests.ts'
import { networkOf } from '@portcullis/runtime/networks'
import type {
  RegistrationOutcome,
  RegistrationParts,
  RegistrationRequest,
} from '../domain/registration.ts'
import { register } from '../domain/registration.ts'
import { accountFaultText } from './account-faults.ts'
import { emailText, identifierText, passwordText } from './body-fields.ts'
import { pathAtIssuer } from './issuer-path.ts'
import { sendBusy, sendProblem, sendThrottled, sendUnfit } from './problems.ts'
import type { HttpServer } from './server.ts'

export interface RegistrationRouteParts extends RegistrationParts {
  readonly issuer: string
  /** Undefined when this installation sends no mail. */
  readonly post: Post | undefined
}

const accountBody = {
  type: 'object',
  required: ['identifier'],
  additionalProperties: false,
  properties: {
    identifier: identifierText,
    password: passwordText,
    email: emailText,
  },
} as const

/** Accounts that people make for themselves, as far as they may. */
export function addRegistration(app: HttpServer, parts: RegistrationRouteParts): void {
  const path = pathAtIssuer(parts.issuer, '/accounts')
  app.post(path, { schema: { body: accountBody } }, async (request, reply) => {
    const outcome = await registerAndTell(parts, request, request.body)
    switch (outcome.kind) {
      case 'registered':
        return reply.code(201).send({ id: outcome.id, identifier: outcome.identifier })
      case 'to-be-confirmed':
        return reply.code(202).send({ identifier: outcome.identifier })
      default:
        return refuse(reply, outcome)
    }
  })
}

/** A registration by a request, and what goes with it: its line in the log, and the mail. */
export async function registerAndTell(
  parts: RegistrationRouteParts,
  { ip, log }: FastifyRequest,
  asked: Omit<RegistrationRequest, 'address'>,
): Promise<RegistrationOutcome> {
  const outcome = await register(parts, { ...asked, address: ip })
  const network = networkOf(ip)
  switch (outcome.kind) {
    case 'registered': {
      const { id, email } = outcome
      log.info({ event: 'user_created', outcome: 'registered', accountId: id }, 'registration')
      if (email !== undefined) parts.post?.lookUp(verificationMail(parts, id), network)
      break
    }
    case 'to-be-confirmed':
      // No account in the log: there may be one, and there may have been one before.
      log.info({ outcome: 'to-be-confirmed' }, 'registration')
      parts.post?.lookUp(outcome.mail, network)
      break
    default:
      log.info(factsOf(outcome), 'registration')
  }
  return outcome
}

function factsOf(outcome: Refusal): Readonly<Record<string, string>> {
  if (outcome.kind !== 'throttled') return { outcome: outcome.kind }
  const { by: counter, keyId: counterId } = outcome
  return { event: 'excess_rate_limit_exceeded', outcome: 'throttled', counter, counterId }
}

type Refusal = Exclude<RegistrationOutcome, { readonly kind: 'registered' | 'to-be-confirmed' }>

function refuse(reply: FastifyReply, outcome: Refusal): FastifyReply {
  switch (outcome.kind) {
    case 'closed':
      return sendProblem(reply, createProblem('registration-closed'))
    case 'taken':
      return sendProblem(reply, createProblem('identifier-taken'))
    case 'unfit':
      return sendUnfit(reply, outcome.field, accountFaultText(outcome.fault))
    case 'throttled':
      return sendThrottled(reply, outcome.retryAfterSeconds)
    case 'busy':
      return sendBusy(reply, outcome.retryAfterSeconds)
  }
}
