import type { ProblemCode } from '@portcullis/protocol'
import type { VerifyError, VerifyErrorCode } from '@portcullis/verify'
import type { FastifyReply } from 'fastify'
import type { OAuthError } from './oauth-error-code.ts'

/** `docs/logs.md` has them all. */
type RefusalReason = ProblemCode | VerifyErrorCode | NonNullable<VerifyError['reason']> | OAuthError

const reasons = new WeakMap<FastifyReply, RefusalReason>()

/** For the line of the request in the log. `reason` is a code of ours: nothing that somebody has sent. */
export function noteReason(reply: FastifyReply, reason: RefusalReason): void {
  reasons.set(reply, reason)
}

/** Why a request was answered with an error; undefined where it was not. */
export function reasonOf(reply: FastifyReply): RefusalReason | undefined {
  return reasons.get(reply)
}
