import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { NewAccount } from '@portcullis/identity'
import { bootstrap, newClientCredential, newRandomSecret } from '@portcullis/identity'
import { createVerifier, VerifyError } from '@portcullis/verify'
import { freePort } from '../tools/free-port.ts'
import type { CommandRun } from './running-system.ts'
import { newFolder, postJson, removeFolder, runPortcullis } from './running-system.ts'

export const patienceMs = 30_000

export interface Finished {
  readonly code: number | string
  readonly output: string
  readonly errors: string
}

export interface Tokens {
  readonly access_token: string
  readonly refresh_token: string
  readonly session_id: string
}

/** An issuer as a process that is stopped and started, in a folder in which commands find it by themselves. */
export interface IssuerPlace {
  readonly folder: string
  readonly issuer: string
  readonly operations: string
  /** Of every command and of the issuer: what is put here is so from the next one on. */
  readonly variables: Record<string, string>
  readonly start: () => Promise<void>
  readonly stop: () => Promise<void>
  readonly run: (...parameters: readonly string[]) => CommandRun
  readonly command: (...parameters: readonly string[]) => Promise<Finished>
  readonly login: (identifier: string) => Promise<Response>
  readonly signIn: (identifier?: string) => Promise<Tokens>
  readonly refresh: (token: string) => Promise<Response>
  /** As a service sees it that follows the feed: `accepted`, or why it is not. */
  readonly fateOf: (token: string) => Promise<string>
  readonly close: () => Promise<void>
}

const people = ['alice', 'mallory', 'carol@mail.example', 'dora@mail.example']

/** With an administrator, people and the client of a service, over an empty store; default: a file in its folder. */
export async function createIssuerPlace(store?: string): Promise<IssuerPlace> {
  const folder = newFolder()
  const database = store ?? `sqlite:${join(folder, 'identity.db')}`
  const [port, operationsPort] = [await freePort(), await freePort()]
  const issuer = `http://localhost:${port}`
  const accounts = ['admin', ...people].map((identifier) => ({
    identifier,
    password: newRandomSecret(),
    roles: identifier === 'admin' ? ['identity-admin'] : ['customer'],
  }))
  const service = {
    ...newClientCredential(),
    name: 'orders-service',
    audiences: ['orders'],
    scopes: ['orders:read'],
  }
  await bootstrap({ database, accounts, clients: [service] })
  writeFiles(folder, { issuer, port, operationsPort, accounts })
  const variables: Record<string, string> = {
    PORTCULLIS_DATABASE: database,
    PORTCULLIS_SEALING_KEY_FILE: 'sealing.key',
    PORTCULLIS_REFRESH_PEPPER_FILE: 'refresh.pepper',
  }
  const run: IssuerPlace['run'] = (...parameters) =>
    runPortcullis(parameters, { folder, variables })
  const verifier = createVerifier({ issuer, audience: 'orders' })
  let identity: CommandRun | undefined
  const stop = async (): Promise<void> => {
    identity?.child.kill('SIGTERM')
    await identity?.ended
  }
  return {
    ...callersOf(issuer, accounts),
    folder,
    issuer,
    operations: `http://localhost:${operationsPort}`,
    variables,
    run,
    stop,
    command: (...parameters) => finished(run(...parameters)),
    start: async () => {
      identity = run('identity')
      await untilReady(identity)
      await verifier.ready()
    },
    fateOf: (token) =>
      verifier.verify(token).then(
        () => 'accepted',
        (error: unknown) => (error instanceof VerifyError ? String(error.reason) : String(error)),
      ),
    close: async () => {
      await verifier.close()
      await stop()
      removeFolder(folder)
    },
  }
}

function callersOf(
  issuer: string,
  accounts: readonly NewAccount[],
): Pick<IssuerPlace, 'login' | 'signIn' | 'refresh'> {
  const login: IssuerPlace['login'] = (identifier) => {
    const password = accounts.find((account) => account.identifier === identifier)?.password
    return postJson(`${issuer}/login`, { identifier, password })
  }
  return {
    login,
    signIn: async (identifier = 'alice') => {
      const answer = await login(identifier)
      assert.equal(answer.status, 200)
      return (await answer.json()) as Tokens
    },
    refresh: (token) =>
      fetch(`${issuer}/token`, {
        method: 'POST',
        body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: token }),
      }),
  }
}

interface Written {
  readonly issuer: string
  readonly port: number
  readonly operationsPort: number
  readonly accounts: readonly object[]
}

function writeFiles(folder: string, { issuer, port, operationsPort, accounts }: Written): void {
  const write = (name: string, text: string): void =>
    writeFileSync(join(folder, name), text, { mode: 0o600 })
  const audiences = { orders: { scopes: ['orders:read'], roles: ['customer'] } }
  const clients = {
    web: { public: true, grants: ['login', 'refresh_token'], audiences: ['orders'] },
  }
  const listeners = { listen: { port }, operations: { port: operationsPort } }
  write('portcullis.identity.json', JSON.stringify({ issuer, audiences, clients, ...listeners }))
  write('sealing.key', randomBytes(32).toString('base64'))
  write('refresh.pepper', randomBytes(32).toString('base64'))
  mkdirSync(join(folder, '.portcullis'))
  write('.portcullis/endpoints.json', JSON.stringify({ identity: issuer }))
  write('.portcullis/credentials.json', JSON.stringify({ accounts, clients: [] }))
}

export async function finished(run: CommandRun): Promise<Finished> {
  const code = await run.ended
  return { code, output: run.output(), errors: run.errors() }
}

async function untilReady(run: CommandRun): Promise<void> {
  const deadline = performance.now() + patienceMs
  let isOver = false
  void run.ended.then(() => (isOver = true))
  while (!run.output().includes('identity is ready')) {
    if (isOver || performance.now() > deadline) throw new Error(`${run.errors()}${run.output()}`)
    await pause(20)
  }
}
