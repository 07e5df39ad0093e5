import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { backUpStore } from '../src/backup.ts'
import { bootstrap } from '../src/bootstrap.ts'
import type { RestoreOutcome, RestoreRequest } from '../src/restore.ts'
import { restoreStore } from '../src/restore.ts'
import { pathOfDatabase } from '../src/store/open-database.ts'
import { startMs } from './chosen-clock.ts'
import { storeIssuer } from './opened-store.ts'
import { machine } from './running-identity.ts'
import type { OpenedSessionFacts } from './store-parts.ts'
import { loginWith, openPartsAt } from './store-parts.ts'
import { createTemporaryFolder } from './temporary-folder.ts'

export const backupSealingKey: Buffer = randomBytes(32)

export const atStart = (): number => startMs

export function folderOf(t: TestContext): string {
  const folder = createTemporaryFolder()
  t.after(folder.remove)
  return folder.path
}

/** A store with somebody who is signed in, and with a session of hers that was ended. */
export async function fillStore(url: string): Promise<OpenedSessionFacts> {
  await bootstrap(
    {
      database: url,
      accounts: [],
      clients: [machine],
      sealingKeys: { sealingKey: backupSealingKey },
    },
    { now: atStart },
  )
  const { parts, database } = await openPartsAt(url, atStart)
  await parts.sessions.end((await loginWith(parts)).sessionId)
  const session = await loginWith(parts)
  await database.close()
  return session
}

/** Answers the folder. */
export async function backUp(t: TestContext, url: string): Promise<string> {
  const writeTo = join(folderOf(t), 'backups', 'monday')
  const sealingKeys = { sealingKey: backupSealingKey }
  const outcome = await backUpStore({ database: url, issuer: storeIssuer, writeTo, sealingKeys })
  assert.equal(outcome.kind, 'backed-up')
  return writeTo
}

export function restore(
  from: string,
  database: string,
  more: Partial<RestoreRequest> = {},
): Promise<RestoreOutcome> {
  return restoreStore({ from, database, issuer: storeIssuer, ...more })
}

export function pathOf(url: string): string {
  return pathOfDatabase(url) ?? assert.fail('it is no file')
}
