import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { findCaller } from '../src/domain/callers.ts'
import { refresh } from '../src/domain/refresh.ts'
import { columnsOf, namesOf, storedTables } from '../src/store/backups/stored-tables.ts'
import { atStart, backUp, backupSealingKey, fillStore, pathOf, restore } from './backed-up-store.ts'
import { startMs } from './chosen-clock.ts'
import type { Engine } from './engines.ts'
import { sqlite, testOnEngines, testOnPostgres } from './engines.ts'
import { machine } from './running-identity.ts'
import { startError } from './start-error.ts'
import type { OpenedSessionFacts } from './store-parts.ts'
import { accountIdOf, endEverywhere, loginWith, openPartsAt } from './store-parts.ts'
import { queryStore } from './store-query.ts'
import { createTemporaryFolder } from './temporary-folder.ts'

function generationOf({ claims }: OpenedSessionFacts): number {
  return claims.gen ?? assert.fail('it has no generation')
}

/** Every table and column of a store, as text. */
async function contentOf(url: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const shapes = new DatabaseSync(pathOf(await emptyFile()))
  const content = new Map<string, readonly string[]>()
  for (const table of storedTables) {
    const columns = columnsOf(shapes, table)
    const rows = await queryStore(url, `SELECT ${namesOf(columns)} FROM ${table}`)
    const texts = rows.map((row) =>
      JSON.stringify(
        columns.columns.map(([name]) => {
          const value = row[name]
          return typeof value === 'number' ? String(value) : value
        }),
      ),
    )
    content.set(table, texts.toSorted())
  }
  shapes.close()
  return content
}

let shapesUrl: string | undefined
const shapesFolder = createTemporaryFolder()
test.after(shapesFolder.remove)

async function emptyFile(): Promise<string> {
  if (shapesUrl === undefined) {
    shapesUrl = `sqlite:${join(shapesFolder.path, 'shapes.db')}`
    await fillStore(shapesUrl)
  }
  return shapesUrl
}

const listTables = {
  SQLite: "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
  PostgreSQL: "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'",
}
const listColumns = {
  SQLite: (table: string) => `SELECT name FROM pragma_table_info('${table}')`,
  PostgreSQL: (table: string) =>
    `SELECT column_name AS name FROM information_schema.columns WHERE table_name = '${table}'`,
}

testOnEngines('a backup has every table and column that there is', async (t, engine) => {
  const url = await engine.createStore(t)
  await fillStore(url)
  const namesIn = async (sql: string): Promise<readonly string[]> =>
    (await queryStore(url, sql)).map(({ name }) => String(name)).toSorted()
  assert.deepEqual(
    await namesIn(listTables[engine.name]),
    [...storedTables, 'migrations'].toSorted(),
  )
  const shapes = new DatabaseSync(pathOf(await emptyFile()))
  t.after(() => shapes.close())
  for (const table of storedTables) {
    const known = columnsOf(shapes, table).columns.map(([name]) => name)
    assert.deepEqual(await namesIn(listColumns[engine.name](table)), known.toSorted(), table)
  }
})

const stream = `INSERT INTO event_streams (id, audience, delivery, events_requested, events, subject_format,
  status, created_at, position) VALUES ('one', 'audience', 'poll', '[]', '[]', 'iss_sub', 'enabled', 1, 40)`
const forgottenEvents = `INSERT INTO security_events (at, event, cause, txn, initiator)
  SELECT 1, 'event', 'cause', 'txn', 'admin' FROM accounts, clients`

