import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Log } from '@portcullis/runtime'
import { createLog } from '@portcullis/runtime'
import { keepLines } from '../../runtime/test/kept-lines.ts'
import type {
  IdentitySecrets,
  IdentitySettings,
  ImportedAccount,
  KeyVault,
  Mailer,
  NewAccount,
  NewClient,
} from '../src/index.ts'
import {
  bootstrap,
  newClientCredential,
  newRandomSecret,
  parseIdentitySettings,
  startIdentity,
} from '../src/index.ts'
import { holdAgainstDocument } from './api-answers.ts'
import type { ChosenClock } from './chosen-clock.ts'
import { createChosenClock } from './chosen-clock.ts'
import type { Answer, Question } from './http-client.ts'
import { ask } from './http-client.ts'
import { queryStore } from './store-query.ts'
import { fillWithKeys, keepKeysOf, sharedSealingKey } from './key-stock.ts'
import type { TemporaryFolder } from './temporary-folder.ts'
import { createTemporaryFolder } from './temporary-folder.ts'
import type { RefreshPepper, RefreshPeppers } from '../src/domain/refresh-tokens.ts'
import type { SharedSecrets } from '../src/domain/shared-secrets.ts'
import { createPepper } from '../src/domain/refresh-tokens.ts'

/** An issuer on real sockets over a real database of its own. */
export interface RunningIdentity {
  readonly issuer: string
  readonly port: number
  readonly operationsPort: number
  readonly clock: ChosenClock
  /** The address of the database. */
  readonly database: string
  readonly sealingKey: Buffer
  /** What its refresh tokens are derived with. */
  readonly pepper: RefreshPepper
  /** Everything that was logged so far, one JSON line each. */
  readonly logged: () => string
  readonly ask: (question: Question) => Promise<Answer>
  /** `POST /login` with a JSON body. */
  readonly login: (body: object) => Promise<Answer>
  /** `POST /token` with a form body. */
  readonly token: (form: Form, headers?: Readonly<Record<string, string>>) => Promise<Answer>
  /** How many rows a table has, read through a connection of its own. */
  readonly countRows: (table: 'accounts' | 'sessions') => Promise<number>
  /** Any statement on the database, through a connection of its own. */
  readonly query: (sql: string) => Promise<readonly Readonly<Record<string, unknown>>[]>
  /** Ends the issuer and starts it again over the same database, after what happens in between. */
  readonly restart: (meanwhile?: () => void, change?: NodeChange) => Promise<RunningIdentity>
  /** Starts another node over the same database. It is to be closed before this one. */
  readonly startNode: (change?: NodeChange) => Promise<RunningIdentity>
  /** Ends the issuer and deletes its folder. */
  readonly close: () => Promise<void>
}

/** What nodes over one store may differ in. */
export interface NodeChange {
  readonly sealingKey?: Buffer
  readonly previousSealingKey?: Buffer | undefined
  readonly peppers?: RefreshPeppers
  readonly vault?: KeyVault | undefined
  readonly exposedFiles?: IdentitySecrets['exposedFiles']
  readonly sharedSecrets?: SharedSecrets
  /** Members that replace those of the file. */
  readonly file?: Readonly<Record<string, unknown>>
  /** Members that replace those of the settings. */
  readonly settings?: Partial<IdentitySettings>
}

type Form = Readonly<Record<string, string>>

export interface RunningIdentityOptions {
  readonly sharedSecrets?: SharedSecrets
  /** The address of an empty store (see `Engine`); default: a file in a folder of its own. */
  readonly database?: string
  /** Default: one of its own. */
  readonly clock?: ChosenClock
  /** Members that replace those of `ordersAndReviews`. */
  readonly file?: Readonly<Record<string, unknown>>
  readonly accounts?: readonly (NewAccount | ImportedAccount)[]
  readonly clients?: readonly NewClient[]
  /** Where its mail goes; without one it sends none. */
  readonly mailer?: Mailer
  /** Where its private keys are; default: in the database. */
  readonly vault?: KeyVault
  /** Default: a random one. */
  readonly peppers?: RefreshPeppers
}

/** Two services, two roles for people, and nothing that takes time. */
export const ordersAndReviews = {
  issuer: 'https://id.example',
  audiences: {
    orders: { scopes: ['orders:read', 'orders:write'], roles: ['customer', 'admin'] },
    reviews: {
      scopes: ['reviews:write'],
      roles: ['customer', 'moderator'],
      accessTokenSeconds: 300,
    },
    payments: { scopes: ['payments:make'], algorithm: 'ES256' },
  },
  roles: {
    customer: { orders: ['orders:read', 'orders:write'], reviews: ['reviews:write'] },
    auditor: { orders: ['orders:read'] },
  },
  clients: {
    web: { public: true, grants: ['login', 'refresh_token'], audiences: ['orders', 'reviews'] },
    till: { public: true, grants: ['login'], audiences: ['payments'] },
    closed: { public: true, grants: ['refresh_token'], audiences: ['orders'] },
  },
  listen: { port: 0 },
  operations: { port: 0 },
}

