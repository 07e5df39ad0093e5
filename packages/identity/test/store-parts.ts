import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { AccessTokenClaims } from '@portcullis/protocol'
import type { RevocationPosition } from '@portcullis/protocol/revocations'
import type { Account } from '../src/domain/accounts.ts'
import { callerOf } from '../src/domain/callers.ts'
import type { LoginParts } from '../src/domain/login.ts'
import { login } from '../src/domain/login.ts'
import type { PasswordChangeParts } from '../src/domain/password-change.ts'
import type { RefreshParts } from '../src/domain/refresh.ts'
import type { RefreshPeppers } from '../src/domain/refresh-tokens.ts'
import { createPepper } from '../src/domain/refresh-tokens.ts'
import { unlimitedGuesses } from '../src/domain/login-protection.ts'
import type { KnownSession } from '../src/domain/sessions.ts'
import { parseIdentitySettings } from '../src/index.ts'
import { createPasswordRules } from '../src/passwords/password-rules.ts'
import { createAccountStore } from '../src/store/accounts.ts'
import { bootstrapStore } from '../src/store/bootstrap.ts'
import { createClientStore, synchroniseClients } from '../src/store/clients.ts'
import { createSessionStore } from '../src/store/sessions.ts'
import { createUsedProofs } from '../src/store/used-proofs.ts'
import type { OpenedStore } from './opened-store.ts'
import { openStoreAt } from './opened-store.ts'
import { ordersAndReviews } from './running-identity.ts'

/** Everything between HTTP and the store, with hashes that cost nothing and tokens that are their claims. */
export type StoreParts = OpenedStore & {
  readonly parts: LoginParts & RefreshParts & PasswordChangeParts
}

const peppers: RefreshPeppers = [createPepper(randomBytes(32))]

/** Opens the store with the clients of the tests' file, and with these people when it is new. */
export async function openPartsAt(
  url: string,
  now: () => number,
  people: readonly string[] = ['alice'],
): Promise<StoreParts> {
  const store = await openStoreAt(url, now)
  const { database, log } = store
  const settings = parseIdentitySettings(ordersAndReviews, 'the test')
  const { registry, sessionIdleSeconds, sessionSeconds } = settings
  const clients = [...registry.clients].map(([name, declaration]) => ({
    ...declaration,
    name,
    newId: name.padEnd(22, 'A'),
  }))
  await synchroniseClients(log.transaction, clients)
  const accounts = people.map((identifier) => ({
    id: accountIdOf(identifier),
    identifier,
    passwordHash: `hash of ${identifier}-password`,
    roles: [],
  }))
  await bootstrapStore(database, { accounts, clients: [] })
  return {
    ...store,
    parts: {
      registry,
      issuer: registry.issuer,
      accounts: createAccountStore(database, log.transaction),
      clients: createClientStore(database),
      usedProofs: createUsedProofs(database),
      now,
      sessions: createSessionStore(database, log.transaction),
      passwords: {
        hash: async (password) => ({ kind: 'hashed', passwordHash: `hash of ${password}` }),
        verify: async (hash, password) => ({
          kind: hash === `hash of ${password}` ? 'match' : 'mismatch',
        }),
        whenFull: () => undefined,
      },
      passwordRules: createPasswordRules({ issuer: registry.issuer }),
      protection: unlimitedGuesses,
      unmatchablePasswordHash: 'none',
      afterwards: () => assert.fail('there is nothing to be done afterwards'),
      sign: async (claims) => JSON.stringify(claims),
      randomBytes,
      tokenBytesMax: 1800,
      peppers,
      refreshGraceSeconds: 30,
      sessionIdleSeconds,
      sessionSeconds,
    },
  }
}

export function accountIdOf(identifier: string): string {
  return identifier.padEnd(22, 'A')
}

export interface OpenedSessionFacts {
  readonly sessionId: string
  readonly refresh: string
  readonly claims: AccessTokenClaims
}

export async function loginWith(
  parts: LoginParts,
  identifier = 'alice',
  password = `${identifier}-password`,
): Promise<OpenedSessionFacts> {
  const outcome = await login(parts, { identifier, password })
  assert.ok(outcome.kind === 'signed-in', JSON.stringify(outcome))
  const { session, refresh, token } = outcome
  return {
    sessionId: session.id,
    refresh: refresh?.token ?? '',
    claims: claimsOf(token.accessToken),
  }
}

export async function sessionOf(
  { sessions }: Pick<PasswordChangeParts, 'sessions'>,
  sessionId: string,
): Promise<KnownSession> {
  const session = await sessions.find(sessionId)
  assert.ok(session !== undefined, 'the session is lost')
  return session
}

/** Who decides where it does not matter who does. */
export const commandLine = { kind: 'command-line' } as const

/** As somebody who is signed in as that account. */
export async function endEverywhere(
  { accounts, sessions }: Pick<PasswordChangeParts, 'accounts' | 'sessions'>,
  accountId: string,
): Promise<RevocationPosition> {
  const [session] = (await sessions.listOf(accountId, { limit: 1 })).sessions
  assert.ok(session !== undefined, 'nobody is signed in')
  const outcome = await accounts.endAllSessions(callerOf(session))
  assert.ok(outcome.kind === 'ended')
  return outcome.position
}

export function claimsOf(accessToken: string): AccessTokenClaims {
  return JSON.parse(accessToken) as AccessTokenClaims
}

export async function accountOf({ parts }: StoreParts, identifier = 'alice'): Promise<Account> {
  const account = await parts.accounts.findByIdentifier(identifier)
  assert.ok(account !== undefined)
  return account
}

/** A password as a route shows it to the domain. */
export function shown(password: string): {
  readonly password: string
  readonly address: undefined
} {
  return { password, address: undefined }
}
