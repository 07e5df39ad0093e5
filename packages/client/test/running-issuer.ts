import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { TestContext } from 'node:test'
import { bootstrap, newRandomSecret, parseIdentitySettings } from '@portcullis/identity'
import { readSecrets, startIdentity } from '@portcullis/identity'
import { createLog } from '@portcullis/runtime'
import type { Clock } from './clock.ts'
import { createClock } from './clock.ts'
import type { Wire } from './wire.ts'
import { openWire } from './wire.ts'

/** A real identity behind a wire that can lose, delay and replace what goes over it. */
export interface RunningIssuer {
  readonly issuer: string
  readonly wire: Wire
  /** Identity's clock; a test hands it to its clients too. */
  readonly clock: Clock
  readonly countSessions: () => number
}

export const alice: { readonly identifier: string; readonly password: string } = {
  identifier: 'alice',
  password: newRandomSecret(),
}

export const admin: typeof alice = { identifier: 'admin', password: newRandomSecret() }

export const accessTokenSeconds = 900

export async function startRunningIssuer(t: TestContext): Promise<RunningIssuer> {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-client-'))
  t.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
  const databasePath = join(folder, 'identity.db')
  const database = `sqlite:${databasePath}`
  const clock = createClock()
  const accounts = [
    { ...alice, roles: ['customer'] },
    { ...admin, roles: ['identity-admin'] },
  ]
  await bootstrap({ database, accounts, clients: [] }, { now: clock.now })

  // First the wire, because its address is the issuer's name.
  const wire = await openWire(t)
  const file = {
    issuer: wire.origin,
    audiences: { orders: { scopes: ['orders:read'], roles: ['customer'], accessTokenSeconds } },
    roles: { customer: { orders: ['orders:read'] } },
    listen: { port: 0 },
    operations: { port: 0 },
    database,
  }
  const identity = await startIdentity(parseIdentitySettings(file, 'the test'), {
    ...readSecrets({
      PORTCULLIS_SEALING_KEY: randomBytes(32).toString('base64'),
      PORTCULLIS_REFRESH_PEPPER: randomBytes(32).toString('base64'),
    }),
    log: createLog({ name: 'identity', level: 'silent' }),
    now: clock.now,
  })
  t.after(() => identity.close())
  wire.connect(identity.port)
  return { issuer: wire.origin, wire, clock, countSessions: () => countRows(databasePath) }
}

function countRows(databasePath: string): number {
  const database = new DatabaseSync(databasePath, { readOnly: true })
  try {
    return Number(database.prepare('SELECT count(*) AS rows FROM sessions').get()?.['rows'])
  } finally {
    database.close()
  }
}
