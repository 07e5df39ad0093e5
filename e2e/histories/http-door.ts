import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import type { AccessTokenClaims } from '@portcullis/protocol'
import type { AnsweredTokens, Facts, Reply } from './ledger.ts'

/** One request of a history. */
export interface Question {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly path: string
  readonly bearer?: string
  readonly form?: Readonly<Record<string, string>>
  readonly json?: object
  /** What says no, of this question; 200 and 204 say yes. */
  readonly refusals: readonly number[]
}

/** Who asks: what an administrator does needs his token. */
export interface Asker {
  readonly accountId: string
  readonly identifier: string
  readonly administratorToken: () => string
}

const issuer = 'https://id.example'
const reason = { reason: 'a history' }

export function questionOf(facts: Facts, asker: Asker): Question {
  switch (facts.kind) {
    case 'login': {
      const json = { identifier: asker.identifier, password: facts.password, audience: issuer }
      return { method: 'POST', path: '/login', json, refusals: [401, 403] }
    }
    case 'refresh': {
      const { refresh, attempt } = facts
      const form = { grant_type: 'refresh_token', refresh_token: refresh, audience: issuer }
      return {
        method: 'POST',
        path: '/token',
        form: attempt === undefined ? form : { ...form, attempt },
        refusals: [400],
      }
    }
    case 'ending':
      return endingOf(facts)
    case 'everywhere': {
      const json = { refresh_token: facts.refresh }
      return { method: 'POST', path: '/logout/everywhere', json, refusals: [401] }
    }
    case 'password-change': {
      const json = { current: facts.current, new: facts.next }
      const bearer = facts.by.access.token
      return { method: 'POST', path: '/account/password', bearer, json, refusals: [401] }
    }
    case 'block':
    case 'unblock': {
      const path = `/admin/accounts/${asker.accountId}/${facts.kind}`
      const bearer = asker.administratorToken()
      return { method: 'POST', path, bearer, json: reason, refusals: [] }
    }
    case 'showing':
      return { method: 'GET', path: '/sessions', bearer: facts.by.access.token, refusals: [401] }
  }
}

function endingOf({ sessionId, by }: Extract<Facts, { readonly kind: 'ending' }>): Question {
  if ('refresh' in by) {
    return { method: 'POST', path: '/logout', json: { refresh_token: by.refresh }, refusals: [401] }
  }
  const { token: bearer, claims } = by.access
  return claims.sid === sessionId
    ? { method: 'POST', path: '/logout', bearer, refusals: [401] }
    : { method: 'DELETE', path: `/sessions/${sessionId}`, bearer, refusals: [401] }
}

const nothingKnown: Reply = { kind: 'unknown', isOver: false }
/** It was answered, and the answer says neither that it was done nor that it was not. */
const undecided: Reply = { kind: 'unknown', isOver: true }

/** `loseAfterMs`: the client goes away then, whether it has its answer or not. */
export async function askNode(
  port: number,
  question: Question,
  loseAfterMs?: number,
): Promise<Reply> {
  if (loseAfterMs !== undefined) {
    await loseAnswer(port, question, loseAfterMs)
    return nothingKnown
  }
  const { status, body } = await send(port, question)
  if (status === 200 || status === 204) return { kind: 'done', tokens: tokensOf(body) }
  if (question.refusals.includes(status)) return { kind: 'refused' }
  // 409: a change of the password that was overtaken. 429: too many at once.
  if (status === 409 || status === 429) return undecided
  assert.ok(status >= 500, `${question.method} ${question.path} was answered ${status}: ${body}`)
  assert.equal(status, 503, `${question.method} ${question.path}: ${body}`)
  return nothingKnown
}

async function send(
  port: number,
  question: Question,
): Promise<{ readonly status: number; readonly body: string }> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    start(port, question, resolve).on('error', reject)
  })
  return { status: response.statusCode ?? 0, body: await text(response) }
}

function loseAnswer(port: number, question: Question, afterMs: number): Promise<void> {
  return new Promise((resolve) => {
    const sending = start(port, question, (response) => response.resume())
    sending.on('error', () => undefined)
    sending.on('close', resolve)
    setTimeout(() => sending.destroy(), afterMs)
  })
}

function start(
  port: number,
  { method, path, bearer, form, json }: Question,
  onResponse: (response: IncomingMessage) => void,
): ReturnType<typeof request> {
  const type = form === undefined ? 'application/json' : 'application/x-www-form-urlencoded'
  const body =
    form === undefined ? json && JSON.stringify(json) : new URLSearchParams(form).toString()
  const headers = {
    ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
    ...(body === undefined ? {} : { 'content-type': type }),
  }
  const options = { host: '127.0.0.1', port, method, path, headers, agent: false }
  return request(options, onResponse).end(body)
}

function tokensOf(body: string): AnsweredTokens | undefined {
  const members: unknown = body === '' ? {} : JSON.parse(body)
  if (typeof members !== 'object' || members === null || !('access_token' in members))
    return undefined
  const {
    access_token: access,
    refresh_token: refresh,
    session_id: sessionId,
  } = {
    refresh_token: undefined,
    session_id: undefined,
    ...members,
  }
  const [, payload = ''] = String(access).split('.')
  return {
    sessionId: String(sessionId),
    refresh: String(refresh),
    access: String(access),
    claims: JSON.parse(Buffer.from(payload, 'base64url').toString()) as AccessTokenClaims,
  }
}
