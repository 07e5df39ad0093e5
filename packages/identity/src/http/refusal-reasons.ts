import type { FastifyReply } from 'fastify'

const reasons = new WeakMap<FastifyReply, string>()

/** For the line of the request in the log. `reason` is a code of ours: nothing that somebody has sent. */
export function noteReason(reply: FastifyReply, reason: string): void {
  reasons.set(reply, reason)
}

/** Why a request was answered with an error; undefined where it was not. */
export function reasonOf(reply: FastifyReply): string | undefined {
  return reasons.get(reply)
}