export const alice: NewAccount = {
  identifier: 'alice',
  password: newRandomSecret(),
  roles: ['customer', 'moderator'],
}

/** A machine client for orders and reviews. */
export const machine: NewClient = {
  ...newClientCredential(),
  name: 'machine',
  audiences: ['orders', 'reviews'],
  scopes: ['orders:read', 'reviews:write'],
}

export async function startRunningIdentity(
  options: RunningIdentityOptions = {},
): Promise<RunningIdentity> {
  const folder = createTemporaryFolder()
  const inFolder = `sqlite:${join(folder.path, 'identity.db')}`
  const { database = inFolder, accounts = [alice], clients = [machine] } = options
  const { clock = createChosenClock() } = options
  await bootstrap({ database, accounts, clients }, { now: clock.now })
  const { mailer, vault, sharedSecrets } = options
  if (vault === undefined) await fillWithKeys(database)

  const file = { ...ordersAndReviews, database, ...options.file }
  const settings = parseIdentitySettings(file, 'the test')
  const { peppers = [createPepper(randomBytes(32))] } = options
  const sealingKey = sharedSealingKey
  const place = { folder, clock, file, settings, sealingKey, peppers, mailer, vault, sharedSecrets }
  try {
    const identity = await runIn(place)
    if (vault === undefined) await keepKeysOf(database)
    return identity
  } catch (error) {
    folder.remove()
    throw error
  }
}

interface Place {
  readonly folder: TemporaryFolder
  readonly clock: ChosenClock
  readonly file: object
  readonly settings: IdentitySettings
  readonly sharedSecrets: SharedSecrets | undefined
  readonly sealingKey: Buffer
  readonly previousSealingKey?: Buffer | undefined
  readonly peppers: RefreshPeppers
  readonly mailer: Mailer | undefined
  readonly vault: KeyVault | undefined
  readonly exposedFiles?: IdentitySecrets['exposedFiles']
}

async function runIn(place: Place): Promise<RunningIdentity> {
  const { folder, clock, settings, mailer, sharedSecrets, ...secrets } = place
  const { sealingKey, peppers } = secrets
  const [pepper] = peppers
  const { database, registry } = settings
  const { log, logged } = createLogInMemory()
  const identity = await startIdentity(settings, {
    ...secrets,
    ...(sharedSecrets && { sharedSecrets }),
    log,
    now: clock.now,
    ...(mailer && { mailer }),
  })
  const { port, operationsPort } = identity
  const askHere = async (question: Question): Promise<Answer> => {
    const answer = await ask(port, question)
    holdAgainstDocument(question, answer)
    return answer
  }
  const query: RunningIdentity['query'] = (sql) => queryStore(database, sql)
  return {
    issuer: registry.issuer,
    port,
    operationsPort,
    clock,
    database,
    sealingKey,
    pepper,
    logged,
    ask: askHere,
    login: (body) => askHere(jsonLogin(JSON.stringify(body))),
    token: (form, headers) => askHere(formToken(new URLSearchParams(form).toString(), headers)),
    countRows: async (table) => {
      const [row] = await query(`SELECT count(*) AS count FROM ${table}`)
      return Number(row?.['count'])
    },
    query,
    restart: async (meanwhile, change = {}) => {
      await identity.close()
      meanwhile?.()
      return runIn(changed(place, change))
    },
    startNode: (change = {}) => {
      const keptFolder = { ...folder, remove: () => undefined }
      return runIn({ ...changed(place, change), folder: keptFolder })
    },
    close: async () => {
      await identity.close()
      folder.remove()
    },
  }
}

function changed(place: Place, { settings, file, ...change }: NodeChange): Place {
  const parsed =
    file === undefined
      ? place.settings
      : parseIdentitySettings({ ...place.file, ...file }, 'the test')
  return { ...place, ...change, settings: { ...parsed, ...settings } }
}

export function jsonLogin(body: string | Buffer, type = 'application/json'): Question {
  return { method: 'POST', path: '/login', headers: { 'content-type': type }, body }
}

export function formToken(
  body: string | Buffer,
  headers: Readonly<Record<string, string>> = {},
): Question {
  const type = { 'content-type': 'application/x-www-form-urlencoded' }
  return { method: 'POST', path: '/token', headers: { ...type, ...headers }, body }
}

/** RFC 6749 section 2.3.1. */
export function basic(clientId: string, clientSecret: string): { readonly authorization: string } {
  const credential = `${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`
  return { authorization: `Basic ${Buffer.from(credential).toString('base64')}` }
}

/** A log at its most talkative, kept as text. */
export function createLogInMemory(): { readonly log: Log; readonly logged: () => string } {
  const lines: string[] = []
  const log = createLog({ name: 'identity', level: 'trace', destination: keepLines(lines) })
  return { log, logged: () => lines.join('') }
}
