import type { JsonValue, RevocationPosition } from '@portcullis/protocol'
import { isJsonObject } from '@portcullis/protocol'
import type { AccessTokens } from './access-tokens.ts'
import { parseText, parseTime, present } from './answer-members.ts'
import { askAsOwner } from './as-owner.ts'
import { ClientError } from './client-error.ts'
import { rejectUnknown, requireObject, requireText } from './closed-options.ts'
import type { CurrentSession } from './current-session.ts'
import { holdToken } from './held-token.ts'
import type { AskIssuer, IssuerAnswer, IssuerRequest, LostAnswer } from './issuer-request.ts'
import { errorOf, outageOf } from './refusals.ts'
import { parseRevocationPosition } from './revocation-position.ts'
import { parseGrant } from './token-answer.ts'

/** One login on one device. */
export interface SessionInfo {
  readonly id: string
  /** Whether it is the session of this client. */
  readonly isCurrent: boolean
  readonly client: string
  readonly createdAt: Date
  readonly lastUsedAt: Date
  /** The field `User-Agent` of the login. */
  readonly device?: string
  /** What people call that, where it is one that the issuer knows. It proves nothing. */
  readonly browser?: string
  readonly system?: string
  readonly network?: string
}

export interface PasswordChange {
  readonly current: string
  readonly new: string
}

export interface Reauthentication {
  readonly password: string
}

export interface AccountParts {
  readonly current: CurrentSession
  readonly tokens: AccessTokens
  readonly ask: AskIssuer
  readonly random: () => number
}

const timeoutMs = 15_000

/** A person who has more sessions than this many pages hold is shown the latest logins. */
const pagesMax = 20

export async function listSessions(parts: AccountParts): Promise<readonly SessionInfo[]> {
  const sessions: SessionInfo[] = []
  let path = '/sessions'
  for (let page = 0; page < pagesMax; page += 1) {
    const asked = { method: 'GET', path, timeoutMs } as const
    const answer = await askAsOwner(parts, (bearer) => parts.ask({ ...asked, bearer }))
    if (answer.kind === 'lost' || answer.status !== 200) throw errorOf(answer)
    const { sessions: listed, next } = answer.body ?? {}
    const found = Array.isArray(listed) ? listed.map(parseSessionInfo) : [undefined]
    if (!found.every((session) => session !== undefined)) throw outageOf(answer)
    sessions.push(...found)
    if (typeof next !== 'string') break
    path = `/sessions?after=${encodeURIComponent(next)}`
  }
  return sessions
}

/** Also forgets the session here when it is this client's own. */
export async function endSession(
  parts: AccountParts,
  sessionId: string,
): Promise<RevocationPosition> {
  const path = `/sessions/${encodeURIComponent(requireText(sessionId, 'the session id'))}`
  const answer = await askAsOwner(parts, (bearer) =>
    parts.ask({ method: 'DELETE', path, bearer, timeoutMs }),
  )
  const position = answer.kind === 'answer' ? parseRevocationPosition(answer) : undefined
  if (position === undefined) throw errorOf(answer)
  await parts.current.forgetFinally(sessionId)
  return position
}

export async function endOtherSessions(parts: AccountParts): Promise<RevocationPosition> {
  const answer = await askForTokens(parts, { path: '/sessions/end-others' })
  const position = answer.kind === 'answer' ? parseRevocationPosition(answer) : undefined
  if (position === undefined) throw errorOf(answer)
  return position
}

/** Asked once, as a login: the second time the old password would be wrong. */
export async function changePassword(parts: AccountParts, change: PasswordChange): Promise<void> {
  requireObject(change, 'the password change')
  const { current, new: next, ...unknown } = change
  rejectUnknown(unknown, 'member')
  const json = {
    current: requireText(current, 'member "current"'),
    new: requireText(next, 'member "new"'),
  }
  const answer = await askForTokens(parts, { path: '/account/password', json })
  if (parseGrant(answer) !== undefined) return
  if (answer.kind === 'answer' && answer.body?.['revocation'] !== undefined) {
    throw new ClientError('signed-out', 'the password was changed, and the session has ended since')
  }
  throw errorOf(answer)
}

/** Asked once, as a login: no password is sent again behind the back of the person. */
export async function reauthenticate(parts: AccountParts, proof: Reauthentication): Promise<void> {
  requireObject(proof, 'the reauthentication')
  const { password, ...unknown } = proof
  rejectUnknown(unknown, 'member')
  const json = { password: requireText(password, 'member "password"') }
  const answer = await askForTokens(parts, { path: '/account/reauthenticate', json })
  if (parseGrant(answer) === undefined) throw errorOf(answer)
}

/** Asks for something that this session gets new tokens with, and keeps those in the place of all others. */
function askForTokens(
  parts: AccountParts,
  asked: Pick<IssuerRequest, 'path' | 'json'>,
): Promise<IssuerAnswer | LostAnswer> {
  const request = { method: 'POST', timeoutMs, ...asked } as const
  return askAsOwner(parts, (bearer) =>
    // No refresh may come between: it would write back tokens from before the change.
    parts.current.exclusively(async (session) => {
      const answer = await parts.ask({ ...request, bearer })
      const grant = parseGrant(answer)
      if (grant === undefined) return answer
      const { refreshToken } = grant
      // Without a new refresh token the one that is kept may still be under way, with its attempt.
      const rest = refreshToken === undefined ? {} : { refreshToken, attempt: undefined }
      const accessToken = holdToken(grant, parts.random)
      await parts.current.update({ ...session, ...rest, issuerToken: undefined, accessToken })
      return answer
    }),
  )
}

function parseSessionInfo(value: JsonValue): SessionInfo | undefined {
  if (!isJsonObject(value)) return undefined
  const { id, current, client } = value
  const createdAt = parseTime(value['created_at'])
  const lastUsedAt = parseTime(value['last_used_at'])
  if (typeof id !== 'string' || typeof current !== 'boolean') return undefined
  if (typeof client !== 'string' || createdAt === undefined || lastUsedAt === undefined) {
    return undefined
  }
  return {
    id,
    isCurrent: current,
    client,
    createdAt,
    lastUsedAt,
    ...present({
      device: parseText(value['device']),
      browser: parseText(value['browser']),
      system: parseText(value['system']),
      network: parseText(value['network']),
    }),
  }
}
