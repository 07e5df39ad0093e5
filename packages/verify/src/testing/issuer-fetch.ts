import type { IssuerHandler } from './issuer-handler.ts'
import { targetOf } from './issuer-handler.ts'

/** As `fetch`, of which the verifier uses a part. */
export type IssuerFetch = (url: string, init?: RequestInit) => Promise<Response>

/** Longer than any test; a timer takes no more. */
const foreverMs = 2 ** 31 - 1

/** What the issuer does not serve is refused, so that a test notices a request that went astray. */
export function createIssuerFetch(
  { serves, answer }: IssuerHandler,
  network: boolean,
): IssuerFetch {
  return async (url, init = {}) => {
    const request = new Request(url, init)
    if (!serves(request)) {
      throw new TypeError(`not an address of this issuer: ${targetOf(request)}`)
    }
    return network ? fetch(request) : inProcess(answer, request, init.signal ?? request.signal)
  }
}

/** An abort ends the wait for the answer, and later its body, as over a socket. */
async function inProcess(
  answer: IssuerHandler['answer'],
  request: Request,
  // Not the request's own, which follows it only for as long as somebody holds the request.
  signal: AbortSignal,
): Promise<Response> {
  signal.throwIfAborted()
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const abort = (): void => reject(signal.reason)
  signal.addEventListener('abort', abort)
  // A request that nobody answers keeps the process alive, as its socket would.
  const alive = setTimeout(abort, foreverMs)
  try {
    const response = await Promise.race([answer(request), aborted])
    const relayed = new TransformStream<Uint8Array, Uint8Array>()
    const body = response.body?.pipeThrough(relayed, { signal })
    return body === undefined ? response : new Response(body, response)
  } finally {
    clearTimeout(alive)
    signal.removeEventListener('abort', abort)
  }
}
