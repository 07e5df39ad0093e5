import type { AccessTokenClaims } from '@portcullis/protocol'
import { createNetworkSet } from '@portcullis/runtime'
import type { AdmissionParts } from '../admission/admission.ts'
import { admit } from '../admission/admission.ts'
import { endAnswer } from '../exchange/end-answer.ts'
import type { Exchange } from '../exchange/exchange.ts'
import { aliasOf, requestIdHeader } from '../headers/names.ts'
import type { IdentityHeaders } from '../headers/identity-headers.ts'
import type { Refusal } from '../exchange/refusal.ts'
import { refuse, sendRefusal } from '../exchange/refusal.ts'
import { readFrame } from '../request/frame.ts'
import type { ForwardAuthSettings } from '../settings/settings.ts'
import { readAsked } from './asked-request.ts'
import type { Dialect } from './dialects.ts'
import { dialects } from './dialects.ts'

export interface AuthorizeParts extends AdmissionParts {
  readonly identity: IdentityHeaders
}

/** Answers the questions of trusted proxies at one path. */
export interface Authorizer {
  /** True for every target that a proxy can come with, `OPTIONS *` by Envoy among them (`/_portcullis/authorize*`). */
  readonly isAsked: (target: string) => boolean
  readonly answer: (exchange: Exchange) => Promise<void>
}

/**
 * Judges requests that a proxy forwards itself. 200 has every identity header, empty where nothing is
 * known, so that a proxy which copies them overwrites what the client sent; everything else means
 * no. The rules are those of forwarded requests, by the same code.
 *
 * Does NOT see the body, nor what the proxy sends in the end: that it is the target that was judged
 * is the proxy's part. Whoever is no trusted proxy gets 404, as where there is nothing.
 */
export function createAuthorizer(
  { dialect: name, proxies }: ForwardAuthSettings,
  path: string,
  parts: AuthorizeParts,
): Authorizer {
  const dialect = dialects[name]
  const isTrusted = createNetworkSet(proxies)
  return {
    isAsked: (target) => target.startsWith(path),
    answer: async (exchange) => {
      exchange.isForwardAuth = true
      if (!isTrusted(exchange.request.socket.remoteAddress)) {
        sendRefusal(exchange, { ...refuse('not-found'), reason: 'untrusted-proxy' })
        return
      }
      const answered = await judgeAsked(parts, dialect, path, exchange)
      if (exchange.response.destroyed) return
      if (answered.kind === 'refused') sendRefusal(exchange, translate(dialect, answered))
      else sendIdentity(exchange, parts.identity, answered.claims)
    },
  }
}

async function judgeAsked(
  parts: AuthorizeParts,
  dialect: Dialect,
  path: string,
  exchange: Exchange,
): Promise<{ kind: 'admitted'; claims: AccessTokenClaims | undefined } | Refusal> {
  const { fields } = exchange
  const { method = '', url = '' } = exchange.request
  const frame = readFrame(exchange)
  if (frame.kind === 'refused') return frame
  const asked = readAsked(dialect, path, { method, target: url, fields, frame })
  if (asked.kind === 'refused') return asked
  exchange.method = asked.method
  // The proxy overwrites the names that it copies, and no others; the service may take these for them.
  const alias = fields.find(
    ({ name }) => parts.identity.isIdentity(aliasOf(name)) && !parts.identity.isManaged(name),
  )
  if (alias !== undefined) {
    return refuse('malformed', 'a header can be taken for one of the identity headers')
  }
  return admit(parts, exchange, asked)
}

/** nginx tells its client 500 for each refusal that it does not know. */
function translate(dialect: Dialect, refusal: Refusal): Refusal {
  const { status, code } = refusal.problem
  const isKnown = dialect.kind === 'request-line' || !dialect.knowsOnly401And403
  if (isKnown || status === 401 || status >= 500) return refusal
  const { reason = code } = refusal
  return { ...refusal, reason, problem: { ...refusal.problem, status: 403 } }
}

function sendIdentity(
  { request, response, requestId }: Exchange,
  identity: IdentityHeaders,
  claims: AccessTokenClaims | undefined,
): void {
  // As for a refusal: whether the body comes after a final answer is not known.
  if (request.headers.expect !== undefined) response.shouldKeepAlive = false
  const headers = ['Content-Length', '0', 'Cache-Control', 'no-store', requestIdHeader, requestId]
  response.writeHead(200, [...headers, ...identity.ofAll(claims)])
  if (request.headers.expect === undefined) endAnswer(response)
  else response.end()
}
