import { administratorRole, revocationsScope } from '@portcullis/protocol'
import { parseCompactJws } from '@portcullis/protocol/jws'
import type { Auth, PresentedRequest, Verifier } from '@portcullis/verify'
import {
  authenticateRequest,
  hasRole,
  hasScope,
  requireRole,
  requireScope,
  VerifyError,
} from '@portcullis/verify'
import type { FastifyRequest } from 'fastify'
import type { Administrator } from '../domain/actors.ts'
import { administratorOf } from '../domain/actors.ts'
import { findCaller } from '../domain/callers.ts'
import type { Notice } from '../domain/anomalies/sightings.ts'
import { useOf } from '../domain/anomalies/sightings.ts'
import type { ClientStore } from '../domain/clients.ts'
import { isInDevelopment, streamsReadScope, streamsScope } from '../domain/registry.ts'
import type { KnownSession, SessionStore } from '../domain/sessions.ts'
import type { TokenMarks } from '../domain/token-marks.ts'
import { marksOf } from '../domain/token-marks.ts'
import type { ProofParts } from './proofs.ts'
import { keyProved, presentedRequest } from './proofs.ts'

/**
 * Who calls identity's own API. Each function throws a `VerifyError` for everybody else, which the error
 * handler turns into 401 or 403; people's answer their live session, or who decides by it.
 */
export interface Callers {
  /** A person, by a token whose only audience is identity. */
  readonly requirePerson: (request: FastifyRequest) => Promise<KnownSession>
  /** As `requirePerson`, and the key that the request proves: that of its token, or one for the tokens it wants. */
  readonly requireHolder: (request: FastifyRequest) => Promise<Holder>
  /** As `requirePerson`, in the role of an administrator. */
  readonly requireAdministrator: (request: FastifyRequest) => Promise<Administrator>
  /** A person, by a live token for whatever audience. */
  readonly requireSession: (request: FastifyRequest) => Promise<KnownSession>
  /**
   * A machine client that may read the revocation feed. An issuer on loopback, which is one in
   * development, lets everybody read.
   */
  readonly requireFeedReader: (request: FastifyRequest) => Promise<FeedReader>
  /** The same, or an administrator, who is no client. */
  readonly requireReceiptReader: (request: FastifyRequest) => Promise<Pick<FeedReader, 'clientId'>>
  /** A machine client that may have streams of events, or look at its own. Also in development: they are its own alone. */
  readonly requireReceiver: (
    request: FastifyRequest,
    may: 'manage' | 'read',
  ) => Promise<{ readonly clientId: string }>
}

export interface Holder {
  readonly session: KnownSession
  /** Undefined when the request proves none. */
  readonly keyThumbprint: string | undefined
}

export interface FeedReader {
  /** Undefined for one of an issuer in development who has shown nothing. */
  readonly clientId: string | undefined
  /** Throws when they may no longer. The proof of the request was used up and is not asked for again. */
  readonly requireStill: () => Promise<void>
}

/** What is needed of a verifier to authenticate a request. */
export type TokenVerifier = Pick<Verifier, 'audience' | 'verify' | 'dpopAlgorithms'>

export interface CallerParts extends ProofParts {
  readonly ownTokens: TokenVerifier
  /** The same for requests whose proof was judged before. */
  readonly provenTokens: TokenVerifier
  readonly anyTokens: TokenVerifier
  readonly sessions: Pick<SessionStore, 'find'>
  readonly clients: ClientStore
  readonly notice?: Notice
}

