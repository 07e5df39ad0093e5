import { administratorRole, revocationsScope } from '@portcullis/protocol'
import type { Auth, Verifier } from '@portcullis/verify'
import {
  authenticateHeader,
  authorizationFields,
  requireRole,
  requireScope,
  VerifyError,
} from '@portcullis/verify'
import type { FastifyRequest } from 'fastify'
import type { Administrator } from '../domain/actors.ts'
import { administratorOf } from '../domain/actors.ts'
import { findCaller } from '../domain/callers.ts'
import type { ClientStore } from '../domain/clients.ts'
import { isInDevelopment } from '../domain/registry.ts'
import type { KnownSession, SessionStore } from '../domain/sessions.ts'

/**
 * Who calls identity's own API. Each function throws a `VerifyError` for everybody else, which the error
 * handler turns into 401 or 403; people's answer their live session, or who decides by it.
 */
export interface Callers {
  /** A person, by a token whose only audience is identity. */
  readonly requirePerson: (request: FastifyRequest) => Promise<KnownSession>
  /** As `requirePerson`, in the role of an administrator. */
  readonly requireAdministrator: (request: FastifyRequest) => Promise<Administrator>
  /** A person, by a live token for whatever audience. */
  readonly requireSession: (request: FastifyRequest) => Promise<KnownSession>
  /**
   * A machine client that may read the revocation feed. An issuer on loopback, which is one in
   * development, lets everybody read.
   */
  readonly requireFeedReader: (request: FastifyRequest) => Promise<void>
}

/** What is needed of a verifier to authenticate a request. */
export type TokenVerifier = Pick<Verifier, 'audience' | 'verify'>

export interface CallerParts {
  readonly issuer: string
  readonly ownTokens: TokenVerifier
  readonly anyTokens: TokenVerifier
  readonly sessions: Pick<SessionStore, 'find'>
  readonly clients: ClientStore
}

export function createCallers(parts: CallerParts): Callers {
  const { issuer, ownTokens, anyTokens, sessions, clients } = parts
  const isAdministrator = requireRole(administratorRole)
  const mayFollow = requireScope(revocationsScope)

  const liveSession = async (auth: Auth): Promise<KnownSession> => {
    const session = await findCaller(sessions, auth.claims)
    if (session !== undefined) return session
    throw refused(
      'the session of the token is over, or has a newer token, or the token is not one of a person',
    )
  }
  const forIdentity = async (request: FastifyRequest): Promise<Auth> => {
    const auth = await authenticate(ownTokens, request)
    // A service that got a token for several audiences must not be able to use it here.
    if (auth.claims.aud === issuer) return auth
    throw refused('the token is not for the issuer alone')
  }
  const refused = (description: string): VerifyError =>
    new VerifyError('invalid-token', description, { realm: issuer })

  return {
    requirePerson: async (request) => liveSession(await forIdentity(request)),
    requireAdministrator: async (request) => {
      const auth = await forIdentity(request)
      isAdministrator(auth)
      return administratorOf(await liveSession(auth))
    },
    requireSession: async (request) => liveSession(await authenticate(anyTokens, request)),
    requireFeedReader: async (request) => {
      if (isInDevelopment(issuer) && request.headers.authorization === undefined) return
      const auth = await forIdentity(request)
      mayFollow(auth)
      const client = await clients.find(auth.claims.client_id)
      const isCurrent = client !== undefined && (auth.claims.cgen ?? -1) >= client.generation
      if (!isCurrent) throw refused('the client of the token was stopped')
    },
  }
}

function authenticate(verifier: TokenVerifier, request: FastifyRequest): Promise<Auth> {
  return authenticateHeader(verifier, authorizationFields(request.raw.rawHeaders))
}
