import type { ClientErrorCode } from './client-error.ts'
import { ClientError } from './client-error.ts'
import type { IssuerAnswer, LostAnswer } from './issuer-request.ts'
import { isLost } from './issuer-request.ts'

/** What the issuer's word means for the caller, whatever the status. */
const codeOfReason: ReadonlyMap<string | undefined, ClientErrorCode> = new Map([
  ['bad-credentials', 'bad-credentials'],
  ['account-blocked', 'account-blocked'],
  // RFC 6749 section 5.2: the refresh token is good for nothing any more.
  ['invalid_grant', 'signed-out'],
])

const textOfCode: Readonly<Record<ClientErrorCode, string>> = {
  'bad-credentials': 'the credentials are wrong',
  'account-blocked': 'the account is blocked',
  throttled: 'too many tries',
  'signed-out': 'the session has ended',
  'issuer-unreachable': 'the issuer cannot do it at the moment',
  refused: 'the issuer refuses',
}

/** The error for an answer that is not the hoped for one. */
export function errorOf(answer: IssuerAnswer | LostAnswer): ClientError {
  return errorWith(codeOf(answer), answer)
}

/** For an answer that should have been something else, for example that of a captive portal. */
export function outageOf(answer: IssuerAnswer | LostAnswer): ClientError {
  return errorWith('issuer-unreachable', answer)
}

function errorWith(code: ClientErrorCode, answer: IssuerAnswer | LostAnswer): ClientError {
  if (answer.kind === 'lost') {
    return new ClientError(code, `the issuer cannot be reached: ${answer.why}`)
  }
  const { status, reason, detail } = answer
  const facts = [String(status), reason].filter((fact) => fact !== undefined).join(' ')
  const message = `${textOfCode[code]} (${facts})`
  return new ClientError(code, detail === undefined ? message : `${message}: ${detail}`, answer)
}

function codeOf(answer: IssuerAnswer | LostAnswer): ClientErrorCode {
  // 2xx: a success that cannot be read is no word of the issuer.
  if (answer.kind === 'lost' || isLost(answer) || answer.status < 400) return 'issuer-unreachable'
  const code = codeOfReason.get(answer.reason)
  if (code !== undefined) return code
  return answer.status === 429 ? 'throttled' : 'refused'
}
