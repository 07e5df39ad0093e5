import { randomBytes } from 'node:crypto'
import { StartError } from '@portcullis/runtime'
import { chainDatabase } from './audit.ts'
import { nameAccount } from './domain/account-names.ts'
import { hashClientSecret } from './domain/clients.ts'
import { newPasswordFault } from './domain/password-rules.ts'
import { normalisePassword } from './domain/passwords.ts'
import { randomIdentifier, randomSecret } from './domain/random.ts'
import type { ConfidentialGrant } from './domain/registry.ts'
import { accountFaultText } from './http/account-faults.ts'
import { hashPassword } from './passwords/hasher.ts'
import { parsePasswordHash } from './passwords/password-hash.ts'
import { createPasswordRules } from './passwords/password-rules.ts'
import type { SealingKeys } from './sealing-keys.ts'
import { sealerOf } from './sealing-keys.ts'
import type { FirstAccount } from './store/bootstrap.ts'
import { bootstrapStore } from './store/bootstrap.ts'
import type { StorableClient, UnfitClient } from './store/clients.ts'
import { insertMissingClients } from './store/clients.ts'
import type { DatabaseOptions } from './store/database.ts'
import { hasAccounts } from './store/database.ts'
import { openDatabase } from './store/open-database.ts'

export interface NewAccount {
  readonly identifier: string
  readonly password: string
  readonly roles: readonly string[]
}

/** Somebody whose password only another system has seen; the next login makes a hash of our own. */
export interface ImportedAccount {
  readonly identifier: string
  /** Of argon2, bcrypt, scrypt or PBKDF2. */
  readonly passwordHash: string
  readonly roles: readonly string[]
}

/** A machine client with a credential that was made by `newClientCredential`. */
export interface NewClient {
  readonly clientId: string
  readonly clientSecret: string
  readonly name: string
  readonly audiences: readonly string[]
  readonly scopes: readonly string[]
  /** Default: client credentials alone. */
  readonly grants?: readonly ConfidentialGrant[]
}

export interface BootstrapRequest {
  /** `sqlite:PATH` or `postgres://…` */
  readonly database: string
  readonly accounts: readonly (NewAccount | ImportedAccount)[]
  readonly clients: readonly NewClient[]
  /** With it the event is chained at once; without, it waits for the next node that starts. */
  readonly sealingKeys?: SealingKeys | undefined
}

/**
 * Makes the first accounts and clients of an empty store, all or nothing. A store that has an account
 * is left alone: the outcome says so. Bad identifiers, bad passwords, unreadable hashes and taken client
 * names are a `StartError`.
 */
export async function bootstrap(
  { database: url, accounts, clients, sealingKeys }: BootstrapRequest,
  options: DatabaseOptions = {},
): Promise<{ readonly kind: 'bootstrapped' | 'not-empty' }> {
  const first = await Promise.all(accounts.map(firstAccount))
  const database = await openDatabase(url, options)
  try {
    if (await hasAccounts(database)) return { kind: 'not-empty' }
    const store =
      sealingKeys === undefined ? database : await chainDatabase(database, sealerOf(sealingKeys))
    const outcome = await bootstrapStore(store, {
      accounts: first,
      clients: clients.map(storable),
    })
    if (outcome.kind === 'name-taken') {
      throw invalid(`the client name ${outcome.name} is taken by one of the settings file`)
    }
    return outcome
  } finally {
    await database.close()
  }
}

const passwordRules = createPasswordRules()

async function firstAccount(account: NewAccount | ImportedAccount): Promise<FirstAccount> {
  const named = nameAccount({ identifier: account.identifier })
  if (named.kind === 'unfit') throw invalid(`the ${named.field} ${accountFaultText(named.fault)}`)
  const { identifier, email } = named
  const passwordHash =
    'passwordHash' in account
      ? requireReadable(account.passwordHash, identifier)
      : await hashFit(account.password, identifier)
  const id = randomIdentifier(randomBytes)
  return { id, identifier, email, passwordHash, roles: account.roles }
}

async function hashFit(password: string, identifier: string): Promise<string> {
  const normalised = normalisePassword(password)
  const fault = await newPasswordFault(passwordRules, normalised, identifier)
  if (fault !== undefined) {
    throw invalid(`the password of ${identifier} ${accountFaultText(fault)}`)
  }
  return hashPassword(normalised)
}

function requireReadable(passwordHash: string, identifier: string): string {
  const parsed = parsePasswordHash(passwordHash)
  if (parsed.kind === 'password-hash') return passwordHash
  throw invalid(`the password hash of ${identifier} cannot be taken over: it is ${parsed.why}`)
}

/**
 * Makes sure that the store has these machine clients: a service that came with an upgrade gets its
 * client this way, in a store that has people already. Answers those that the store does not let in with
 * this credential: it knows the name with another one, or the client was deleted. They are left alone.
 */
export async function ensureClients(
  url: string,
  clients: readonly NewClient[],
): Promise<readonly UnfitClient[]> {
  const database = await openDatabase(url)
  try {
    return await insertMissingClients(database, clients.map(storable))
  } finally {
    await database.close()
  }
}

function storable(client: NewClient): StorableClient {
  const { clientId, clientSecret, name, audiences, scopes } = client
  return {
    id: clientId,
    name,
    isPublic: false,
    secretHash: hashClientSecret(clientSecret),
    grants: client.grants ?? ['client_credentials'],
    audiences,
    scopes,
  }
}

/** A new client id and secret: 128 and 256 random bits. */
export function newClientCredential(): {
  readonly clientId: string
  readonly clientSecret: string
} {
  return { clientId: randomIdentifier(randomBytes), clientSecret: randomSecret(randomBytes) }
}

/** A password, or a key in base64, that nobody has to remember: 256 random bits. */
export function newRandomSecret(): string {
  return randomSecret(randomBytes)
}

function invalid(message: string): StartError {
  return new StartError(message, 'Choose another one; nothing was changed.')
}
