import { randomBytes } from 'node:crypto'
import { randomIdentifier } from '../src/domain/random.ts'
import type { Database } from '../src/store/database.ts'
import { openDatabase } from '../src/store/database.ts'
import type { OpenedEpoch } from '../src/store/epochs.ts'
import { openEpoch } from '../src/store/epochs.ts'
import { highWaterFileAt } from '../src/store/high-water.ts'
import type { StoredRevocationLog } from '../src/store/revocations.ts'
import { createRevocationLog } from '../src/store/revocations.ts'
import { startMs } from './chosen-clock.ts'

export const storeIssuer = 'https://id.example'

/** A database with an epoch, as identity has it before it serves. */
export interface OpenedStore {
  readonly database: Database
  readonly log: StoredRevocationLog
  readonly epoch: OpenedEpoch
}

export async function openStoreAt(
  path: string,
  now: () => number = () => startMs,
): Promise<OpenedStore> {
  const database = openDatabase(`sqlite:${path}`, now())
  const highWater = highWaterFileAt(`${path}.high-water`)
  const epoch = await openEpoch(database, {
    issuer: storeIssuer,
    highWater,
    now: now(),
    newEpoch: randomIdentifier(randomBytes),
    accessTokenSecondsMax: 900,
  })
  const log = createRevocationLog(database, { issuer: storeIssuer, highWater, now })
  return { database, log, epoch }
}