/** There and back over both engines. */
async function carry(t: TestContext, first: Engine, second: Engine): Promise<void> {
  const source = await first.createStore(t)
  await fillStore(source)
  await queryStore(source, stream)
  await queryStore(source, forgottenEvents)
  const ids = (await queryStore(source, 'SELECT id FROM security_events')).map(({ id }) =>
    Number(id),
  )
  const lastId = Math.max(...ids)
  assert.ok(lastId > 1)
  await queryStore(source, `DELETE FROM security_events WHERE id = ${lastId}`)
  const target = await second.createStore(t)
  await restore(await backUp(t, source), target, { sealingKeys: { sealingKey: backupSealingKey } })
  await queryStore(source, "UPDATE revocation_head SET lineage = 'restored'")
  assert.deepEqual(await contentOf(target), await contentOf(source))

  // Where a receiver has come to is behind what comes next.
  const { database } = await openPartsAt(target, atStart)
  const added = await database.write(`${forgottenEvents} RETURNING id`)
  const lowest = first.name === 'SQLite' && second.name === 'SQLite' ? lastId : 40
  for (const { id } of added) assert.ok(Number(id) > Math.min(lowest, lastId))
  await database.close()
}

testOnEngines('what is put back is what was there, in the same engine', (t, engine) =>
  carry(t, engine, engine),
)
testOnPostgres('a store of a file grows into a server', (t, postgres) => carry(t, sqlite, postgres))
testOnPostgres('a store of a server goes into a file', (t, postgres) => carry(t, postgres, sqlite))

testOnEngines(
  'a store that was put back begins one new epoch, in which nothing from before is worth anything',
  async (t, engine) => {
    const source = await engine.createStore(t)
    const before = await fillStore(source)
    const from = await backUp(t, source)
    const target = await engine.createStore(t)
    await restore(from, target)
    const first = await openPartsAt(target, atStart)
    assert.deepEqual(first.epoch, { kind: 'renewed', why: 'a backup was put back' })
    assert.equal(await findCaller(first.parts.sessions, before.claims), undefined)
    const { refresh: refreshToken } = before
    assert.equal((await refresh(first.parts, { refreshToken })).kind, 'refused')
    const fresh = await loginWith(first.parts)
    assert.ok(generationOf(fresh) > generationOf(before))
    await first.database.close()

    const second = await openPartsAt(target, atStart)
    assert.deepEqual(second.epoch, { kind: 'continued' })
    assert.ok((await findCaller(second.parts.sessions, fresh.claims)) !== undefined)
    await second.database.close()
  },
)

test('the epoch after a restore is above that of the store that was replaced', async (t) => {
  const url = await sqlite.createStore(t)
  await fillStore(url)
  const from = await backUp(t, url)
  const aheadMs = startMs + 3_600_000
  const ahead = await openPartsAt(url, () => aheadMs)
  await endEverywhere(ahead.parts, accountIdOf('alice'))
  await ahead.database.close()
  rmSync(`${pathOf(url)}.high-water`)
  // A clock that is an hour ahead begins an epoch; then it is set right, and the backup is put back.
  const wrong = await openPartsAt(url, () => aheadMs)
  const lost = await loginWith(wrong.parts)
  await wrong.database.close()
  await restore(from, url, { replace: true })
  const right = await openPartsAt(url, atStart)
  assert.ok(generationOf(await loginWith(right.parts)) > generationOf(lost))
  await right.database.close()
})

test('what is replaced is kept beside, and what was decided in it since the backup is told', async (t) => {
  const url = await sqlite.createStore(t)
  const path = pathOf(url)
  await fillStore(url)
  const from = await backUp(t, url)
  const later = await openPartsAt(url, () => startMs + 60_000)
  await endEverywhere(later.parts, accountIdOf('alice'))
  await later.database.close()
  await queryStore(
    url,
    `INSERT INTO events (at, kind, kid) VALUES (${startMs + 60_000}, 'key-withdrawn', 'stolen')`,
  )
  for (const [kind, column, id] of [
    ['account-blocked', 'account_id', accountIdOf('alice')],
    ['account-deleted', 'account_id', accountIdOf('gone')],
    ['client-disabled', 'client_id', machine.clientId],
  ] as const) {
    const at = startMs + 60_001
    await queryStore(
      url,
      `INSERT INTO events (at, kind, ${column}) VALUES (${at}, '${kind}', '${id}')`,
    )
  }

  await assert.rejects(
    restore(from, url),
    startError(/there is a store at .* already/, /--replace/),
  )
  const content = await contentOf(url)
  const outcome = await restore(from, url, { replace: true })
  assert.ok(outcome.kind === 'restored' && outcome.replaced !== undefined)
  const { kept, undone } = outcome.replaced
  const at = startMs + 60_001
  assert.deepEqual(undone, [
    { at: at - 1, kind: 'key-withdrawn', subject: 'stolen', name: undefined },
    { at, kind: 'account-blocked', subject: accountIdOf('alice'), name: 'alice' },
    { at, kind: 'account-deleted', subject: accountIdOf('gone'), name: undefined },
    { at, kind: 'client-disabled', subject: machine.clientId, name: machine.name },
  ])
  assert.deepEqual(await contentOf(`sqlite:${kept}`), content)
  assert.equal(statSync(path).mode & 0o777, 0o600)
  const files = readdirSync(dirname(path)).toSorted()
  assert.deepEqual(
    files.map((file) => file.replace(/replaced-\w+/, 'replaced')),
    ['identity.db', 'identity.db.high-water', 'identity.db.replaced'],
  )
})

