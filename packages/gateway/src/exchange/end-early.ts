import type { VerifyError } from '@portcullis/verify'
import { cutAnswer } from './end-answer.ts'
import type { Exchange } from './exchange.ts'
import type { Ending } from './long-answers.ts'
import type { Refusal } from './refusal.ts'
import { refuse, sendRefusal, tokenRefusal } from './refusal.ts'
import type { Farewell, Tunnel } from '../websocket/tunnel.ts'

export interface UnderWay {
  /** Of a WebSocket, once it is open. */
  readonly tunnel: Tunnel | undefined
  /** Cancels the request to the service, which the end of the client's connection does as well. */
  readonly cancel: () => void
}

/**
 * Ends an exchange although its service has more to say. An answer that has begun is cut, so that it never looks
 * whole; one that has not becomes a refusal; a WebSocket is closed.
 *
 * False for a token that has only expired before the answer began: a request that was let in is owed its answer,
 * which its client may not be able to ask for twice. What then begins is cut a little later.
 */
export function endEarly(exchange: Exchange, why: Ending, { tunnel, cancel }: UnderWay): boolean {
  const { response } = exchange
  if (response.headersSent) {
    exchange.reason = why === 'too-long' ? why : (why.reason ?? why.code)
    if (tunnel === undefined) cutAnswer(response)
    else tunnel.end(farewellOf(why))
    return true
  }
  if (why !== 'too-long' && why.reason === 'expired') return false
  cancel()
  sendRefusal(exchange, refusalOf(why, exchange))
  return true
}

function refusalOf(why: Ending, { request }: Exchange): Refusal {
  if (why !== 'too-long') return tokenRefusal(why)
  return refuse(request.complete ? 'upstream-timeout' : 'request-timeout')
}

/** RFC 6455 section 7.4 and the registry of IANA. */
const closeCodes = { goingAway: 1001, tryAgainLater: 1013, unauthorized: 3000 }

function farewellOf(why: Ending): Farewell {
  if (why === 'too-long') return { code: closeCodes.goingAway, reason: why }
  const { status, reason, code } = why satisfies VerifyError
  return {
    code: status === 503 ? closeCodes.tryAgainLater : closeCodes.unauthorized,
    reason: reason ?? code,
  }
}
