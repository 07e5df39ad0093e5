import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { RevocationRecord } from '@portcullis/protocol/revocations'
import { randomIdentifier } from '../src/domain/random.ts'
import type { LogExcerpt, RevocationLog } from '../src/domain/revocations.ts'
import type { Database } from '../src/store/database.ts'
import { openDatabase, pathOfDatabase } from '../src/store/open-database.ts'
import type { OpenedEpoch } from '../src/store/epochs.ts'
import { openEpoch } from '../src/store/epochs.ts'
import type { HighWater } from '../src/store/high-water.ts'
import { highWaterAt, highWaterInMemory } from '../src/store/high-water.ts'
import type { StoredRevocationLog } from '../src/store/revocations.ts'
import { createRevocationLog } from '../src/store/revocations.ts'
import { startMs } from './chosen-clock.ts'

export const storeIssuer = 'https://id.example'

/** A database with an epoch, as identity has it before it serves. */
export interface OpenedStore {
  readonly database: Database
  readonly log: StoredRevocationLog
  readonly epoch: OpenedEpoch
  readonly highWater: HighWater
}

export async function openStoreAt(
  url: string,
  now: () => number = () => startMs,
): Promise<OpenedStore> {
  const database = await openDatabase(url, { now })
  const path = pathOfDatabase(url)
  const highWater = path === undefined ? highWaterInMemory() : highWaterAt(`${path}.high-water`)
  const epoch = await openEpoch(database, {
    issuer: storeIssuer,
    highWater,
    permitRenewal: () => undefined,
    newEpoch: () => randomIdentifier(randomBytes),
    accessTokenSecondsMax: 900,
  })
  const log = createRevocationLog(database, { issuer: storeIssuer, highWater })
  return { database, log, epoch, highWater }
}

/** All that is in force, and the head that covers it. */
export async function takeInForce({
  inForce,
}: Pick<RevocationLog, 'inForce'>): Promise<LogExcerpt> {
  const records: RevocationRecord[] = []
  const head = await inForce((slice) => void records.push(...slice))
  assert.ok(head !== undefined, 'another epoch began')
  return { head, records }
}

/** With an id and an identifier; what else an account has does not matter here. */
export const insertAccount =
  'INSERT INTO accounts (id, identifier, password_hash, roles, generation, created_at) ' +
  "VALUES ($1, $2, 'hash', '[]', 0, 0)"