test('a store that is damaged is replaced, and kept beside as it is', async (t) => {
  const url = await sqlite.createStore(t)
  const path = pathOf(url)
  await fillStore(url)
  const from = await backUp(t, url)
  writeFileSync(path, 'this is no database any more'.repeat(1000))
  writeFileSync(`${path}-wal`, 'and this was beside it')
  const outcome = await restore(from, url, { replace: true })
  assert.ok(outcome.kind === 'restored' && outcome.replaced !== undefined)
  const { kept, undone } = outcome.replaced
  assert.equal(undone, undefined)
  assert.match(readFileSync(kept, 'utf8'), /no database any more/)
  assert.ok(!existsSync(`${path}-wal`), 'it would be taken for a part of the other store')
  const { database, epoch } = await openPartsAt(url, atStart)
  assert.equal(epoch.kind, 'renewed')
  await database.close()
})

test('what a deleted store has left beside its place is not taken for a part of the one that comes', async (t) => {
  const source = await sqlite.createStore(t)
  await fillStore(source)
  const from = await backUp(t, source)
  const target = await sqlite.createStore(t)
  writeFileSync(`${pathOf(target)}-wal`, 'of another store')
  const refusal = startError(/identity\.db-wal lies beside/, /Move it away/)
  await assert.rejects(restore(from, target, { replace: true }), refusal)
  assert.deepEqual(readdirSync(dirname(pathOf(target))), ['identity.db-wal'])
})

test('a store that is in use is not replaced', async (t) => {
  const url = await sqlite.createStore(t)
  await fillStore(url)
  const from = await backUp(t, url)
  const { parts, database } = await openPartsAt(url, atStart)
  const inUse = startError(/is in use/, /Stop identity/)
  await assert.rejects(restore(from, url, { replace: true }), inUse)
  assert.ok((await loginWith(parts)).sessionId !== '')
  await database.close()
  const folder = readdirSync(dirname(pathOf(url)))
  assert.ok(
    folder.every((name) => name.startsWith('identity.db')),
    folder.join(),
  )
})

testOnPostgres('a server with a store in it is left alone', async (t, postgres) => {
  const url = await postgres.createStore(t)
  await fillStore(url)
  const from = await backUp(t, url)
  const content = await contentOf(url)
  await assert.rejects(restore(from, url), startError(/there is a store in .* already/))
  await assert.rejects(restore(from, url, { replace: true }), startError(/is not replaced/))
  assert.deepEqual(await contentOf(url), content)
})

testOnPostgres(
  'a restore that fails on the way leaves nothing in the server',
  async (t, postgres) => {
    const source = await sqlite.createStore(t)
    await fillStore(source)
    const from = await backUp(t, source)
    const target = await postgres.createStore(t)
    await (await openPartsAt(target, atStart, [])).database.close()
    for (const table of ['revocation_head', 'clients', 'events'])
      await queryStore(target, `DELETE FROM ${table}`)
    await queryStore(target, 'ALTER TABLE revocations ADD CONSTRAINT broken CHECK (seq < 0)')
    const content = await contentOf(target)
    await assert.rejects(restore(from, target), /violates check constraint/)
    assert.deepEqual(await contentOf(target), content)
  },
)
