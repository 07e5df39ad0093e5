import type { RevocationPosition } from '@portcullis/protocol'
import { createAccessTokens } from './access-tokens.ts'
import type { PasswordChange, Reauthentication, SessionInfo } from './account.ts'
import {
  changePassword,
  endOtherSessions,
  endSession,
  listSessions,
  reauthenticate,
} from './account.ts'
import { authorizedFetch } from './authorized-fetch.ts'
import { createCurrentSession } from './current-session.ts'
import { isAlive } from './held-token.ts'
import { keepParts } from './client-parts.ts'
import { createAskIssuer } from './issuer-request.ts'
import type { Credentials, SignedIn } from './login.ts'
import { login } from './login.ts'
import { logout } from './logout.ts'
import type { ClientSettings } from './options.ts'
import type { Pace } from './retries.ts'
import { defaultPace } from './retries.ts'

/** Every method may reject with a `ClientError`; errors of your own store and lock pass through. */
export interface Client {
  /** Begins a session in the place of the one that was kept here, which it does not end. */
  readonly login: (credentials: Credentials) => Promise<SignedIn>
  /** A token for the services, refreshed in silence when that is due. */
  readonly accessToken: () => Promise<string>
  /**
   * `fetch` with the access token, once more with another token when this one is turned down. Https
   * only, or http on loopback. Does NOT check whose address it is.
   */
  readonly fetch: (address: string | URL, init?: RequestInit) => Promise<Response>
  /** Asks for a new access token now, for example after the person's roles have changed. */
  readonly refresh: () => Promise<void>
  /** Ends the session. It is gone from here in any case, also when the issuer cannot be reached. */
  readonly logout: () => Promise<RevocationPosition>
  /** Ends every session of the person, this one too. */
  readonly logoutEverywhere: () => Promise<RevocationPosition>
  readonly sessions: () => Promise<readonly SessionInfo[]>
  readonly endSession: (sessionId: string) => Promise<RevocationPosition>
  /** Ends every other session of the person; this one goes on with a new access token. */
  readonly endOtherSessions: () => Promise<RevocationPosition>
  /**
   * Proves again that the person is there, for a service that wants a recent sign-in: access tokens say so
   * from then on.
   */
  readonly reauthenticate: (proof: Reauthentication) => Promise<void>
  /** Ends every other session of the person; this one goes on with new tokens. */
  readonly changePassword: (change: PasswordChange) => Promise<void>
  /** Whether a session is kept here. Does NOT ask the issuer whether it still lives. */
  readonly isSignedIn: () => Promise<boolean>
}

export function assembleClient(settings: ClientSettings, pace: Pace = defaultPace): Client {
  const { issuer, fetch, now } = settings
  const { random } = pace
  const current = createCurrentSession(settings)
  const ask = createAskIssuer(settings)
  const tokens = createAccessTokens({ issuer, current, ask, pace, now })
  const account = { current, tokens, ask, random }
  const ending = { current, ask, pace, now }
  const client: Client = Object.freeze({
    login: (credentials) => login({ settings, current, ask, random }, credentials),
    accessToken: () => tokens.current('services'),
    fetch: (address, init) => authorizedFetch({ tokens, fetch }, address, init),
    refresh: tokens.renew,
    logout: () => logout(ending, '/logout'),
    logoutEverywhere: () => logout(ending, '/logout/everywhere'),
    sessions: () => listSessions(account),
    endSession: (sessionId) => endSession(account, sessionId),
    endOtherSessions: () => endOtherSessions(account),
    reauthenticate: (proof) => reauthenticate(account, proof),
    changePassword: (change) => changePassword(account, change),
    isSignedIn: async () => {
      const session = await current.read()
      if (session === undefined) return false
      return session.refreshToken !== undefined || isAlive(session.accessToken, now())
    },
  } satisfies Client)
  // Of a client for the issuer alone every token is the right one.
  const ownTarget = settings.audience === issuer ? 'services' : 'issuer'
  keepParts(client, { issuer, tokens, ask, ownTarget })
  return client
}
