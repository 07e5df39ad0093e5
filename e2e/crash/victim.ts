import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AuditVerdict } from '@portcullis/identity'
import { bootstrap, newRandomSecret, parseAnchor, verifyStoredAudit } from '@portcullis/identity'
import { startPostgres } from '../../tools/postgres-server.ts'
import type { Variables } from '../running-system.ts'
import type { Mortal, Node } from './mortal.ts'
import { createNode, createServer } from './mortal.ts'
import { readStoreFile } from './store-file.ts'
import { readStoreServer, untilNobodyIs } from './store-server.ts'
import type { StoreView } from './store-view.ts'
import { steadyPort } from './steady-port.ts'

export type EngineName = 'sqlite' | 'postgres'

/** The system of which something is killed again and again, and which goes on with what that has left. */
export interface Victim {
  readonly issuer: string
  readonly accounts: readonly KnownAccount[]
  /** All over one store. */
  readonly nodes: readonly Node[]
  /** The store's server, where there is one. */
  readonly server: Mortal | undefined
  /** What the store has when nothing is under way any more. */
  readonly readStore: () => Promise<StoreView>
  /** Whether its audit record holds, with all that was logged of it. */
  readonly verifyAudit: () => Promise<VerifiedAudit>
  /** Ends whatever runs. */
  readonly end: () => Promise<void>
}

export interface VerifiedAudit extends Pick<AuditVerdict, 'records' | 'chains'> {
  /** How many records were logged, and are still there. */
  readonly anchors: number
}

export interface KnownAccount {
  readonly identifier: string
  readonly password: string
  readonly roles: readonly string[]
}

const peopleCount = 11

export function prepareVictim(engine: EngineName, folder: string): Promise<Victim> {
  return engine === 'sqlite' ? prepareOnFile(folder) : prepareOnServer(folder)
}

/** One process over one file. */
async function prepareOnFile(folder: string): Promise<Victim> {
  const path = join(folder, 'identity.db')
  const port = await steadyPort()
  const issuer = issuerAt(port)
  const accounts = makeAccounts()
  const database = `sqlite:${path}`
  await bootstrap({ database, accounts, clients: [] })
  const secrets = newSecrets()
  const variables = variablesOf(secrets, folder)
  const node = createNode(prepareFiles(folder, { issuer, port, database }, variables))
  return {
    issuer,
    accounts,
    nodes: [node],
    server: undefined,
    readStore: () => readStoreFile(path),
    verifyAudit: () => verifyAuditOf(database, secrets, [node]),
    end: async () => node.kill(),
  }
}

/** Two processes over one server, which keeps what it acknowledges as any other does. */
async function prepareOnServer(folder: string): Promise<Victim> {
  const postgres = await startPostgres({ isDurable: true })
  assert.ok(postgres, 'npm has no PostgreSQL for this machine')
  const { url } = postgres
  const ports = [await steadyPort(), await steadyPort()]
  const issuer = issuerAt(ports[0] ?? assert.fail())
  const accounts = makeAccounts()
  await bootstrap({ database: url, accounts, clients: [] })
  const secrets = newSecrets()
  const variables = variablesOf(secrets, folder)
  const nodes = ports.map((port, place) => {
    const name = `node-${place + 1}`
    const database = `${url}?application_name=${name}`
    const files = prepareFiles(folder, { issuer, port, database }, variables, name)
    // What a killed process has sent, its connections still do.
    return createNode({ ...files, untilQuiet: () => untilNobodyIs(name, url) })
  })
  return {
    issuer,
    accounts,
    nodes,
    server: createServer(postgres),
    readStore: () => readStoreServer(url),
    verifyAudit: () => verifyAuditOf(url, secrets, nodes),
    end: async () => {
      for (const { kill } of nodes) kill()
      await postgres.remove()
    },
  }
}

function issuerAt(port: number): string {
  return `http://localhost:${port}`
}

function makeAccounts(): readonly KnownAccount[] {
  const names = Array.from({ length: peopleCount }, (_, at) => `person-${at + 1}`)
  return [
    { identifier: 'admin', password: newRandomSecret(), roles: ['identity-admin'] },
    ...names.map((identifier) => ({ identifier, password: newRandomSecret(), roles: [] })),
  ]
}

async function verifyAuditOf(
  database: string,
  { sealingKey }: Secrets,
  nodes: readonly Node[],
): Promise<VerifiedAudit> {
  const anchors = nodes
    .flatMap((node) => node.auditAnchors())
    .map((logged) => parseAnchor(logged) ?? assert.fail(`${logged} is no anchor`))
  const verdict = await verifyStoredAudit(database, { sealingKey, anchors })
  const { firstBad, records, chains } = verdict
  assert.equal(firstBad, undefined, `the audit record does not hold: ${JSON.stringify(firstBad)}`)
  return { records, chains, anchors: anchors.length }
}

interface Secrets {
  readonly sealingKey: Buffer
  readonly pepper: Buffer
}

function newSecrets(): Secrets {
  return { sealingKey: randomBytes(32), pepper: randomBytes(32) }
}

function variablesOf({ sealingKey, pepper }: Secrets, folder: string): Variables {
  return {
    PORTCULLIS_SEALING_KEY: sealingKey.toString('base64'),
    PORTCULLIS_REFRESH_PEPPER: pepper.toString('base64'),
    NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? join(folder, 'compiled'),
  }
}

interface NodePlan {
  readonly issuer: string
  readonly port: number
  readonly database: string
}

function prepareFiles(
  folder: string,
  plan: NodePlan,
  variables: Variables,
  name = 'identity',
): Parameters<typeof createNode>[0] {
  const file = join(folder, `${name}.json`)
  writeFileSync(file, JSON.stringify(settingsOf(plan)))
  return { port: plan.port, file, folder, variables }
}

function settingsOf({ issuer, port, database }: NodePlan): object {
  return {
    issuer,
    audiences: { orders: {} },
    listen: { port },
    operations: { port: 0 },
    database,
    // A waiting key may sign after seven seconds instead of ten minutes.
    jwksMaxAgeSeconds: 1,
    // Without a window every refresh is a rotation, the load is as high as it can be, and no outcome
    // hangs on how long a restart took: an unanswered call converges by its `attempt`, or is theft.
    refreshGraceSeconds: 0,
  }
}
