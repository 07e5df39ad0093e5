import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const cli = fileURLToPath(new URL('../packages/cli/src/main.ts', import.meta.url))

/** A process of the command line, with all that it has said so far. */
export interface CommandRun {
  readonly child: ChildProcess
  readonly output: () => string
  readonly errors: () => string
  /** The exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>
}

export type Variables = Readonly<Record<string, string | undefined>>

/** Runs `portcullis …` from source, as `npm start` does. */
export function runPortcullis(
  parameters: readonly string[],
  {
    folder,
    variables = {},
    input,
  }: {
    readonly folder: string
    readonly variables?: Variables
    /** What it reads from standard input, which is closed without this. */
    readonly input?: Buffer
  },
): CommandRun {
  const child = spawn(process.execPath, ['--conditions=@portcullis/source', cli, ...parameters], {
    cwd: folder,
    env: { ...process.env, ...variables },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  // Whoever ends before it has read everything is not to end the test.
  child.stdin.on('error', () => undefined).end(input)
  let output = ''
  let errors = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string)
  return { child, output: () => output, errors: () => errors, ended }
}

export interface Credentials {
  readonly accounts: readonly {
    readonly identifier: string
    readonly password: string
    readonly roles: readonly string[]
  }[]
  readonly clients: readonly {
    readonly client_id: string
    readonly client_secret: string
    readonly scope: string
  }[]
}

export interface RunningSystem {
  readonly folder: string
  readonly run: CommandRun
  readonly endpoints: Readonly<
    Record<
      'identity' | 'gateway' | 'orders' | 'reviews' | 'operations' | 'gatewayOperations',
      string
    >
  >
  readonly credentials: Credentials
  readonly readyAfterMs: number
  /** Signs in and answers the access token. */
  readonly signIn: (identifier: string) => Promise<string>
  /** Stops it as Ctrl-C does, and answers the exit code. */
  readonly stop: () => Promise<number | string>
}

const readySecondsMax = 30

export function newFolder(): string {
  return mkdtempSync(join(tmpdir(), 'portcullis-'))
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}

/** Runs the whole system, real processes on free ports, in a folder of its own or in a given one. */
export async function startSystem(
  folder: string = newFolder(),
  options: readonly string[] = [],
  portBase = 0,
  variables: Variables = {},
): Promise<RunningSystem> {
  const startedAt = performance.now()
  const run = runPortcullis(['dev', ...options], {
    folder,
    variables: { ...variables, PORTCULLIS_PORT_BASE: String(portBase) },
  })
  await untilReady(run)
  const readyAfterMs = performance.now() - startedAt
  const read = (name: string): unknown =>
    JSON.parse(readFileSync(join(folder, '.portcullis', name), 'utf8'))
  const endpoints = read('endpoints.json') as RunningSystem['endpoints']
  const credentials = read('credentials.json') as Credentials
  return {
    folder,
    run,
    endpoints,
    credentials,
    readyAfterMs,
    signIn: (identifier) => signIn(endpoints.identity, credentials, identifier),
    stop: () => {
      run.child.kill('SIGINT')
      return run.ended
    },
  }
}

async function untilReady(run: CommandRun): Promise<void> {
  const deadline = performance.now() + readySecondsMax * 1000
  let isOver = false
  void run.ended.then(() => (isOver = true))
  while (!run.output().includes('Portcullis is ready')) {
    if (isOver || performance.now() > deadline) {
      run.child.kill('SIGKILL')
      throw new Error(`the system did not start: ${run.errors()}${run.output()}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function signIn(
  identity: string,
  { accounts }: Credentials,
  identifier: string,
): Promise<string> {
  const password = accounts.find((account) => account.identifier === identifier)?.password
  const response = await postJson(`${identity}/login`, { identifier, password })
  const answer: unknown = await response.json()
  if (typeof answer === 'object' && answer !== null && 'access_token' in answer) {
    return String(answer.access_token)
  }
  throw new Error(`${identifier} could not sign in: ${response.status}`)
}

export function postJson(
  url: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
}

export function bearer(token: string): { readonly authorization: string } {
  return { authorization: `Bearer ${token}` }
}
