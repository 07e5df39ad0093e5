import type { FieldError, JsonValue, Problem, ProblemCode } from '@portcullis/protocol'
import { isJsonObject } from '@portcullis/protocol'
import type { Log } from '@portcullis/runtime'
import { createProblem } from '@portcullis/runtime'
import type { Refusal } from '../exchange/refusal.ts'
import type { IssuerAnswer } from './issuer-sessions.ts'
import { identityUnavailable } from './session-judge.ts'

/** What identity tells people at a login. Everything else is between it and the gateway. */
const toldToPeople: ReadonlySet<ProblemCode> = new Set<ProblemCode>([
  'account-blocked',
  'bad-credentials',
  'malformed',
  'throttled',
  'unknown-scope',
])

const passedOn = ['retry-after', 'www-authenticate']

/** The refusal of identity as one of ours, for the page. */
export function refusalIn({ status, body, headers }: IssuerAnswer, log: Log): Refusal {
  const code = [...toldToPeople].find((known) => known === body['code'])
  if (code === undefined) {
    const said = typeof body['code'] === 'string' ? body['code'] : body['error']
    log.error({ status, code: said }, 'identity refuses what the gateway asks for a browser')
    return identityUnavailable(undefined)
  }
  const { detail } = body
  const problem: Problem = createProblem(
    code,
    typeof detail === 'string' ? detail : undefined,
    fieldErrorsIn(body['errors']),
  )
  const fields = passedOn.flatMap((name) => {
    const value = headers.get(name)
    return value === null ? [] : [[name, value] as const]
  })
  return { kind: 'refused', problem, headers: Object.fromEntries(fields) }
}

function fieldErrorsIn(errors: JsonValue | undefined): readonly FieldError[] | undefined {
  if (!Array.isArray(errors)) return undefined
  return errors.flatMap((error: JsonValue) => {
    const { field, message } = isJsonObject(error) ? error : {}
    return typeof field === 'string' && typeof message === 'string' ? [{ field, message }] : []
  })
}
