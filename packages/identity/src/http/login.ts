import { createProblem } from '@portcullis/runtime'
import type { FromSchema } from 'json-schema-to-ts'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { LoginOutcome, LoginParts, LoginRequest } from '../domain/login.ts'
import { login } from '../domain/login.ts'
import type { LogoutTokenParts } from '../domain/logout.ts'
import { recogniseAtLogout } from '../domain/logout.ts'
import type { ClientAuthenticationParts } from '../domain/client-authentication.ts'
import { assertionType, authenticateShown } from './client-authentication.ts'
import { identifierText, passwordText } from './body-fields.ts'
import { pathAtIssuer } from './issuer-path.ts'
import { isFromOwnPage } from './own-pages.ts'
import { crossOriginDetail } from './presented-refresh-token.ts'
import { sendBadCredentials, sendBusy, sendProblem, sendThrottled } from './problems.ts'
import type { ProofParts } from './proofs.ts'
import { examinerOf, isProofRefusal, sendProofRefusal } from './proofs.ts'
import { readRefreshCookie } from './refresh-cookie.ts'
import type { HttpServer } from './server.ts'
import { sessionTokenFields, sessionTokenMembers } from './token-members.ts'

const audienceName = { type: 'string', minLength: 1, maxLength: 256 } as const

const loginBody = {
  type: 'object',
  required: ['identifier', 'password'],
  additionalProperties: false,
  properties: {
    identifier: identifierText,
    password: passwordText,
    client_id: { type: 'string', minLength: 1, maxLength: 64 },
    // Of a web backend, which is no public client (RFC 6749 section 2.3).
    client_secret: { type: 'string', minLength: 1, maxLength: 256 },
    client_assertion: { type: 'string', minLength: 1, maxLength: 3072 },
    client_assertion_type: { const: assertionType },
    audience: {
      oneOf: [audienceName, { type: 'array', items: audienceName, minItems: 1, maxItems: 16 }],
    },
    scope: { type: 'string', minLength: 1, maxLength: 2048 },
    // How old the sign-in may be (RFC 9470 section 4). This very request is one, so that any age is kept.
    max_age: { type: 'integer', minimum: 0 },
    delivery: { enum: ['body', 'cookie'] },
  },
} as const

/** Enough to tell one device from another. */
const deviceCharactersMax = 256

export type LoginRouteParts = LoginParts &
  ClientAuthenticationParts &
  LogoutTokenParts &
  ProofParts & {
    /** Whose pages may sign a browser in. */
    readonly ownOrigins: ReadonlySet<string>
  }

export function addLogin(app: HttpServer, parts: LoginRouteParts): void {
  const path = pathAtIssuer(parts.issuer, '/login')
  const options = {
    schema: { body: loginBody },
    config: { requestHeaders: ['content-type', 'dpop'] },
  }
  app.post(path, options, async (request, reply) => {
    const { body } = request
    const isByCookie = body.delivery === 'cookie'
    if (isByCookie && !isFromOwnPage(request.raw, parts.ownOrigins)) {
      // Otherwise a foreign page could sign people in as somebody else, who then reads what they do.
      return sendProblem(reply, createProblem('cross-origin', crossOriginDetail))
    }
    const client = await clientOf(parts, body)
    if (client.kind === 'refused') {
      return sendProblem(reply, createProblem('unknown-client', client.why))
    }
    const outcome = await signIn(parts, request, {
      identifier: body.identifier,
      password: body.password,
      clientId: body.client_id,
      client: client.kind === 'client' ? client.client : undefined,
      audiences: typeof body.audience === 'string' ? [body.audience] : body.audience,
      scopes: body.scope?.split(' '),
      delivery: body.delivery,
      examineProof: examinerOf(parts, request),
    })
    return answerLogin(reply, outcome, parts)
  })
}

/** A login by a request, and what goes with it: its line in the log, and the end of what the browser was in. */
export async function signIn(
  parts: LoginParts & LogoutTokenParts,
  request: FastifyRequest,
  asked: Omit<LoginRequest, 'device' | 'network'>,
): Promise<LoginOutcome> {
  const device = request.headers['user-agent']?.slice(0, deviceCharactersMax)
  const outcome = await login(parts, { ...asked, device, network: request.ip })
  request.log.info(factsOf(outcome), 'login')
  const isSignedIn = outcome.kind === 'signed-in' && outcome.refresh !== undefined
  if (isSignedIn && asked.delivery === 'cookie') await endFormerSession(parts, request)
  return outcome
}

/** What the token endpoint takes in a form stands among the members of the body. */
function clientOf(
  parts: ClientAuthenticationParts,
  body: FromSchema<typeof loginBody>,
): ReturnType<typeof authenticateShown> {
  const { client_id, client_secret, client_assertion, client_assertion_type } = body
  const given = { client_id, client_secret, client_assertion, client_assertion_type }
  const form = Object.entries(given).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  )
  return authenticateShown(parts, undefined, new Map(form))
}

/** ASVS 7.2.4: the session that this browser was in, whosesoever, has no cookie any more and ends. */
async function endFormerSession(parts: LogoutTokenParts, request: FastifyRequest): Promise<void> {
  const cookie = readRefreshCookie(request)
  if (cookie.kind !== 'token') return
  const former = await recogniseAtLogout(parts, cookie.refreshToken, request.ip)
  if (former.kind !== 'session') return
  await parts.sessions.end(former.session.id, 'session-ended', request.ip)
}

function answerLogin(
  reply: FastifyReply,
  outcome: LoginOutcome,
  parts: LoginRouteParts,
): FastifyReply {
  switch (outcome.kind) {
    case 'signed-in':
      return reply.headers(sessionTokenFields(outcome)).send(sessionTokenMembers(outcome))
    case 'busy':
      return sendBusy(reply, outcome.retryAfterSeconds)
    case 'throttled':
      return sendThrottled(reply, outcome.retryAfterSeconds)
    case 'refused':
      return refuseLogin(reply, outcome, parts)
  }
}

function refuseLogin(
  reply: FastifyReply,
  { why, detail }: Extract<LoginOutcome, { readonly kind: 'refused' }>,
  parts: LoginRouteParts,
): FastifyReply {
  if (why === 'bad-credentials') return sendBadCredentials(reply, parts.issuer)
  return isProofRefusal(why)
    ? sendProofRefusal(reply, parts, { why, detail })
    : sendProblem(reply, createProblem(why, detail))
}

/** Never the identifier: people type their password into the wrong field. */
function factsOf(outcome: LoginOutcome): Readonly<Record<string, string>> {
  switch (outcome.kind) {
    case 'signed-in':
      return {
        event: 'authn_login_success',
        outcome: 'signed-in',
        accountId: outcome.session.accountId,
        sessionId: outcome.session.id,
      }
    case 'refused':
      return { event: 'authn_login_fail', outcome: outcome.why }
    case 'busy':
      return { outcome: 'busy' }
    case 'throttled':
      return {
        event: 'excess_rate_limit_exceeded',
        outcome: 'throttled',
        counter: outcome.by,
        counterId: outcome.keyId,
      }
  }
}
