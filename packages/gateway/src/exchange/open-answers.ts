import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

/** Which answers are under way on which connection; several when a client pipelines. */
export interface OpenAnswers {
  /** Resolves when the one before it on its connection is over. */
  readonly open: (request: IncomingMessage, response: ServerResponse) => Promise<void> | undefined
  /**
   * True when octets written to the connection now would be taken for the rest of an answer, for the answer to a request
   * that was whole and may have been obeyed, or for a second one to a request that was answered before it was whole.
   */
  readonly isOwedOn: (socket: Duplex) => boolean
  readonly isAnyOn: (socket: Duplex) => boolean
  readonly areTooManyOn: (socket: Duplex) => boolean
  /** Each of them is the last one of its connection. */
  readonly endEach: () => void
}

/**
 * How many requests may come in a row on one connection without their answers. Node stops reading when answers are not
 * taken, but in what it has read are more than a thousand short requests, and each needs some kilobytes.
 */
const inRowMax = 128

export function createOpenAnswers(): OpenAnswers {
  const open = new Map<Duplex, Set<ServerResponse>>()
  const newest = new WeakMap<Duplex, ServerResponse>()
  const answeredEarly = new WeakMap<Duplex, IncomingMessage>()
  return {
    open: (request, response) => {
      const { socket } = request
      const answers = open.get(socket) ?? new Set()
      const before = answers.size === 0 ? undefined : newest.get(socket)
      open.set(socket, answers.add(response))
      newest.set(socket, response)
      response.once('close', () => {
        answers.delete(response)
        if (!request.complete) answeredEarly.set(socket, request)
        if (answers.size === 0 && open.get(socket) === answers) open.delete(socket)
      })
      return before && new Promise((resolve) => before.once('close', resolve))
    },
    isOwedOn: (socket) =>
      answeredEarly.get(socket)?.complete === false ||
      [...(open.get(socket) ?? [])].some(({ headersSent, req }) => headersSent || req.complete),
    isAnyOn: (socket) => (open.get(socket)?.size ?? 0) > 0,
    areTooManyOn: (socket) => (open.get(socket)?.size ?? 0) >= inRowMax,
    endEach: () => {
      for (const response of [...open.values()].flatMap((answers) => [...answers])) {
        if (!response.headersSent) response.shouldKeepAlive = false
      }
    },
  }
}
