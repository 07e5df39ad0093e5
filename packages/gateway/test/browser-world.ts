import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { RequestListener } from 'node:http'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import {
  bootstrap,
  newRandomSecret,
  parseIdentitySettings,
  readSecrets,
  startIdentity,
} from '@portcullis/identity'
import type { NewClient } from '@portcullis/identity'
import { createLog } from '@portcullis/runtime'
import { keepLines } from '../../runtime/test/kept-lines.ts'
import type { Gateway } from '../src/index.ts'
import { parseGatewaySettings, startGateway } from '../src/index.ts'
import type { Answer, Question } from './http-client.ts'
import { ask } from './http-client.ts'
import type { IssuerWire } from './issuer-wire.ts'
import { openIssuerWire } from './issuer-wire.ts'
import type { Recorder } from './recorder.ts'
import { startRecorder } from './recorder.ts'

export const cookieName = '__Host-portcullis_refresh'
export const host = 'shop.example'
export const graceSeconds = 30
export const accessTokenSeconds = 300

type Members = Readonly<Record<string, unknown>>

/** Identity, one gateway or more, and a service that records, with one chosen clock. */
export interface BrowserWorld {
  readonly issuer: string
  readonly wire: IssuerWire
  readonly service: Recorder
  readonly advanceSeconds: (seconds: number) => void
  readonly startNode: (file?: Members) => Promise<Node>
  /** What identity has logged. */
  readonly logged: () => string
}

export interface Node {
  readonly gateway: Gateway
  readonly port: number
  readonly log: () => string
}

export const alice = { identifier: 'alice', password: newRandomSecret(), roles: ['customer'] }
export const admin = { identifier: 'admin', password: newRandomSecret(), roles: ['identity-admin'] }

export interface BrowserWorldOptions {
  /** Members of the file of identity. */
  readonly identity?: Members
  readonly clients?: readonly NewClient[]
  /** Replaces the service that records. */
  readonly service?: RequestListener
}

export async function startBrowserWorld(
  t: TestContext,
  options: BrowserWorldOptions = {},
): Promise<BrowserWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-browser-'))
  t.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
  const database = `sqlite:${join(folder, 'identity.db')}`
  let nowMs = Date.UTC(2026, 10, 22, 3, 30, 15, 678)
  const now = (): number => nowMs
  await bootstrap(
    { database, accounts: [alice, admin], clients: [...(options.clients ?? [])] },
    { now },
  )
  // First the wire, because its address is the issuer's name.
  const wire = await openIssuerWire(t)
  const audience = { roles: ['customer'], accessTokenSeconds, algorithm: 'ES256' }
  const file = {
    issuer: wire.origin,
    audiences: {
      orders: { scopes: ['orders:read'], ...audience },
      reviews: { scopes: ['reviews:write'], ...audience },
    },
    roles: { customer: { orders: ['orders:read'], reviews: ['reviews:write'] } },
    clients: {
      web: { public: true, grants: ['login', 'refresh_token'], audiences: ['orders', 'reviews'] },
    },
    trustedProxies: ['127.0.0.1'],
    refreshGraceSeconds: graceSeconds,
    listen: { port: 0 },
    operations: { port: 0 },
    database,
    ...options.identity,
  }
  const lines: string[] = []
  const identity = await startIdentity(parseIdentitySettings(file, 'the test'), {
    ...readSecrets({
      PORTCULLIS_SEALING_KEY: randomBytes(32).toString('base64'),
      PORTCULLIS_REFRESH_PEPPER: randomBytes(32).toString('base64'),
    }),
    log: memoryLog('identity', lines),
    now,
  })
  t.after(() => identity.close())
  wire.connect(identity.port)
  const service = await startRecorder(options.service)
  t.after(service.close)
  return {
    issuer: wire.origin,
    wire,
    service,
    advanceSeconds: (seconds) => (nowMs += seconds * 1000),
    startNode: (more = {}) =>
      startNode(t, { issuer: wire.origin, to: [service.origin], now }, more),
    logged: () => lines.join(''),
  }
}

function memoryLog(name: string, lines: string[]): ReturnType<typeof createLog> {
  return createLog({ name, level: 'trace', destination: keepLines(lines) })
}

