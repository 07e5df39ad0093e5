import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import type { Database } from '../src/store/database.ts'
import { openDatabase } from '../src/store/open-database.ts'
import { createGroupCommit } from '../src/store/group-commit.ts'
import { insertAccount } from './opened-store.ts'
import { createTemporaryFolder } from './temporary-folder.ts'

interface OpenedFile {
  readonly database: Database
  readonly path: string
}

async function open(t: TestContext): Promise<OpenedFile> {
  const folder = createTemporaryFolder()
  t.after(folder.remove)
  const path = join(folder.path, 'identity.db')
  const database = await openDatabase(`sqlite:${path}`)
  t.after(database.close)
  return { database, path }
}

/**
 * How often the write-ahead log was committed to: the frame that ends a commit says how many pages the
 * database has then (sqlite.org/fileformat.html, section 4.1).
 */
function commitsIn({ path }: OpenedFile): number {
  const octets = readFileSync(`${path}-wal`)
  const frameBytes = 24 + octets.readUInt32BE(8)
  let commits = 0
  for (let at = 32; at + frameBytes <= octets.length; at += frameBytes) {
    if (octets.readUInt32BE(at + 4) !== 0) commits += 1
  }
  return commits
}

function insertMany({ database }: OpenedFile, ids: readonly string[]): Promise<unknown> {
  return Promise.all(ids.map((id) => database.write(insertAccount, [id, id])))
}

function idsFrom(first: number, count: number): readonly string[] {
  return Array.from({ length: count }, (_, at) => `${first + at}`)
}

async function countOf({ database }: OpenedFile): Promise<number> {
  return (await database.read('SELECT id FROM accounts')).length
}

test('changes that are asked for at once share a commit, as many of them as may', async (t) => {
  const file = await open(t)
  const before = commitsIn(file)
  await insertMany(file, idsFrom(0, 64))
  assert.equal(commitsIn(file), before + 1)
  await insertMany(file, idsFrom(100, 65))
  assert.equal(commitsIn(file), before + 3)
  await insertMany(file, ['alone'])
  assert.equal(commitsIn(file), before + 4)
  assert.equal(await countOf(file), 130)
})

test('nobody of a group is answered before all of it is committed', async (t) => {
  const file = await open(t)
  const before = commitsIn(file)
  const seen: number[] = []
  await Promise.all(
    idsFrom(0, 5).map(async (id) => {
      await file.database.write(insertAccount, [id, id])
      seen.push(commitsIn(file) - before, await countOf(file))
    }),
  )
  assert.equal(seen.length, 10)
  assert.deepEqual(new Set(seen), new Set([1, 5]))
})

test('when the commit of a group fails, all of it is refused and none of it was made', async (t) => {
  const file = await open(t)
  const spoil = file.database.transaction(async (query) => {
    await query('PRAGMA defer_foreign_keys = ON')
    await query(
      `INSERT INTO sessions (id, account_id, client_id, audiences, generation, seed, counter,
                             authenticated_at, last_used_at, idle_expires_at, expires_at)
       VALUES ('orphan', 'nobody', 'none', '[]', 0, '', 0, 0, 0, 0, 0)`,
    )
  })
  const others = idsFrom(0, 3).map((id) => file.database.write(insertAccount, [id, id]))
  const outcomes = await Promise.allSettled([spoil, ...others])
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    Array.from({ length: 4 }, () => 'rejected'),
  )
  assert.equal(await countOf(file), 0)
  await insertMany(file, idsFrom(0, 3))
  assert.equal(await countOf(file), 3)
})

test('a database that is closed has first done what was asked of it', async (t) => {
  const file = await open(t)
  const answers = insertMany(file, idsFrom(0, 100))
  await file.database.close()
  await answers
  const again = await openDatabase(`sqlite:${file.path}`)
  t.after(again.close)
  assert.equal(await countOf({ ...file, database: again }), 100)
})

test('a change that is asked for at any moment after another one was answered is made', async () => {
  const { commit } = createGroupCommit(new DatabaseSync(':memory:'))
  const momentsMax = 12
  for (let moments = 0; moments < momentsMax; moments += 1) {
    await commit(async () => 'the first')
    for (let moment = 0; moment < moments; moment += 1) await Promise.resolve()
    assert.equal(await commit(async () => 'the second'), 'the second')
  }
})

test('a change that comes after the end is refused, and not left waiting', async () => {
  const connection = new DatabaseSync(':memory:')
  const { commit, idle } = createGroupCommit(connection)
  await commit(async () => 'in time')
  await idle()
  connection.close()
  await assert.rejects(
    commit(async () => 'too late'),
    { code: 'ERR_INVALID_STATE' },
  )
  await assert.rejects(
    commit(async () => 'and later'),
    { code: 'ERR_INVALID_STATE' },
  )
})
