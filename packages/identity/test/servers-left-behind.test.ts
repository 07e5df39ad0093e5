import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { RevocationRecord } from '@portcullis/protocol/revocations'
import type { Query } from '../src/store/database.ts'
import { takeInForce } from '../src/store/records-in-force.ts'
import type { Engine } from './engines.ts'
import { testOnEngines } from './engines.ts'
import type { OpenedStore } from './opened-store.ts'
import { openStoreAt } from './opened-store.ts'

const revoked = ['first', 'second', 'third']

async function openWith(
  t: TestContext,
  engine: Engine,
  keys: readonly string[],
): Promise<OpenedStore> {
  const store = await openStoreAt(await engine.createStore(t))
  t.after(store.database.close)
  for (const key of keys) {
    await store.log.transaction((_query, revoke) => revoke({ kind: 'session', key, floor: 0 }))
  }
  return store
}

// Found by the simulation: after a failover some connections of the pool still led to the old primary. A snapshot
// with the head of the new one had the records of the old one, and so none of what had begun the epoch.
testOnEngines(
  'what a server that was left behind has answered stands in no snapshot of the log that goes on',
  async (t, engine) => {
    const present = await openWith(t, engine, revoked)
    const head = await present.log.head()
    const { epoch, chain } = head
    const cases: readonly (readonly [string, readonly string[], object, boolean])[] = [
      ['of the epoch before', revoked, {}, false],
      ['behind', revoked.slice(0, 2), { epoch }, false],
      ['with another end', ['first', 'second', 'lost'], { epoch }, false],
      ['with the same end', revoked, { epoch, chain }, true],
      ['further on', [...revoked, 'fourth'], { epoch }, true],
    ]
    for (const [what, keys, changes, isTaken] of cases) {
      const other = await openWith(t, engine, keys)
      for (const [column, value] of Object.entries(changes)) {
        await other.database.write(`UPDATE revocation_head SET ${column} = $1`, [value])
      }
      const readSlicesOf: Query = (sql, parameters) => {
        const { read } = sql.includes('revocations') ? other.database : present.database
        return read(sql, parameters)
      }
      const records: RevocationRecord[] = []
      const { checkpoint } = present.log
      const found = await takeInForce(readSlicesOf, checkpoint, (slice) => {
        records.push(...slice)
      })
      assert.equal(found !== undefined, isTaken, what)
      assert.equal(records.length, isTaken ? revoked.length : 0, what)
    }
  },
)
