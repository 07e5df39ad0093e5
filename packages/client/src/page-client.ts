import type { RevocationPosition } from '@portcullis/protocol'
import { askAsOwner } from './as-owner.ts'
import { keepParts } from './client-parts.ts'
import { parseList, parseText } from './answer-members.ts'
import { createAskIssuer } from './issuer-request.ts'
import type { ClientOptions } from './options.ts'
import { parseOptions } from './options.ts'
import { createPageTokens } from './page-tokens.ts'
import { errorOf, outageOf } from './refusals.ts'
import { askUntilAnswered, defaultPace } from './retries.ts'
import { parseRevocationPosition } from './revocation-position.ts'

/**
 * For a page of the issuer's own origin, or of one of its `allowedOrigins`, where somebody is signed in by the cookie.
 * The page holds no refresh token, and its access tokens, in memory, are for the issuer alone.
 */
export interface PageClient {
  /** Who is signed in. A `signed-out` error where nobody is, or somebody else than at the first call. */
  readonly account: () => Promise<PageAccount>
  /** Ends the session, and has the browser forget the cookie. */
  readonly logout: () => Promise<RevocationPosition>
}

export interface PageAccount {
  readonly id: string
  readonly identifier: string
  readonly roles: readonly string[]
  /** The session of this browser. */
  readonly sessionId: string
}

export type PageClientOptions = Pick<ClientOptions, 'issuer' | 'fetch' | 'lock' | 'now'>

const accountTimeoutMs = 15_000

/** Nothing is sent before the first call. It is one for `createAdministration` too. */
export function createPageClient(options: PageClientOptions): PageClient {
  const settings = parseOptions(options)
  const { issuer, lock, now } = settings
  const ask = createAskIssuer(settings)
  const tokens = createPageTokens({ issuer, ask, lock, pace: defaultPace, now })
  const client: PageClient = Object.freeze({
    account: async () => {
      const asked = { method: 'GET', path: '/account', timeoutMs: accountTimeoutMs } as const
      const answer = await askAsOwner({ tokens }, (bearer) => ask({ ...asked, bearer }))
      if (answer.kind === 'lost' || answer.status !== 200) throw errorOf(answer)
      const members = [answer.body?.['id'], answer.body?.['identifier'], answer.body?.['session']]
      const [id, identifier, sessionId] = members.map(parseText)
      const roles = parseList(answer.body?.['roles'], parseText)
      if (id === undefined || identifier === undefined || sessionId === undefined) {
        throw outageOf(answer)
      }
      if (roles === undefined) throw outageOf(answer)
      return { id, identifier, roles, sessionId }
    },
    logout: async () => {
      const request = { method: 'POST', path: '/logout', isByCookie: true } as const
      const answer = await askUntilAnswered(ask, request, defaultPace)
      const position = answer.kind === 'answer' ? parseRevocationPosition(answer) : undefined
      if (position === undefined) throw errorOf(answer)
      return position
    },
  } satisfies PageClient)
  keepParts(client, { issuer, tokens, ask })
  return client
}
