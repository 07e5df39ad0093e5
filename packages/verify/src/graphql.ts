import type { GraphQLErrorExtensions } from 'graphql'
import { GraphQLError } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import type { AuthenticateOptions, LetIn } from './authenticate-request.ts'
import { createAuthentication } from './authenticate-request.ts'
import type { Auth, RequestVerifier } from './authorization-header.ts'
import { demand, requireObject } from './option-checks.ts'
import type { PresentedRequest } from './presented-request.ts'
import { presentedFetchRequest, rawFieldValues } from './presented-request.ts'
import { refusalResponse } from './refusal-response.ts'
import type { RequirementHooks } from './requirement-hooks.ts'
import { requirementHooks } from './requirement-hooks.ts'
import type { Requirement } from './requirements.ts'
import { meet } from './requirements.ts'
import { VerifyError } from './verify-error.ts'

/** How operations are let in, beside what every adapter takes. */
export interface GraphQLAuthenticateOptions extends AuthenticateOptions {
  /**
   * `optional`: who shows no token is anonymous, and `auth` is undefined. Who shows a bad one is
   * refused all the same. Default `required`.
   */
  readonly mode?: 'required' | 'optional'
}

/** What resolvers find in their context; `auth: Auth` where the mode is `required`. */
export interface AuthContext {
  readonly auth: Auth | undefined
}

/**
 * A plugin for GraphQL Yoga that puts `auth` into the context of operations. A request that is not let
 * in is answered with a challenge and a problem document before its body is read. Throws a TypeError
 * for an option that is unknown or wrong.
 *
 * Guards GraphQL requests alone, not the page of GraphiQL or health checks. Where Yoga is not given
 * Node's request (as `req` in its context, which `createServer(yoga)` does), a second Authorization
 * field cannot be seen. An operation that did not come over HTTP, as with WebSocket transports, has
 * nobody: it is anonymous, or refused.
 */
export function useAuthentication(
  verifier: RequestVerifier,
  options: GraphQLAuthenticateOptions = {},
): Plugin<AuthContext> {
  const { mode = 'required', ...others } = requireObject(options, 'options')
  const isMode = mode === 'required' || mode === 'optional'
  demand(isMode, 'mode', 'must be "required" or "optional"')
  const authentication = createAuthentication(verifier, others)
  const callers = new WeakMap<Request, LetIn>()
  return {
    onRequestParse: async ({ request, serverContext, endResponse }) => {
      const presented = presentedToYoga(request, serverContext)
      if (mode === 'optional' && authentication.isAnonymous(presented)) return
      try {
        callers.set(request, await authentication.authenticate(presented))
      } catch (error) {
        if (!(error instanceof VerifyError)) throw error
        endResponse(refusalResponse(error))
      }
    },
    onContextBuilding: ({ context, extendContext }) => {
      const auth = callers.get(context.request)?.auth
      if (auth === undefined && mode === 'required') throw graphqlErrorOf(nobody())
      extendContext({ auth })
    },
    onExecutionResult: ({ request, result }) => {
      const facts = callers.get(request)?.challengeFacts
      if (facts === undefined || result === undefined || !('errors' in result)) return
      for (const { extensions } of result.errors ?? []) {
        const refusal = refusals.get(extensions)
        if (refusal) Object.assign(extensions, extensionsOf(refusal.withChallengeFacts(facts)))
      }
    },
    onResponse: ({ request, response }) => {
      const nonce = callers.get(request)?.auth.nextDpopNonce
      if (nonce !== undefined) response.headers.set('dpop-nonce', nonce)
    },
  }
}

/** For resolvers: answers who calls, or throws a GraphQLError. */
export type GraphQLRequirement = (auth: Auth | undefined) => Auth

const hooks: RequirementHooks<GraphQLRequirement> = requirementHooks(requiring)

/** For resolvers: every one of these scopes. */
export const requireScope: typeof hooks.requireScope = hooks.requireScope

/** For resolvers: any one of these roles. */
export const requireRole: typeof hooks.requireRole = hooks.requireRole

/** For resolvers: a person who signed in recently. */
export const requireRecentAuth: typeof hooks.requireRecentAuth = hooks.requireRecentAuth

/** For resolvers: a token that was vouched for more recently than the verifier asks for. */
export const requireFresh: typeof hooks.requireFresh = hooks.requireFresh

function requiring(requirement: Requirement): GraphQLRequirement {
  return (auth) => {
    try {
      if (auth === undefined) throw nobody()
      meet(requirement, auth, {})
      return auth
    } catch (error) {
      throw error instanceof VerifyError ? graphqlErrorOf(error) : error
    }
  }
}

/** What GraphQL clients look for. `problem` is finer: the code that REST services answer. */
const codes: Readonly<Record<VerifyError['status'], string>> = {
  400: 'BAD_REQUEST',
  401: 'UNAUTHENTICATED',
  403: 'FORBIDDEN',
  503: 'SERVICE_UNAVAILABLE',
}

/** By their extensions, which GraphQL hands on as they are: a resolver knows of no request. */
const refusals = new WeakMap<object, VerifyError>()

function graphqlErrorOf(error: VerifyError): GraphQLError {
  const extensions = extensionsOf(error)
  refusals.set(extensions, error)
  return new GraphQLError(error.message, { extensions })
}

/** `http` is for Yoga, which answers with that status and takes it out of the body. */
function extensionsOf({ status, challenge, code }: VerifyError): GraphQLErrorExtensions {
  const headers = challenge === undefined ? {} : { 'www-authenticate': challenge }
  return { code: codes[status], problem: code, http: { status, headers } }
}

function nobody(): VerifyError {
  return new VerifyError('missing-token', 'this needs somebody who is signed in')
}

/** Yoga's own request keeps only the first of two Authorization fields, as Node's `headers` do. */
function presentedToYoga(request: Request, serverContext: object): PresentedRequest {
  const presented = presentedFetchRequest(request)
  const node: unknown = 'req' in serverContext ? serverContext.req : undefined
  const rawHeaders = rawHeadersOf(node)
  if (rawHeaders === undefined) return presented
  return { ...presented, fieldValues: rawFieldValues(rawHeaders) }
}

/** Of Node's request, or of one that a framework has wrapped around it as `raw`. */
function rawHeadersOf(request: unknown): readonly string[] | undefined {
  if (typeof request !== 'object' || request === null) return undefined
  if ('rawHeaders' in request && Array.isArray(request.rawHeaders)) return request.rawHeaders
  return 'raw' in request ? rawHeadersOf(request.raw) : undefined
}
