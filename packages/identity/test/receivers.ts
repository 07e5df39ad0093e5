import assert from 'node:assert/strict'
import type { JSONWebKeySet } from 'jose'
import { createLocalJWKSet, jwtVerify } from 'jose'
import type { NewClient } from '../src/index.ts'
import { newClientCredential } from '../src/index.ts'
import type { Answer } from './http-client.ts'
import type { RunningIdentity } from './running-identity.ts'
import { basic } from './running-identity.ts'
import { call } from './signed-in.ts'

/** A machine client that may have streams of security events. */
export function newReceiver(name: string, scopes: readonly string[] = ['ssf.manage']): NewClient {
  return { ...newClientCredential(), name, audiences: [], scopes }
}

export async function receiverToken(identity: RunningIdentity, client: NewClient): Promise<string> {
  const form = { grant_type: 'client_credentials', audience: identity.issuer }
  const answer = await identity.token(form, basic(client.clientId, client.clientSecret))
  assert.equal(answer.status, 200, answer.body)
  return String(answer.members()['access_token'])
}

export const streams = '/ssf/streams'
export const poll = 'urn:ietf:rfc:8936'
export const push = 'urn:ietf:rfc:8935'
const caep = 'https://schemas.openid.net/secevent/caep/event-type'
const risc = 'https://schemas.openid.net/secevent/risc/event-type'
export const sessionRevoked: string = `${caep}/session-revoked`
export const credentialChange: string = `${caep}/credential-change`
export const accountDisabled: string = `${risc}/account-disabled`
export const accountEnabled: string = `${risc}/account-enabled`
export const accountPurged: string = `${risc}/account-purged`
const everyEvent: readonly string[] = [
  sessionRevoked,
  credentialChange,
  accountDisabled,
  accountEnabled,
  accountPurged,
]

export async function createStream(
  identity: RunningIdentity,
  token: string,
  members: object = {},
): Promise<string> {
  const body = { events_requested: everyEvent, ...members }
  const answer = await call(identity, `POST ${streams}`, { token, body })
  assert.equal(answer.status, 201, answer.body)
  return String(answer.members()['stream_id'])
}

export function statusOf(answer: Answer): string {
  assert.equal(answer.status, 200, answer.body)
  return String(answer.members()['status'])
}

/** What a poll is answered: the tokens by their jti. */
export async function pollStream(
  identity: RunningIdentity,
  token: string,
  streamId: string,
  members: object = {},
): Promise<{ readonly sets: Readonly<Record<string, string>>; readonly moreAvailable?: boolean }> {
  const body = { returnImmediately: true, ...members }
  const answer = await call(identity, `POST /ssf/poll/${streamId}`, { token, body })
  assert.equal(answer.status, 200, answer.body)
  return answer.members() as { readonly sets: Readonly<Record<string, string>> }
}

/** A security event token whose signature and header were checked. */
export interface CheckedSet {
  readonly claims: Readonly<Record<string, unknown>>
  /** The type of its one event, and what it says. */
  readonly type: string
  readonly payload: Readonly<Record<string, unknown>>
}

export async function checkSet(identity: RunningIdentity, text: string): Promise<CheckedSet> {
  const keys = await identity.ask({ path: '/.well-known/jwks.json' })
  const jwks = keys.members() as unknown as JSONWebKeySet
  const { payload: claims, protectedHeader } = await jwtVerify(text, createLocalJWKSet(jwks), {
    algorithms: ['RS256'],
    issuer: identity.issuer,
    typ: 'secevent+jwt',
  })
  assert.deepEqual(Object.keys(protectedHeader).toSorted(), ['alg', 'kid', 'typ'])
  for (const absent of ['sub', 'exp', 'nbf', 'client_id', 'scope']) {
    assert.ok(!(absent in claims), `${absent} is there`)
  }
  const events = Object.entries(claims['events'] as Record<string, Record<string, unknown>>)
  assert.equal(events.length, 1)
  const [type = '', payload = {}] = events[0] ?? []
  return { claims, type, payload }
}

/** All that waits in a stream for the first time, in its order, and taken. */
export async function takeEvents(
  identity: RunningIdentity,
  token: string,
  streamId: string,
): Promise<readonly CheckedSet[]> {
  const { sets } = await pollStream(identity, token, streamId)
  await pollStream(identity, token, streamId, { ack: Object.keys(sets), maxEvents: 0 })
  return Promise.all(Object.values(sets).map((one) => checkSet(identity, one)))
}
