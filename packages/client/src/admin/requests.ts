import type { JsonObject, RevocationPosition } from '@portcullis/protocol'
import type { OwnerParts } from '../as-owner.ts'
import { askAsOwner } from '../as-owner.ts'
import { requireMembers, requireText } from '../closed-options.ts'
import type { AskIssuer, IssuerAnswer, IssuerRequest } from '../issuer-request.ts'
import { errorOf, outageOf } from '../refusals.ts'
import { parseRevocationPosition } from '../revocation-position.ts'

export type AdminRequest = Pick<IssuerRequest, 'method' | 'path' | 'json'> &
  Partial<Pick<IssuerRequest, 'timeoutMs'>>

/** Answers a 2xx answer; every other one is thrown. */
export type AskAdmin = (request: AdminRequest) => Promise<IssuerAnswer>

/** Ample for a decision about a thousand accounts. */
const usualTimeoutMs = 30_000
/** A page of 200 accounts, each with all the attributes and roles that it may have. */
const answerBytesMax = 2 * 1024 * 1024

/** Each is sent once: what became of a decision whose answer is lost is for the administrator to look up. */
export function createAskAdmin(parts: OwnerParts & { readonly ask: AskIssuer }): AskAdmin {
  return async ({ timeoutMs = usualTimeoutMs, ...request }) => {
    const answer = await askAsOwner(parts, (bearer) =>
      parts.ask({ ...request, bearer, timeoutMs, answerBytesMax }),
    )
    if (answer.kind === 'lost' || answer.status >= 300) throw errorOf(answer)
    return answer
  }
}

/** What a success says, when it is one of the issuer's. */
export function readAnswer<Members>(
  answer: IssuerAnswer,
  parse: (body: JsonObject) => Members | undefined,
): Members {
  const members = answer.body === undefined ? undefined : parse(answer.body)
  if (members === undefined) throw outageOf(answer)
  return members
}

export function readPosition(answer: IssuerAnswer): RevocationPosition {
  const position = parseRevocationPosition(answer)
  if (position === undefined) throw outageOf(answer)
  return position
}

/** Why something is done; it is kept with the event. */
export interface Reason {
  readonly reason: string
}

export function reasonIn(decision: Reason): { readonly reason: string } {
  requireMembers(decision, 'the decision', ['reason'])
  return { reason: requireText(decision.reason, 'member "reason"') }
}

export function pathOf(base: string, id: string, rest = ''): string {
  // WHATWG URL: these would lead out of the path, and no encoding keeps them in it.
  if (/^\.{1,2}$/.test(requireText(id, 'the id'))) throw new TypeError('the id is none')
  return `${base}/${encodeURIComponent(id)}${rest}`
}
