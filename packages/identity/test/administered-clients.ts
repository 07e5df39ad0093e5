import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { decodeToken } from './decoded-token.ts'
import type { Engine } from './engines.ts'
import type { Answer } from './http-client.ts'
import type { RunningIdentity } from './running-identity.ts'
import { alice, basic, startRunningIdentity } from './running-identity.ts'
import { admin, call, signInHere } from './signed-in.ts'

export const reason = 'the contract says so'

export interface Started {
  readonly identity: RunningIdentity
  readonly adminId: string
  /** A request as the administrator. */
  readonly ask: (route: string, body?: object) => Promise<Answer>
  /** Makes a client, and answers its id and secret. */
  readonly make: (body: object) => Promise<{ readonly id: string; readonly secret: string }>
}

export async function start(t: TestContext, engine: Engine): Promise<Started> {
  const database = await engine.createStore(t)
  const identity = await startRunningIdentity({ database, accounts: [alice, admin] })
  t.after(identity.close)
  const { access: token, accountId: adminId } = await signInHere(identity, admin)
  const ask: Started['ask'] = (route, body) =>
    call(identity, route, body === undefined ? { token } : { token, body })
  const make: Started['make'] = async (body) => {
    const answer = await ask('POST /admin/clients', { ...service, ...body })
    assert.equal(answer.status, 201, answer.body)
    const { client_id: id, client_secret: secret } = answer.members()
    return { id: String(id), secret: String(secret) }
  }
  return { identity, adminId, ask, make }
}

export const service = {
  name: 'billing',
  grants: ['client_credentials'],
  audiences: ['orders', 'reviews'],
  scopes: ['orders:read', 'reviews:write'],
  reason,
} as const

/** The status of a request for a token, by which its secret is judged. */
export async function tokenStatus(
  identity: RunningIdentity,
  id: string,
  secret: string,
): Promise<number> {
  const answer = await identity.token({ grant_type: 'client_credentials' }, basic(id, secret))
  return answer.status
}

export async function claimsFor(
  identity: RunningIdentity,
  { id, secret }: { readonly id: string; readonly secret: string },
): Promise<Readonly<Record<string, unknown>>> {
  const answer = await identity.token({ grant_type: 'client_credentials' }, basic(id, secret))
  assert.equal(answer.status, 200, answer.body)
  return decodeToken(answer.members()['access_token']).claims
}

export async function eventsOf(identity: RunningIdentity, id: string): Promise<readonly unknown[]> {
  const rows = await identity.query(
    `SELECT kind, actor, reason FROM events WHERE client_id = '${id}' ORDER BY id`,
  )
  return rows.map(({ kind, actor, reason: why }) => [kind, actor, why])
}
