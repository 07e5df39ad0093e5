import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import type { AuditFault } from '../src/domain/audit.ts'
import { verifyAudit } from '../src/store/audit-verification.ts'
import { appendEvent } from '../src/store/events.ts'
import { pathOfDatabase } from '../src/store/open-database.ts'
import { openReader } from '../src/store/open-reader.ts'
import type { AuditedStore } from './audited-store.ts'
import { openAuditedStore } from './audited-store.ts'
import type { Engine } from './engines.ts'
import { sqlite, testOnPostgres } from './engines.ts'
import { queryStore } from './store-query.ts'

interface Recorded {
  readonly url: string
  readonly store: AuditedStore
}

async function startRecorded(t: TestContext, { createStore }: Engine): Promise<Recorded> {
  const url = await createStore(t)
  const store = await openAuditedStore(url)
  t.after(store.database.close)
  for (const accountId of ['one', 'two', 'three']) {
    await store.database.transaction((query) =>
      appendEvent(query, { kind: 'account-blocked', accountId }),
    )
  }
  assert.deepEqual(await faults({ url, store }), [undefined, undefined])
  return { url, store }
}

/** What a node says that has the store open, and what is found beside it. */
async function faults({ url, store }: Recorded): Promise<readonly (AuditFault | undefined)[]> {
  const reader = await openReader(url)
  try {
    const beside = await verifyAudit(reader, store.key, [])
    return [(await store.auditLog.verify()).firstBad, beside.firstBad]
  } finally {
    await reader.close()
  }
}

/** As somebody who can write the file, and knows what SQLite lets its owner do. */
function tamper(url: string, sql: string): void {
  const file = new DatabaseSync(pathOfDatabase(url) ?? '')
  try {
    file.enableDefensive(false)
    file.exec(sql)
  } finally {
    file.close()
  }
}

/** The index that the record is walked by, made without some rows, and then called whole. */
function passOver(index: string, columns: string, where: string): string {
  return `
    DROP INDEX IF EXISTS ${index};
    CREATE UNIQUE INDEX ${index} ON events (${columns}) WHERE ${where};
    PRAGMA writable_schema = ON;
    UPDATE sqlite_schema SET sql = replace(sql, ' WHERE ${where}', '') WHERE name = '${index}';
    PRAGMA writable_schema = RESET;`
}

test('SQLite: a forged record that an index keeps from sight is found and named', async (t) => {
  const recorded = await startRecorded(t, sqlite)
  const { url, store } = recorded
  const mac = 'A'.repeat(43)
  const forged = `INSERT INTO events (id, at, kind, chain, seq, mac)
                  VALUES (99, 1, 'account-unblocked', '${store.chain}', 2, '${mac}');`
  tamper(
    url,
    `DROP INDEX events_in_chain; ${forged} ${passOver('events_in_chain', 'chain, seq', 'id <> 99')}`,
  )
  // Everybody who lists the record sees it, and nobody who walks along the chain does.
  const listed = await store.auditLog.list({}, { limit: 10 })
  assert.equal(listed.records[0]?.id, 99)
  const walked = `SELECT id FROM events WHERE chain = '${store.chain}' AND seq = 2`
  assert.notEqual((await queryStore(url, walked))[0]?.['id'], 99)
  for (const fault of await faults(recorded)) assert.deepEqual(fault, { what: 'index', id: 99 })
})

test('SQLite: a record that an index keeps from sight is named, not merely missed', async (t) => {
  const recorded = await startRecorded(t, sqlite)
  tamper(recorded.url, passOver('events_in_chain', 'chain, seq', 'id <> 2'))
  for (const fault of await faults(recorded)) assert.deepEqual(fault, { what: 'index', id: 2 })
})

test('SQLite: a table that is another one than was made is found, and no more is asked of it', async (t) => {
  for (const [how, sql] of [
    [
      'a view in its place',
      `ALTER TABLE events RENAME TO kept; CREATE VIEW events AS SELECT * FROM kept WHERE id <> 2`,
    ],
    [
      // What says that nobody can be without a chain makes every search for such rows an empty one.
      'a column that is said to be filled',
      `PRAGMA writable_schema = ON;
       UPDATE sqlite_schema SET sql = replace(sql, 'chain text', 'chain text NOT NULL') WHERE name = 'events';
       PRAGMA writable_schema = RESET`,
    ],
  ] as const) {
    const recorded = await startRecorded(t, sqlite)
    tamper(recorded.url, sql)
    for (const fault of await faults(recorded)) assert.deepEqual(fault, { what: 'table' }, how)
  }
})

test('SQLite: an index or a column of somebody who hides nothing is no fault', async (t) => {
  const recorded = await startRecorded(t, sqlite)
  tamper(
    recorded.url,
    `CREATE INDEX events_by_reason ON events (reason) WHERE reason IS NOT NULL;
     ALTER TABLE events ADD COLUMN of_a_later_release text; ANALYZE`,
  )
  assert.deepEqual(await faults(recorded), [undefined, undefined])
})

testOnPostgres(
  'a rule of rows, or a view, in the way of whoever reads is found',
  async (t, engine) => {
    for (const sql of [
      'ALTER TABLE events ENABLE ROW LEVEL SECURITY',
      'ALTER TABLE events RENAME TO kept; CREATE VIEW events AS SELECT * FROM kept WHERE id <> 2',
    ]) {
      const recorded = await startRecorded(t, engine)
      await queryStore(recorded.url, sql)
      for (const fault of await faults(recorded)) assert.deepEqual(fault, { what: 'table' }, sql)
    }
  },
)
