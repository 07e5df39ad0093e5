import type { AccessToken } from './access-tokens.ts'
import { missingKeyRefusal } from './access-tokens.ts'
import type { Account, AccountStore } from './accounts.ts'
import { parseIdentifier } from './accounts.ts'
import type { Client, ClientStore } from './clients.ts'
import type { Throttled } from './login-protection.ts'
import type { PasswordCheckParts } from './password-check.ts'
import { checkPassword } from './password-check.ts'
import type { Busy } from './passwords.ts'
import { normalisePassword } from './passwords.ts'
import type { ExamineProof, ProvenKey, RefusedProof } from './proofs.ts'
import { noProof, refusalOfUse } from './proofs.ts'
import { randomIdentifier, randomSecret } from './random.ts'
import type { IssuedRefreshToken, RefreshPeppers } from './refresh-tokens.ts'
import { issueRefreshToken } from './refresh-tokens.ts'
import type { RequestedAccess, TokenTarget } from './registry.ts'
import { chooseTarget, defaultClientName } from './registry.ts'
import type { SessionTokenParts, SessionTokenRefusal } from './session-tokens.ts'
import { mintForSession } from './session-tokens.ts'
import type { Delivery, KnownSession, Session, SessionLife, SessionStore } from './sessions.ts'
import type { Notice } from './anomalies/sightings.ts'
import { deviceMark, wideNetworkOf } from './anomalies/sightings.ts'
import type { Asker } from './turnstile.ts'

export interface LoginParts extends SessionTokenParts, SessionLife, PasswordCheckParts {
  readonly accounts: Pick<AccountStore, 'findByIdentifier' | 'replacePasswordHash'>
  readonly clients: ClientStore
  readonly sessions: Pick<SessionStore, 'open'>
  readonly peppers: RefreshPeppers
  /** Runs what nobody waits for, and reports when it fails. */
  readonly afterwards: (job: () => Promise<void>) => void
  /** More sessions than this end with the login that opens one more, the oldest first. Default: no limit. */
  readonly sessionsPerAccountMax?: number | undefined
  readonly notice?: Notice
}

export interface LoginRequest extends RequestedAccess {
  readonly identifier: string
  readonly password: string
  readonly clientId?: string | undefined
  /** When it has authenticated itself, which only public clients need not. */
  readonly client?: Client | undefined
  /** What the owner will know the session by. */
  readonly device?: string | undefined
  readonly network?: string | undefined
  /** Default: in the body. */
  readonly delivery?: Delivery | undefined
  /** Default: the request brings no proof along. */
  readonly examineProof?: ExamineProof
}

export type LoginOutcome =
  | {
      readonly kind: 'signed-in'
      readonly token: AccessToken
      /** Absent when the client may not refresh. */
      readonly refresh?: IssuedRefreshToken
      readonly session: Session
    }
  | { readonly kind: 'refused'; readonly why: LoginRefusal; readonly detail?: string }
  | Throttled
  | Busy

export type LoginRefusal =
  | 'bad-credentials'
  | 'account-blocked'
  | 'unknown-client'
  | SessionTokenRefusal
  | RefusedProof['why']

/**
 * Checks a person's credentials and opens a session with its first access token. With a proof of a key both
 * are bound to it. A proof that does not count is refused before a password is looked at, and one that does is
 * used up after it.
 */
