import { randomBytes } from 'node:crypto'
import { fingerprintOf } from '@portcullis/protocol/revocations'
import { defaultHashCost } from '../../packages/identity/src/domain/hash-cost.ts'
import { hashPassword } from '../../packages/identity/src/passwords/hasher.ts'
import { normalisePassword } from '../../packages/identity/src/domain/passwords.ts'
import {
  createPepper,
  deriveRefreshToken,
} from '../../packages/identity/src/domain/refresh-tokens.ts'
import type { Session } from '../../packages/identity/src/domain/sessions.ts'
import { bootstrapStore } from '../../packages/identity/src/store/bootstrap.ts'
import type { Database } from '../../packages/identity/src/store/database.ts'
import { openDatabase } from '../../packages/identity/src/store/open-database.ts'
import type { NewRecord } from '../../packages/identity/src/store/revocations.ts'
import { appendRecords } from '../../packages/identity/src/store/revocations.ts'
import { createSessionStore } from '../../packages/identity/src/store/sessions.ts'

/**
 * Identity's own store code, used from outside: the one file here that knows the inside of identity. A
 * store is filled with it without a login for each session, and measured with it alone.
 */
export interface StockRequest {
  /** Identity has been started on it before, so that it has its schema and the client `web`. */
  readonly database: string
  readonly issuer: string
  readonly pepper: Buffer
  readonly audience: string
  readonly role: string
  /** As many people, each with one session. */
  readonly sessions: number
  /** That of all of them: to hash another one for each would take hours. */
  readonly password: string
}

const sessionsPerCommit = 5_000
/** As identity has them by default. */
const idleMs = 14 * 24 * 3600 * 1000
const lifeMs = 90 * 24 * 3600 * 1000
/** In the database `person-1` and so on. */
export const identifierOf = (number: number): string => `person-${number}`
/** With the same password as everybody, and no session. */
export const administrator = 'administrator'

/** Fills the store, and answers the first refresh token of every session, in any order. */
export async function fillStore(request: StockRequest): Promise<readonly string[]> {
  const now = Date.now()
  const database = await openDatabase(request.database)
  try {
    const passwordHash = await hashPassword(normalisePassword(request.password), defaultHashCost)
    const accounts = Array.from({ length: request.sessions }, (_, at) => ({
      id: newId(),
      identifier: identifierOf(at + 1),
      passwordHash,
      roles: [request.role],
    }))
    const above = {
      id: newId(),
      identifier: administrator,
      passwordHash,
      roles: ['identity-admin'],
    }
    await bootstrapStore(database, { accounts: [...accounts, above], clients: [] })
    const clientId = await webClientOf(database)
    const pepper = createPepper(request.pepper)
    const tokens: string[] = []
    for (let from = 0; from < accounts.length; from += sessionsPerCommit) {
      const owners = accounts.slice(from, from + sessionsPerCommit)
      const sessions = owners.map(({ id }) => newSession(request, id, clientId, now))
      await openAll(database, sessions)
      for (const { id, seed } of sessions) {
        tokens.push(deriveRefreshToken(pepper, { sessionId: id, seed }, 0))
      }
    }
    return inAnyOrder(tokens)
  } finally {
    await database.close()
  }
}

const recordsPerCommit = 10_000

/** Adds revocations to the log: a session each, and an account in every fifth place. Nobody has the store open. */
export async function fillLog(
  { database: url, issuer }: Pick<StockRequest, 'database' | 'issuer'>,
  records: number,
): Promise<void> {
  const database = await openDatabase(url)
  try {
    for (let from = 0; from < records; from += recordsPerCommit) {
      const count = Math.min(recordsPerCommit, records - from)
      const added = Array.from({ length: count }, (_, at) => newRecord(issuer, from + at))
      await database.transaction((query) => appendRecords(query, added))
    }
  } finally {
    await database.close()
  }
}

function newRecord(issuer: string, number: number): NewRecord {
  const kind = number % 5 === 0 ? 'account' : 'session'
  return {
    kind,
    fingerprint: fingerprintOf(issuer, kind, newId()),
    floor: kind === 'account' ? 1 : 0,
  }
}

/** As `login` opens them, with one commit for many. */
async function openAll(database: Database, sessions: readonly Session[]): Promise<void> {
  await database.transaction(async (query) => {
    const store = createSessionStore({ ...database, read: query, write: query }, nothingIsRevoked)
    // Nobody was signed out so far, so everybody's generation is the base of the epoch.
    const [head] = await query('SELECT base FROM revocation_head')
    const generation = Number(head?.['base'])
    for (const session of sessions) {
      const { kind } = await store.open({ ...session, generation })
      if (kind !== 'opened') throw new Error(`a session was not opened: ${kind}`)
    }
  })
}

function nothingIsRevoked(): Promise<never> {
  return Promise.reject(new Error('a benchmark revokes nothing'))
}

async function webClientOf(database: Database): Promise<string> {
  const [client] = await database.read('SELECT id FROM clients WHERE name = $1', ['web'])
  const id = client?.['id']
  if (typeof id !== 'string') throw new Error('the store has no client web')
  return id
}

function newSession(
  { audience, issuer }: StockRequest,
  accountId: string,
  clientId: string,
  now: number,
): Session {
  return {
    id: newId(),
    accountId,
    clientId,
    audiences: [audience, issuer],
    scopes: undefined,
    generation: 0,
    seed: randomBytes(32).toString('base64url'),
    keyThumbprint: undefined,
    authenticatedAt: now,
    idleExpiresAt: now + idleMs,
    expiresAt: now + lifeMs,
    device: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
    network: '127.0.0.1',
    delivery: 'body',
  }
}

/** Neighbours in the file are no neighbours in time. */
function inAnyOrder(tokens: string[]): readonly string[] {
  for (let end = tokens.length - 1; end > 0; end -= 1) {
    const at = Math.floor(Math.random() * (end + 1))
    const [last = '', chosen = ''] = [tokens[end], tokens[at]]
    tokens[end] = chosen
    tokens[at] = last
  }
  return tokens
}

function newId(): string {
  return randomBytes(16).toString('base64url')
}

export interface RotatingStore {
  /** All that a refresh asks of the store: reads the session, then rotates it. */
  readonly rotate: (sessionId: string, counter: number) => Promise<void>
  readonly close: () => Promise<void>
}

export async function openRotatingStore(url: string): Promise<RotatingStore> {
  const database = await openDatabase(url)
  const sessions = createSessionStore(database, nothingIsRevoked)
  return {
    rotate: async (sessionId, counter) => {
      if ((await sessions.find(sessionId)) === undefined) throw new Error('a session is gone')
      const { kind } = await sessions.rotateRefresh({
        sessionId,
        counter,
        attemptHash: undefined,
        graceMs: 30_000,
        idleMs,
      })
      if (kind !== 'rotated') throw new Error(`a session was not rotated: ${kind}`)
    },
    close: database.close,
  }
}
