import { revocationsScope } from '@portcullis/protocol'
import type { Verifier } from '@portcullis/verify'
import {
  authenticateHeader,
  authorizationFields,
  problemOf,
  requireScope,
  responseHeadersOf,
  VerifyError,
} from '@portcullis/verify'
import type { ClientRequest } from '../exchange/client-message.ts'
import type { Refusal } from '../exchange/refusal.ts'

/** Somebody who may read the feed. */
export interface FeedReader {
  readonly kind: 'reader'
  /** Undefined for one on this machine who has shown nothing, in development. */
  readonly clientId: string | undefined
  readonly authorization: string | undefined
  /** Calls once, when the token is no longer good. Answers how to stop. */
  readonly onceRefused: (then: () => void) => () => void
}

/**
 * Lets in whom the issuer would: clients by a token for the issuer alone with the scope `revocations.read`; and where
 * the issuer is on loopback, anybody on this machine.
 */
export function createFeedReaders(
  verifier: Pick<Verifier, 'issuer' | 'audience' | 'verify' | 'watch'>,
): (request: ClientRequest) => Promise<FeedReader | Refusal> {
  const { issuer } = verifier
  const mayRead = requireScope(revocationsScope)
  const isInDevelopment = new URL(issuer).protocol === 'http:'
  return async (request) => {
    const fields = authorizationFields(request.rawHeaders)
    const isNear = isLoopback(request.socket.remoteAddress)
    if (isInDevelopment && isNear && fields.length === 0) {
      return {
        kind: 'reader',
        clientId: undefined,
        authorization: undefined,
        onceRefused: neverRefused,
      }
    }
    try {
      const auth = await authenticateHeader(verifier, fields)
      mayRead(auth)
      if (auth.claims.aud !== issuer) {
        throw new VerifyError('invalid-token', 'the token is not for the issuer alone', {
          realm: issuer,
        })
      }
      return {
        kind: 'reader',
        clientId: auth.claims.client_id,
        authorization: fields[0],
        onceRefused: (then) => {
          const { signal, close } = verifier.watch(auth)
          if (signal.aborted) then()
          else signal.addEventListener('abort', then, { once: true })
          return close
        },
      }
    } catch (error) {
      if (!(error instanceof VerifyError)) throw error
      return { kind: 'refused', problem: problemOf(error), headers: responseHeadersOf(error) }
    }
  }
}

const neverRefused = (): (() => void) => () => undefined

function isLoopback(address: string | undefined): boolean {
  return address !== undefined && /^(?:::ffff:)?127\.|^::1$/.test(address)
}
