import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { newRandomSecret } from '../src/index.ts'
import type { NewAccount } from '../src/index.ts'
import { decodeToken } from './decoded-token.ts'
import type { Answer } from './http-client.ts'
import type { RunningIdentity } from './running-identity.ts'
import { alice } from './running-identity.ts'
import { aboutPeople } from './store-query.ts'

export const bob: NewAccount = { identifier: 'bob', password: newRandomSecret(), roles: [] }

/** May use the admin routes. */
export const admin: NewAccount = {
  identifier: 'admin',
  password: newRandomSecret(),
  roles: ['identity-admin'],
}

/** What a login or a refresh answered. */
export interface Tokens {
  readonly access: string
  readonly refresh: string
  readonly sessionId: string
  readonly accountId: string
}

type Credentials = Pick<NewAccount, 'identifier' | 'password'>

export async function signIn(
  identity: RunningIdentity,
  { identifier, password }: Credentials = alice,
  more: object = {},
): Promise<Tokens> {
  return tokensOf(await identity.login({ identifier, password, ...more }))
}

/** A session with a token for identity's own API. */
export function signInHere(
  identity: RunningIdentity,
  credentials: Credentials = alice,
): Promise<Tokens> {
  return signIn(identity, credentials, { audience: identity.issuer })
}

export function tokensOf(answer: Answer): Tokens {
  assert.equal(answer.status, 200, answer.body)
  const { access_token: access, refresh_token: refresh, session_id: sessionId } = answer.members()
  const accountId = String(decodeToken(access).claims['sub'])
  return {
    access: String(access),
    refresh: String(refresh),
    sessionId: String(sessionId),
    accountId,
  }
}

export function refreshWith(
  identity: RunningIdentity,
  refreshToken: string,
  more: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  return identity.token({ grant_type: 'refresh_token', refresh_token: refreshToken, ...more })
}

/** A request `METHOD /path`, with whatever token and JSON body it is given. */
export function call(
  identity: RunningIdentity,
  route: string,
  { token, body }: { readonly token?: string; readonly body?: object } = {},
): Promise<Answer> {
  const [method = '', path = ''] = route.split(' ')
  const text = body === undefined ? undefined : JSON.stringify(body)
  return identity.ask({
    method,
    path,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(text === undefined ? {} : { 'content-type': 'application/json' }),
      // Of a DELETE, Node's client would not say that it has a body.
      ...(text === undefined ? {} : { 'content-length': String(Buffer.byteLength(text)) }),
    },
    ...(text === undefined ? {} : { body: text }),
  })
}

/** Whether identity itself accepts a token that is meant for it. */
export async function isWelcome(identity: RunningIdentity, token: string): Promise<boolean> {
  const answer = await call(identity, 'GET /sessions', { token })
  if (answer.status === 200) return true
  assertChallenged(answer)
  return false
}

/** 401, and how to do better (RFC 6750 section 3). */
export function assertChallenged(answer: Answer): void {
  assert.equal(answer.status, 401, answer.body)
  assert.match(String(answer.headers['www-authenticate']), /^Bearer realm="/)
}

export function assertProblem(answer: Answer, status: number, code: string): void {
  assert.deepEqual([answer.status, answer.members()['code']], [status, code], answer.body)
}

export async function assertNoRefresh(
  identity: RunningIdentity,
  token: string,
  more: Readonly<Record<string, string>> = {},
): Promise<void> {
  const answer = await refreshWith(identity, token, more)
  assert.deepEqual([answer.status, answer.members()['error']], [400, 'invalid_grant'], answer.body)
}

/** The position that a revoking call answered. */
export function positionOf(answer: Answer): { readonly epoch: string; readonly seq: number } {
  assert.equal(answer.status, 200, answer.body)
  const { revocation } = answer.members()
  const { epoch, seq, ...others } = revocation as { epoch: string; seq: number }
  assert.match(epoch, /^[A-Za-z0-9_-]{22}$/)
  assert.deepEqual(others, {})
  return { epoch, seq }
}

/** The kinds of what was revoked, in the order of the log. */
export async function revokedKinds(identity: RunningIdentity): Promise<readonly unknown[]> {
  const rows = await identity.query('SELECT kind FROM revocations ORDER BY seq')
  return rows.map(({ kind }) => kind)
}

export async function eventKinds(identity: RunningIdentity): Promise<readonly unknown[]> {
  const rows = await identity.query(`SELECT kind FROM events WHERE ${aboutPeople} ORDER BY id`)
  return rows.map(({ kind }) => kind)
}
