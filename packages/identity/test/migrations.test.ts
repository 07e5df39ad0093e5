import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { parseEmailAddress } from '../src/domain/email-addresses.ts'
import type { Database, Row } from '../src/store/database.ts'
import { openDatabase } from '../src/store/open-database.ts'
import { startMs } from './chosen-clock.ts'
import { testOnEngines } from './engines.ts'
import { insertAccount } from './opened-store.ts'
import { startError } from './start-error.ts'
import { queryStore } from './store-query.ts'

async function open(t: TestContext, url: string): Promise<Database> {
  const database = await openDatabase(url, { now: () => startMs })
  t.after(database.close)
  return database
}

/** A store as a program leaves it, and what somebody else then did to it. */
async function alteredStore(t: TestContext, url: string, ...sql: readonly string[]): Promise<void> {
  await (await open(t, url)).close()
  for (const statement of sql) await queryStore(url, statement)
}

/** What each engine calls its tables, and which steps it has. */
const listTables = {
  SQLite: "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
  PostgreSQL: "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'",
}
const stepsOf = {
  SQLite: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 22],
  PostgreSQL: [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 22],
}

function copyOf(rows: readonly Row[]): readonly Row[] {
  return rows.map((row) => ({ ...row }))
}

testOnEngines('a fresh database gets every table', async (t, engine) => {
  const database = await open(t, await engine.createStore(t))
  const tables = (await database.read(listTables[engine.name])).map((row) => String(row['name']))
  assert.deepEqual(tables.toSorted(), [
    'account_links',
    'accounts',
    'acknowledged_events',
    'activity',
    'anomalies',
    'anomaly_cursors',
    'anomaly_states',
    'anomaly_turns',
    'audit_chains',
    'audit_roster',
    'clients',
    'event_streams',
    'events',
    'followers',
    'key_lines',
    'login_counters',
    'mailboxes',
    'migrations',
    'refresh_peppers',
    'revocation_head',
    'revocations',
    'sealed_secrets',
    'security_events',
    'sessions',
    'sightings',
    'signing_keys',
    'undelivered_events',
    'unwanted_subjects',
    'used_proofs',
  ])
})

testOnEngines('opening again keeps the rows and applies no step twice', async (t, engine) => {
  const url = await engine.createStore(t)
  const first = await open(t, url)
  await first.write(insertAccount, ['one', 'alice'])
  await first.close()
  const second = await open(t, url)
  assert.equal((await second.read('SELECT id FROM accounts')).length, 1)
  const steps = await second.read('SELECT id, additive, applied_at FROM migrations ORDER BY id')
  assert.deepEqual(
    copyOf(steps),
    stepsOf[engine.name].map((id) => ({ id, additive: id >= 4 ? 1 : 0, applied_at: startMs })),
  )
})

testOnEngines(
  'a store of the release before gets what it lacks, and keeps what it has',
  async (t, engine) => {
    const url = await engine.createStore(t)
    const first = await open(t, url)
    await first.write(insertAccount, ['one', 'alice'])
    await first.close()
    await queryStore(url, 'DELETE FROM migrations WHERE id = 4')
    await queryStore(url, 'ALTER TABLE migrations DROP COLUMN additive')
    await queryStore(url, 'ALTER TABLE revocation_head DROP COLUMN lineage')
    const second = await open(t, url)
    assert.equal((await second.read('SELECT id FROM accounts')).length, 1)
    assert.deepEqual(await second.read('SELECT lineage FROM revocation_head'), [])
    const additive = await second.read('SELECT id FROM migrations WHERE additive = 1')
    assert.deepEqual(copyOf(additive), [{ id: 4 }])
  },
)

/** What accounts of the release before may be called, and whether their mail can go there. */
const names: Readonly<Record<string, boolean>> = {
  'alice@mail.example': true,
  'a.b_c+tag-1@x1.mail-host.example': true,
  'alice@3com.example': true,
  'alice@xn--bcher-kva.example': true,
  [`${'a'.repeat(64)}@mail.example`]: true,
  [`${'a'.repeat(65)}@mail.example`]: false,
  alice: false,
  'alice@': false,
  '@mail.example': false,
  'alice@bob@mail.example': false,
  '.alice@mail.example': false,
  'alice.@mail.example': false,
  'a..b@mail.example': false,
  'alice@.mail.example': false,
  'alice@mail..example': false,
  'alice@mail.example.': false,
  'alice@-mail.example': false,
  'alice@mail-.example': false,
  'alice@mail.-example': false,
  'alice@mail.example-': false,
  'alice@192.0.2.1': false,
  'alice@mail_host.example': false,
  'al"ice@mail.example': false,
  'alice@mail.example\n': false,
  'alicé@mail.example': false,
}

