import { createProblem } from '@portcullis/runtime'
import type { FastifyReply } from 'fastify'
import { sendProblem } from './problems.ts'

/** Of routes about one place of the revocation log. */
export const positionPath = {
  type: 'object',
  required: ['position'],
  properties: { position: { type: 'string' } },
} as const

/** `gone`: of an epoch that is over, or outlived by the tokens that it was about. */
export function sendNoSuchPosition(reply: FastifyReply, kind: 'ahead' | 'gone'): FastifyReply {
  const problem =
    kind === 'ahead'
      ? createProblem('not-found', 'the log has not come that far')
      : createProblem('position-gone', 'its epoch is over, or its tokens have expired')
  return sendProblem(reply, problem)
}