async function startNode(
  t: TestContext,
  { issuer, to, now }: { issuer: string; to: readonly string[]; now: () => number },
  more: Members,
): Promise<Node> {
  const lines: string[] = []
  const settings = parseGatewaySettings({
    listen: { port: 0 },
    issuer,
    browser: {},
    // Only the chosen clock is set forward, and the one between checkpoints is not.
    revocation: { maxStalenessSeconds: 3600 },
    auth: { audience: 'orders' },
    routes: [
      { match: '/orders/*', to },
      { match: '/reviews/*', to, auth: { audience: 'reviews' } },
      { match: '/optional/*', to, auth: { mode: 'optional' } },
      { match: '/public/*', to, auth: { mode: 'none' } },
    ],
    ...more,
  })
  const gateway = await startGateway(settings, { log: memoryLog('gateway', lines), now })
  t.after(() => gateway.close())
  return { gateway, port: gateway.port, log: () => lines.join('') }
}

export interface Asked extends Question {
  /** Where a balancer sends it; default: the first gateway. */
  readonly to?: Pick<Node, 'port'>
  /** What a page of the shop sends with it; false for nothing of that kind. */
  readonly page?: readonly string[] | false
}

/** One that has a page of the shop open, and keeps the one cookie that it gets. */
export interface Browser {
  readonly cookie: () => string | undefined
  readonly plant: (value: string | undefined) => void
  readonly ask: (asked?: Asked) => Promise<Answer>
  readonly signIn: (members?: Members, asked?: Asked) => Promise<Answer>
  readonly logout: (path?: string, asked?: Asked) => Promise<Answer>
  readonly session: (asked?: Asked) => Promise<Answer>
}

export const ownPage: readonly string[] = [
  'Origin',
  `https://${host}`,
  'Sec-Fetch-Site',
  'same-origin',
]

export function openBrowser(node: Pick<Node, 'port'>): Browser {
  let kept: string | undefined
  const send = async ({ to = node, page, headers = [], ...question }: Asked): Promise<Answer> => {
    const isSafe = (question.method ?? 'GET') === 'GET'
    const fields = page ?? (isSafe ? ['Sec-Fetch-Site', 'same-origin'] : ownPage)
    const cookie = kept === undefined ? [] : ['Cookie', `theme=dark; ${cookieName}=${kept}; a="b`]
    const all = ['User-Agent', 'Test/1', ...cookie, ...(fields === false ? [] : fields), ...headers]
    const answer = await ask(to.port, { ...question, headers: all })
    const set = setCookieOf(answer)
    if (set !== undefined) kept = set.value === '' ? undefined : set.value
    return answer
  }
  const post = (path: string, members: Members | undefined, asked: Asked): Promise<Answer> => {
    const json = ['Content-Type', 'application/json']
    const body = members === undefined ? {} : { body: JSON.stringify(members), headers: json }
    return send({ method: 'POST', path, ...body, ...asked })
  }
  return {
    cookie: () => kept,
    plant: (value) => (kept = value),
    ask: (asked = {}) => send(asked),
    signIn: (members, asked = {}) => {
      const { identifier, password } = alice
      return post('/_portcullis/login', members ?? { identifier, password }, asked)
    },
    logout: (path = '/logout', asked = {}) => post(`/_portcullis${path}`, undefined, asked),
    session: (asked = {}) => send({ path: '/_portcullis/session', ...asked }),
  }
}

/** Reads the one cookie of an answer, which must have exactly the form that the documentation promises. */
export function setCookieOf({
  headers,
}: Answer): { value: string; maxAgeSeconds: number } | undefined {
  const ours = (headers['set-cookie'] ?? []).filter((field) => /portcullis/i.test(field))
  const [field, ...others] = ours
  if (field === undefined) return undefined
  assert.deepEqual(others, [])
  const [, value = '', maxAge = ''] = promised.exec(field) ?? assert.fail(`not promised: ${field}`)
  return { value, maxAgeSeconds: Number(maxAge) }
}

const promised =
  /^__Host-portcullis_refresh=([^;]*); Max-Age=(\d+); Path=\/; HttpOnly; Secure; SameSite=Strict$/

export function assertProblem(answer: Answer, status: number, code: string): void {
  assert.deepEqual([answer.status, answer.json()['code']], [status, code], answer.body)
  assert.equal(answer.headers['cache-control'], 'no-store')
}
