import { randomBytes } from 'node:crypto'
import type { Identity } from '@portcullis/identity'
import { newRandomSecret, parseIdentitySettings, startIdentity } from '@portcullis/identity'
import { createLog } from '@portcullis/runtime'
import { normalisePassword } from '../../packages/identity/src/domain/passwords.ts'
import { createPepper } from '../../packages/identity/src/domain/refresh-tokens.ts'
import { hashPassword } from '../../packages/identity/src/passwords/hasher.ts'
import { bootstrapStore } from '../../packages/identity/src/store/bootstrap.ts'
import type { Database } from '../../packages/identity/src/store/database.ts'
import { openDatabase } from '../../packages/identity/src/store/open-database.ts'
import { createRevocationLog } from '../../packages/identity/src/store/revocations.ts'
import { createChosenClock } from '../../packages/identity/test/chosen-clock.ts'
import type { Person } from './domain-door.ts'
import { followLog } from './followed-log.ts'
import type { Store } from './remains.ts'

/** Issuers on real sockets over one store, and people who have no history yet. */
export interface Nodes {
  readonly ports: readonly number[]
  readonly people: readonly Person[]
  readonly administrator: Person
  /** Everybody's. */
  readonly password: string
  readonly graceMs: number
  readonly now: () => number
  readonly advanceMs: (ms: number) => void
  /** A connection of one's own, which knows nothing of the nodes. */
  readonly database: Database
  readonly store: Store
  readonly close: () => Promise<void>
}

const issuer = 'https://id.example'
const graceSeconds = 30

export async function startNodes(
  url: string,
  { nodesCount, peopleCount }: { readonly nodesCount: number; readonly peopleCount: number },
): Promise<Nodes> {
  const { now, advanceMs } = createChosenClock()
  const password = newRandomSecret()
  const people = Array.from({ length: peopleCount }, (_, at) => personOf(`person-${at}`))
  const administrator = personOf('admin')
  const database = await openDatabase(url, { now })
  await fillStore(database, password, [...people, administrator])
  const settings = parseIdentitySettings(settingsFile(url), 'the histories')
  const secrets = { sealingKey: randomBytes(32), peppers: [createPepper(randomBytes(32))] as const }
  const log = createLog({ name: 'identity', level: 'silent' })
  const started: Identity[] = []
  while (started.length < nodesCount) {
    started.push(await startIdentity(settings, { ...secrets, log, now }))
  }
  // It only reads, so nothing of it has to be held against a mark.
  const highWater = { raise: async () => undefined }
  const revocations = createRevocationLog(database, { issuer, highWater })
  return {
    ports: started.map(({ port }) => port),
    people,
    administrator,
    password,
    graceMs: graceSeconds * 1000,
    now,
    advanceMs,
    database,
    store: { read: database.read, log: followLog(() => revocations, issuer) },
    close: async () => {
      for (const { close } of started) await close()
      await database.close()
    },
  }
}

function personOf(identifier: string): Person {
  return { id: identifier.padEnd(22, 'A'), identifier }
}

/** One hash for all of them: a hash of one's own would cost each 20 ms. */
async function fillStore(
  database: Database,
  password: string,
  people: readonly Person[],
): Promise<void> {
  const passwordHash = await hashPassword(normalisePassword(password))
  const accounts = people.map((person) => ({
    ...person,
    passwordHash,
    roles: person.identifier === 'admin' ? ['identity-admin'] : [],
  }))
  await bootstrapStore(database, { accounts, clients: [] })
}

function settingsFile(url: string): object {
  return {
    issuer,
    audiences: { orders: {} },
    listen: { port: 0 },
    operations: { port: 0 },
    database: url,
    // A waiting key may sign after seven seconds instead of ten minutes.
    jwksMaxAgeSeconds: 1,
    refreshGraceSeconds: graceSeconds,
  }
}