testOnEngines(
  'accounts of earlier releases get their mail at their identifier, when it is an address',
  async (t, engine) => {
    const url = await engine.createStore(t)
    const first = await open(t, url)
    const identifiers = Object.keys(names)
    for (const [at, identifier] of identifiers.entries()) {
      await first.write(insertAccount, [`${at}`, identifier])
    }
    for (const id of ['elsewhere', 'removed', 'deleted']) {
      await first.write(insertAccount, [id, `${id}@mail.example`])
    }
    await first.close()
    for (const statement of [
      "UPDATE accounts SET email = 'other@mail.example' WHERE id = 'elsewhere'",
      "UPDATE accounts SET deleted_at = 1 WHERE id = 'deleted'",
      "INSERT INTO events (at, kind, account_id) VALUES (1, 'email-changed', 'removed')",
      'DELETE FROM migrations WHERE id = 8',
      'DROP TABLE mailboxes',
    ]) {
      await queryStore(url, statement)
    }
    const second = await open(t, url)
    const rows = await second.read('SELECT id, identifier, email FROM accounts')
    const emails = new Map(rows.map((row) => [String(row['identifier']), row['email']]))
    for (const [identifier, isAddress] of Object.entries(names)) {
      assert.equal(emails.get(identifier), isAddress ? identifier : null, identifier)
      // Ours is at least as strict as what new accounts are held to.
      const parsed = parseEmailAddress(identifier)
      if (isAddress) assert.deepEqual(parsed, { kind: 'address', address: identifier })
    }
    assert.equal(emails.get('elsewhere@mail.example'), 'other@mail.example')
    assert.equal(emails.get('removed@mail.example'), null)
    assert.equal(emails.get('deleted@mail.example'), null)
    const verified = await second.read('SELECT 1 FROM accounts WHERE email_verified_at IS NOT NULL')
    assert.deepEqual(verified, [])
  },
)

const future = 'INSERT INTO migrations (id, name, checksum, applied_at, additive) VALUES'

testOnEngines(
  'a store of a newer release that has only added to it is gone on with',
  async (t, engine) => {
    const url = await engine.createStore(t)
    await alteredStore(
      t,
      url,
      `${future} (98, 'from the future', 'x', 0, 1), (99, 'from later', 'x', 0, 1)`,
    )
    const database = await open(t, url)
    await database.write(insertAccount, ['one', 'alice'])
    const steps = await database.read('SELECT id FROM migrations ORDER BY id')
    assert.deepEqual(
      steps.map(({ id }) => id),
      [...stepsOf[engine.name], 98, 99],
    )
  },
)

testOnEngines('a store of a newer release that has changed it is left alone', async (t, engine) => {
  const url = await engine.createStore(t)
  await alteredStore(
    t,
    url,
    `${future} (98, 'from the future', 'x', 0, 1), (99, 'from later', 'x', 0, 0)`,
    'DELETE FROM migrations WHERE id = 4',
  )
  const before = await queryStore(url, 'SELECT * FROM migrations ORDER BY id')
  await assert.rejects(open(t, url), startError(/newer release \(schema step 99\)/))
  assert.deepEqual(await queryStore(url, 'SELECT * FROM migrations ORDER BY id'), before)
})

testOnEngines(
  'a schema step with different SQL is refused, and nothing is changed',
  async (t, engine) => {
    const url = await engine.createStore(t)
    await alteredStore(t, url, "UPDATE migrations SET checksum = 'other'")
    const before = await queryStore(url, 'SELECT * FROM migrations ORDER BY id')
    const [first] = stepsOf[engine.name]
    const refusal = startError(new RegExp(`schema step ${first} with different SQL`))
    await assert.rejects(open(t, url), refusal)
    assert.deepEqual(await queryStore(url, 'SELECT * FROM migrations ORDER BY id'), before)
  },
)

testOnEngines('a step that fails leaves nothing of itself behind', async (t, engine) => {
  const url = await engine.createStore(t)
  // The fourth table of the first step is there already, so the step cannot be completed.
  await queryStore(url, 'CREATE TABLE signing_keys (id text)')
  await assert.rejects(open(t, url), startError(/signing_keys"? already exists/))
  assert.deepEqual(copyOf(await queryStore(url, listTables[engine.name])), [
    { name: 'signing_keys' },
  ])
})
