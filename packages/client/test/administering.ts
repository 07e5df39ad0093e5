import type { TestContext } from 'node:test'
import type { Administration } from '@portcullis/client/admin'
import { createAdministration } from '@portcullis/client/admin'
import type { RunningIssuer } from './running-issuer.ts'
import { admin, startRunningIssuer } from './running-issuer.ts'
import { clientOf } from './signing-in.ts'

export interface Administered {
  readonly running: RunningIssuer
  readonly administration: Administration
}

/** A real identity, and an administrator who has signed in there. */
export async function startAdministered(t: TestContext): Promise<Administered> {
  const running = await startRunningIssuer(t)
  const client = clientOf(running, { audience: running.issuer })
  await client.login(admin)
  return { running, administration: createAdministration(client) }
}

export async function allOf<Item>(items: AsyncIterable<Item>): Promise<readonly Item[]> {
  const found: Item[] = []
  for await (const item of items) found.push(item)
  return found
}