export function createCallers(parts: CallerParts): Callers {
  const { issuer, ownTokens, provenTokens, anyTokens, clients } = parts
  const liveSession = (authenticated: Authenticated, request: FastifyRequest) =>
    requireLive(parts, authenticated, request)
  const authenticate = (verifier: TokenVerifier, request: FastifyRequest): Promise<Authenticated> =>
    authenticatedBy(verifier, presentedRequest(issuer, request))
  const forIdentity = async (
    request: FastifyRequest,
    verifier = ownTokens,
  ): Promise<Authenticated> => {
    const authenticated = await authenticate(verifier, request)
    // A service that got a token for several audiences must not be able to use it here.
    if (authenticated.auth.claims.aud === issuer) return authenticated
    throw refused(issuer, 'the token is not for the issuer alone', 'wrong-audience')
  }

  const isOpenTo = ({ headers }: FastifyRequest): boolean =>
    isInDevelopment(issuer) && headers.authorization === undefined
  const requireFollower = async (authenticated: Authenticated): Promise<void> => {
    mayFollow(authenticated.auth)
    await requireCurrent(clients, authenticated)
  }

  return {
    requirePerson: async (request) => liveSession(await forIdentity(request), request),
    requireHolder: async (request) => {
      const authenticated = await forIdentity(request)
      const session = await liveSession(authenticated, request)
      // A bearer token may come together with a proof of the key that the next tokens are to be bound to.
      const keyThumbprint = boundKeyOf(authenticated.auth) ?? (await keyProved(parts, request))
      return { session, keyThumbprint }
    },
    requireAdministrator: async (request) => {
      const authenticated = await forIdentity(request)
      isAdministrator(authenticated.auth)
      return administratorOf(await liveSession(authenticated, request), request.ip)
    },
    requireSession: async (request) => liveSession(await authenticate(anyTokens, request), request),
    requireFeedReader: async (request) => {
      if (isOpenTo(request)) return { clientId: undefined, requireStill: async () => undefined }
      const authenticated = await forIdentity(request)
      await requireFollower(authenticated)
      return {
        clientId: authenticated.auth.claims.client_id,
        requireStill: async () => requireFollower(await forIdentity(request, provenTokens)),
      }
    },
    requireReceiptReader: async (request) => {
      if (isOpenTo(request)) return { clientId: undefined }
      const authenticated = await forIdentity(request)
      const isOfPerson = hasRole(authenticated.auth, administratorRole)
      await (isOfPerson ? liveSession(authenticated, request) : requireFollower(authenticated))
      return { clientId: isOfPerson ? undefined : authenticated.auth.claims.client_id }
    },
    requireReceiver: async (request, may) => {
      const authenticated = await forIdentity(request)
      requireReceiving(authenticated.auth, may)
      await requireCurrent(clients, authenticated)
      return { clientId: authenticated.auth.claims.client_id }
    },
  }
}

async function requireLive(
  { issuer, sessions, notice }: CallerParts,
  { auth: { claims }, marks }: Authenticated,
  { ip }: FastifyRequest,
): Promise<KnownSession> {
  // A service that acts for somebody is not that person: it reads orders, and signs nobody out.
  if (claims.act !== undefined) throw refused(issuer, 'the token is one of a service that acts')
  const session = await findCaller(sessions, claims, marks)
  if (session === undefined)
    throw refused(issuer, notLive, claims.sid === undefined ? undefined : 'revoked')
  notice?.(useOf(session, ip))
  return session
}

function refused(
  realm: string,
  description: string,
  reason?: 'revoked' | 'wrong-audience',
): VerifyError {
  return new VerifyError('invalid-token', description, { realm, ...(reason && { reason }) })
}

const notLive =
  'the token was taken back, or its session is over or has a newer token, or it is not one of a person'

/** A good token, and what the store knows it by if it was taken back, with its key. */
interface Authenticated {
  readonly auth: Auth
  readonly marks: TokenMarks
}

/** A key that another node has withdrawn may stand in the key set of this one for a second: the store knows. */
async function authenticatedBy(
  verifier: TokenVerifier,
  presented: PresentedRequest,
): Promise<Authenticated> {
  let kid: string | undefined
  const noting: TokenVerifier = {
    ...verifier,
    verify: (token, proof) => {
      kid = keyIdOf(token)
      return verifier.verify(token, proof)
    },
  }
  const auth = await authenticateRequest(noting, presented)
  return { auth, marks: marksOf(auth.claims, kid) }
}

/** Whoever may manage streams may look at them. */
function requireReceiving(auth: Auth, may: 'manage' | 'read'): void {
  if (may === 'read' && !hasScope(auth, streamsScope)) mayLook(auth)
  else if (may === 'manage') mayManage(auth)
  // A person's token may name scopes of his roles, and a stream is no person's.
  if (auth.claims.sid === undefined) return
  throw new VerifyError('invalid-token', 'the token is one of a person', { realm: auth.claims.iss })
}

const isAdministrator = requireRole(administratorRole)
const mayFollow = requireScope(revocationsScope)
const mayLook = requireScope(streamsReadScope)
const mayManage = requireScope(streamsScope)

async function requireCurrent(
  clients: ClientStore,
  { auth: { claims }, marks }: Authenticated,
): Promise<void> {
  const client = await clients.find(claims.client_id, marks)
  if (client !== undefined && (claims.cgen ?? -1) >= client.generation) return
  throw new VerifyError('invalid-token', 'the client of the token was stopped', {
    realm: claims.iss,
    reason: 'revoked',
  })
}

function keyIdOf(token: string): string | undefined {
  const jws = parseCompactJws(token)
  const kid = jws.kind === 'jws' ? jws.header['kid'] : undefined
  return typeof kid === 'string' ? kid : undefined
}

/** Of a token that came with a proof of it: any other that is bound was refused. */
function boundKeyOf({ claims }: Auth): string | undefined {
  const thumbprint = claims.cnf?.['jkt']
  return typeof thumbprint === 'string' ? thumbprint : undefined
}
