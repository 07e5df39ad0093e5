import { createProblem } from '@portcullis/runtime'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ReauthenticationParts, ReauthenticationResult } from '../domain/reauthentication.ts'
import { reauthenticate } from '../domain/reauthentication.ts'
import type { KnownSession } from '../domain/sessions.ts'
import { passwordText } from './body-fields.ts'
import type { Callers } from './callers.ts'
import { pathAtIssuer } from './issuer-path.ts'
import { sendBadCredentials, sendBusy, sendProblem, sendThrottled } from './problems.ts'
import type { ProofParts } from './proofs.ts'
import { sendProofRefusal } from './proofs.ts'
import type { HttpServer } from './server.ts'
import { sessionTokenMembers } from './token-members.ts'

export interface ReauthenticationRouteParts extends ReauthenticationParts, ProofParts {
  readonly callers: Callers
}

const passwordBody = {
  type: 'object',
  required: ['password'],
  additionalProperties: false,
  properties: { password: passwordText },
} as const

/** Step-up (RFC 9470): what a service that wants a recent sign-in sends people to. */
export function addReauthentication(app: HttpServer, parts: ReauthenticationRouteParts): void {
  app.post(
    pathAtIssuer(parts.issuer, '/account/reauthenticate'),
    { schema: { body: passwordBody } },
    async (request, reply) => {
      const { session, keyThumbprint } = await parts.callers.requireHolder(request)
      const { password } = request.body
      const result = await reauthenticateAndTell(parts, request, {
        session,
        password,
        keyThumbprint,
      })
      return answerReauthentication(reply, result, parts)
    },
  )
}

/** The same by a request, with its line in the log. */
export async function reauthenticateAndTell(
  parts: ReauthenticationParts,
  { ip: address, log }: FastifyRequest,
  {
    session,
    password,
    keyThumbprint,
  }: {
    readonly session: KnownSession
    readonly password: string
    readonly keyThumbprint?: string | undefined
  },
): Promise<ReauthenticationResult> {
  const result = await reauthenticate(parts, session, { password, address, keyThumbprint })
  const outcome = result.kind === 'refused' ? result.why : result.kind
  const event = result.kind === 'reauthenticated' ? 'authn_login_success' : 'authn_login_fail'
  log.info({ event, sessionId: session.id, outcome }, 'reauthentication')
  return result
}

function answerReauthentication(
  reply: FastifyReply,
  result: ReauthenticationResult,
  parts: ReauthenticationRouteParts,
): FastifyReply {
  switch (result.kind) {
    case 'reauthenticated':
      return reply.send(sessionTokenMembers(result))
    case 'busy':
      return sendBusy(reply, result.retryAfterSeconds)
    case 'throttled':
      return sendThrottled(reply, result.retryAfterSeconds)
    case 'refused':
      if (result.why === 'bad-credentials') return sendBadCredentials(reply, parts.issuer)
      if (result.why === 'proof-required') {
        return sendProofRefusal(reply, parts, { why: result.why, detail: result.detail })
      }
      return result.why === 'session-over'
        ? sendProblem(
            reply,
            createProblem('superseded', 'the session or the password has changed meanwhile'),
          )
        : sendProblem(reply, createProblem(result.why, result.detail))
  }
}