export async function login(parts: LoginParts, request: LoginRequest): Promise<LoginOutcome> {
  const client =
    request.client ?? (await findPublicClient(parts, request.clientId ?? defaultClientName))
  if (client?.grants.includes('login') !== true) return { kind: 'refused', why: 'unknown-client' }
  const chosen = chooseTarget(parts.registry, client, request)
  if (chosen.kind === 'refused') return chosen
  const proof = (request.examineProof ?? noProof)()
  if (proof.kind === 'refused') return proof
  const { key } = proof
  const missingKey = missingKeyRefusal(chosen.target, key?.thumbprint)
  if (missingKey !== undefined) return missingKey

  const identified = parseIdentifier(request.identifier)
  // What nobody can be called is looked for as well, as a name that nobody has: it costs the same.
  const found = await parts.accounts.findByIdentifier(
    identified.kind === 'identifier' ? identified.identifier : '',
  )
  // Nobody has shown yet that the address is theirs: until then there is no account for anybody, neither in
  // the answer nor in what counts wrong passwords.
  const account = found?.isUnconfirmed === true ? undefined : found
  const { identifier } = identified.kind === 'identifier' ? identified : request
  const { password, network: address } = request
  const check = await checkPassword(parts, { account, identifier, password, address })
  if (check.kind === 'busy' || check.kind === 'throttled') return check
  if (account === undefined || check.kind === 'mismatch') {
    return { kind: 'refused', why: 'bad-credentials' }
  }

  // Only to somebody who knows the password: to others it would tell that the account exists.
  if (account.isBlocked) return { kind: 'refused', why: 'account-blocked' }

  const session = newSession(parts, { account, client, target: chosen.target, key }, request)
  const token = await mintForSession(parts, session, request)
  if (token.kind === 'refused') return token
  const used = await refusalOfUse(key)
  if (used !== undefined) return used
  const opened = await parts.sessions.open(session, parts.sessionsPerAccountMax)
  if (opened.kind === 'blocked') return { kind: 'refused', why: 'account-blocked' }
  if (opened.kind === 'superseded') return { kind: 'refused', why: 'bad-credentials' }
  noticeLogin(parts, session, check.by)
  if (check.rehash) parts.afterwards(() => rehash(parts, account, request.password))
  if (!session.client.mayRefresh) return { kind: 'signed-in', token, session }
  const { idleExpiresAt, readAt } = session
  const refresh = issueRefreshToken(parts.peppers, session, 0, { idleExpiresAt, now: readAt })
  return { kind: 'signed-in', token, refresh, session }
}

function noticeLogin({ notice }: LoginParts, session: Session, by: Asker): void {
  notice?.({
    kind: 'signed-in',
    network: wideNetworkOf(session.network),
    accountId: session.accountId,
    sessionId: session.id,
    device: deviceMark(session.device),
    isStranger: by === 'strangers',
  })
}

async function findPublicClient(
  { clients }: LoginParts,
  idOrName: string,
): Promise<Client | undefined> {
  const client = await clients.find(idOrName)
  return client?.isPublic === true ? client : undefined
}

/**
 * Only here is the password at hand to hash it as of today. When much is going on, the next login will do:
 * nobody waits, so it takes no place that is kept for people who do.
 */
async function rehash(
  { accounts, passwords }: LoginParts,
  { id: accountId, passwordHash: oldHash }: Account,
  typed: string,
): Promise<void> {
  const hashed = await passwords.hash(normalisePassword(typed), 'strangers')
  if (hashed.kind === 'busy') return
  await accounts.replacePasswordHash({ accountId, oldHash, newHash: hashed.passwordHash })
}

function newSession(
  parts: LoginParts,
  {
    account,
    client,
    target,
    key,
  }: {
    readonly account: Account
    readonly client: Client
    readonly target: TokenTarget
    readonly key: ProvenKey | undefined
  },
  request: LoginRequest,
): KnownSession {
  // Both were read on their own, and the token vouches for both.
  const readAt = Math.min(client.readAt, account.readAt)
  return {
    readAt,
    // Its row is written before anybody gets the token.
    vouchedAt: readAt,
    id: randomIdentifier(parts.randomBytes),
    accountId: account.id,
    clientId: client.id,
    audiences: [...new Set([...target.audiences, parts.registry.issuer])],
    scopes: request.scopes,
    generation: account.generation,
    seed: randomSecret(parts.randomBytes),
    authenticatedAt: readAt,
    counter: 0,
    lastUsedAt: readAt,
    idleExpiresAt: readAt + parts.sessionIdleSeconds * 1000,
    expiresAt: readAt + parts.sessionSeconds * 1000,
    device: request.device,
    network: request.network,
    delivery: request.delivery ?? 'body',
    keyThumbprint: key?.thumbprint,
    reauthenticatedAt: undefined,
    isEnded: false,
    account,
    client: {
      name: client.name,
      isEnabled: true,
      isPublic: client.isPublic,
      audiences: client.audiences,
      mayRefresh: client.grants.includes('refresh_token'),
      generation: client.generation,
    },
  }
}
