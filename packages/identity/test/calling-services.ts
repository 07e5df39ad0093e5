import assert from 'node:assert/strict'
import type { AccessTokenClaims } from '@portcullis/protocol'
import type { NewClient } from '../src/index.ts'
import { newClientCredential } from '../src/index.ts'
import { decodeToken } from './decoded-token.ts'
import type { Answer } from './http-client.ts'
import type { RunningIdentity } from './running-identity.ts'
import { alice, basic, formToken, machine, startRunningIdentity } from './running-identity.ts'
import { admin, bob } from './signed-in.ts'

/** Is called with tokens for orders, and calls reviews on behalf of whoever called. */
export const ordersService: NewClient = {
  ...newClientCredential(),
  name: 'orders-service',
  audiences: ['orders', 'reviews'],
  scopes: ['orders:read'],
  grants: ['client_credentials', 'token_exchange'],
}

/** Is called by that one, and calls itself. */
export const reviewsService: NewClient = {
  ...newClientCredential(),
  name: 'reviews-service',
  audiences: ['reviews'],
  scopes: [],
  grants: ['token_exchange'],
}

/** Has a secret, and no business with the others. */
export const bystander: NewClient = {
  ...newClientCredential(),
  name: 'bystander',
  audiences: ['payments'],
  scopes: ['payments:make', 'revocations.read'],
}

interface Ending {
  readonly after: (end: () => Promise<void>) => void
}

/** `t`: the test, or the file, after which it ends. */
export async function startWithServices<Until extends Pick<Ending, 'after'>>(
  t: Until,
  engine?: { readonly createStore: (t: Until) => Promise<string> },
): Promise<RunningIdentity> {
  const database = engine && (await engine.createStore(t))
  const identity = await startRunningIdentity({
    ...(database && { database }),
    accounts: [alice, bob, admin],
    clients: [machine, ordersService, reviewsService, bystander],
  })
  t.after(identity.close)
  return identity
}

const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange'
export const accessTokenUrn = 'urn:ietf:params:oauth:token-type:access_token'

type Form = Readonly<Record<string, string>>

function asClient({ clientId, clientSecret }: NewClient): Form {
  return basic(clientId, clientSecret)
}

/** By the orders service, for reviews, unless the form says otherwise; `''` leaves a parameter out. */
export function exchange(
  identity: RunningIdentity,
  subjectToken: string,
  more: Form = {},
  client: NewClient = ordersService,
): Promise<Answer> {
  const form = {
    grant_type: exchangeGrant,
    subject_token: subjectToken,
    subject_token_type: accessTokenUrn,
    audience: 'reviews',
    ...more,
  }
  return identity.token(form, asClient(client))
}

export function exchangedToken(answer: Answer): string {
  assert.equal(answer.status, 200, answer.body)
  return String(answer.members()['access_token'])
}

export function claimsOfToken(token: string): AccessTokenClaims {
  return decodeToken(token).claims as unknown as AccessTokenClaims
}

export async function machineToken(
  identity: RunningIdentity,
  client: NewClient = machine,
  more: Form = {},
): Promise<string> {
  const form = { grant_type: 'client_credentials', ...more }
  return exchangedToken(await identity.token(form, asClient(client)))
}

/** A form for one of the endpoints that speak RFC 6749. */
export function post(
  identity: RunningIdentity,
  path: '/revoke' | '/introspect',
  form: Form,
  client?: NewClient,
): Promise<Answer> {
  const fields = client === undefined ? {} : asClient(client)
  return identity.ask({ ...formToken(new URLSearchParams(form).toString(), fields), path })
}

/** As the public client that people sign in with. */
export function revoke(identity: RunningIdentity, token: string, more: Form = {}): Promise<Answer> {
  return post(identity, '/revoke', { token, client_id: 'web', ...more })
}

export function introspect(
  identity: RunningIdentity,
  token: string,
  client: NewClient = ordersService,
): Promise<Answer> {
  return post(identity, '/introspect', { token }, client)
}

export async function isActive(
  identity: RunningIdentity,
  token: string,
  client: NewClient = ordersService,
): Promise<boolean> {
  const answer = await introspect(identity, token, client)
  assert.equal(answer.status, 200, answer.body)
  const { active, ...others } = answer.members()
  assert.ok(active === true || Object.keys(others).length === 0, 'an inactive token says nothing')
  return active === true
}

export function assertOAuthError(answer: Answer, status: number, error: string): void {
  assert.deepEqual([answer.status, answer.members()['error']], [status, error], answer.body)
  assert.equal(answer.members()['access_token'], undefined)
}
