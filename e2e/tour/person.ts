import assert from 'node:assert/strict'
import type { Client } from '@portcullis/client'
import { createClient } from '@portcullis/client'
import type { RunningSystem } from '../running-system.ts'

/** Somebody who signs in and orders things, on a device of their own. */
export interface Person {
  readonly client: Client
  /** Refreshes first when that is due. */
  readonly token: () => Promise<string>
  readonly sessionId: string
}

/**
 * Signs in with the client library. `reach` is where the person reaches identity, which may be another
 * way than the one that the services have.
 */
export async function signIn(
  { endpoints, credentials }: RunningSystem,
  identifier: string,
  reach: string,
): Promise<Person> {
  const password = credentials.accounts.find((one) => one.identifier === identifier)?.password
  assert.ok(password !== undefined, `there is no account ${identifier}`)
  const client = createClient({
    issuer: endpoints.identity,
    fetch: (url, init) => fetch(url.replace(endpoints.identity, reach), init),
  })
  const { sessionId } = await client.login({ identifier, password })
  return { client, token: client.accessToken, sessionId }
}
