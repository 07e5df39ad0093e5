import { rejectUnknown, requireObject, requireText } from './closed-options.ts'
import type { CurrentSession } from './current-session.ts'
import { holdToken } from './held-token.ts'
import type { AskIssuer } from './issuer-request.ts'
import type { ClientSettings } from './options.ts'
import { errorOf } from './refusals.ts'
import { parseGrant } from './token-answer.ts'

export interface Credentials {
  readonly identifier: string
  readonly password: string
}

export interface SignedIn {
  readonly sessionId: string
  /** What was granted, separated by a space: perhaps less than was asked for. */
  readonly scope: string
}

export interface LoginParts {
  readonly settings: ClientSettings
  readonly current: CurrentSession
  readonly ask: AskIssuer
  readonly random: () => number
}

/** Longer than a refresh: the issuer takes its time for passwords, and may have a queue for them. */
const timeoutMs = 15_000

/** Asked once: a login that is sent again may begin a second session. */
export async function login(parts: LoginParts, credentials: Credentials): Promise<SignedIn> {
  const { issuer, clientId, audience, scope } = parts.settings
  requireObject(credentials, 'credentials')
  const { identifier, password, ...unknown } = credentials
  rejectUnknown(unknown, 'member')
  const answer = await parts.ask({
    method: 'POST',
    path: '/login',
    json: {
      identifier: requireText(identifier, 'member "identifier"'),
      password: requireText(password, 'member "password"'),
      client_id: clientId,
      audience,
      scope,
    },
    timeoutMs,
  })
  const grant = parseGrant(answer)
  if (grant === undefined) throw errorOf(answer)
  const { sessionId, refreshToken } = grant
  const accessToken = holdToken(grant, parts.random)
  await parts.current.begin({ issuer, clientId, sessionId, refreshToken, accessToken })
  return { sessionId, scope: grant.scope }
}
