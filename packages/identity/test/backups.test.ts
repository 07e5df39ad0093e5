import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import {
  cpSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { backUpStore } from '../src/backup.ts'
import { backUp, backupSealingKey, fillStore, folderOf, restore } from './backed-up-store.ts'
import { openSqlite } from '../src/store/sqlite.ts'
import { sqliteMigrations } from '../src/store/migrations/sqlite.ts'
import { sqlite, testOnEngines, testOnPostgres } from './engines.ts'
import { storeIssuer } from './opened-store.ts'
import { startError } from './start-error.ts'
import { queryStore } from './store-query.ts'

/** A way to spoil a backup, and what is said of it. */
const spoiled: Readonly<Record<string, readonly [(from: string) => void, RegExp]>> = {
  'is gone': [(from) => rmSync(from, { recursive: true }), /there is no backup at/],
  'has no manifest': [(from) => rmSync(join(from, 'manifest.json')), /is no backup: its manifest/],
  'has a manifest that is not JSON': [
    (from) => writeFileSync(join(from, 'manifest.json'), '{'),
    /does not describe a backup/,
  ],
  'is described in another way': [
    (from) => changeManifest(from, { sha256: 'short' }),
    /does not describe a backup: \/sha256/,
  ],
  'is something else': [
    (from) => changeManifest(from, { format: 'cookbook' }),
    /does not describe a backup: \/format/,
  ],
  'is of a newer release': [
    (from) => changeManifest(from, { version: 2, taken_at: undefined, written: 'yesterday' }),
    /was written by a newer release \(format 2\)/,
  ],
  'is of another issuer': [
    (from) => changeManifest(from, { issuer: 'https://staging.example' }),
    /is of another issuer: https:\/\/staging\.example/,
  ],
  'has no store': [(from) => rmSync(join(from, 'store.sqlite')), /cannot be copied/],
  'was cut off': [
    (from) => truncateSync(join(from, 'store.sqlite'), 8192),
    /is not the one that was written: it has 8192 bytes/,
  ],
  'goes on for ever': [
    (from) => {
      rmSync(join(from, 'store.sqlite'))
      symlinkSync('/dev/zero', join(from, 'store.sqlite'))
    },
    /is not the one that was written: it has more than the \d+ bytes/,
  ],
  'was altered': [
    (from) => changeStore(from, "UPDATE accounts SET identifier = 'mallory'"),
    /is not the one that was written: its digest/,
  ],
  'has the store of another day': [
    (from) => {
      changeStore(from, 'UPDATE revocation_head SET seq = seq + 1')
      const [bytes, sha256] = digest(from)
      changeManifest(from, { bytes, sha256 })
    },
    /its revocation log is not where the manifest says/,
  ],
}

function changeManifest(from: string, members: object): void {
  const path = join(from, 'manifest.json')
  const manifest = JSON.parse(readFileSync(path, 'utf8')) as object
  writeFileSync(path, JSON.stringify({ ...manifest, ...members }))
}

function changeStore(from: string, sql: string): void {
  const store = new DatabaseSync(join(from, 'store.sqlite'))
  store.exec(sql)
  store.close()
}

function digest(from: string): readonly [bytes: number, sha256: string] {
  const bytes = readFileSync(join(from, 'store.sqlite'))
  return [bytes.length, createHash('sha256').update(bytes).digest('hex')]
}

test('a store that a symbolic link leads to is replaced where it is', async (t) => {
  const source = await sqlite.createStore(t)
  await fillStore(source)
  const from = await backUp(t, source)
  const folder = folderOf(t)
  const [target, link] = [join(folder, 'disk', 'identity.db'), join(folder, 'identity.db')]
  await restore(from, `sqlite:${target}`)
  symlinkSync(target, link)
  const before = statSync(target).ino
  const outcome = await restore(from, `sqlite:${link}`, { replace: true })
  assert.ok(outcome.kind === 'restored')
  assert.ok(lstatSync(link).isSymbolicLink())
  assert.notEqual(statSync(target).ino, before)
  assert.equal(statSync(outcome.replaced?.kept ?? '').ino, before)
  assert.equal(dirname(outcome.replaced?.kept ?? ''), dirname(target))
})

/** What somebody can do who can write to the folder of a backup, and has no key. */
const forged: Readonly<Record<string, (from: string) => void>> = {
  'with other roles': (from) =>
    changeAndDescribe(from, `UPDATE accounts SET roles = '["identity-admin"]'`),
  'with a trigger that undoes revocations': (from) =>
    changeAndDescribe(
      from,
      'CREATE TRIGGER undo AFTER INSERT ON revocations BEGIN DELETE FROM revocations; END',
    ),
  'of another day': (from) => changeManifest(from, { taken_at: '2026-01-01T00:00:00.000Z' }),
}

function changeAndDescribe(from: string, sql: string): void {
  changeStore(from, sql)
  const [bytes, sha256] = digest(from)
  changeManifest(from, { bytes, sha256 })
}

test('a backup that was altered with its manifest is not put back for whoever has the sealing key', async (t) => {
  const source = await sqlite.createStore(t)
  await fillStore(source)
  const whole = await backUp(t, source)
  const target = join(folderOf(t), 'here', 'identity.db')
  const sealingKeys = { sealingKey: backupSealingKey }
  for (const [how, forge] of Object.entries(forged)) {
    const from = join(folderOf(t), 'backup')
    cpSync(whole, from, { recursive: true })
    forge(from)
    const refusal = startError(/is not the one that was written: the seal of its manifest/)
    await assert.rejects(restore(from, `sqlite:${target}`, { sealingKeys }), refusal, how)
    changeManifest(from, { seal: undefined })
    const unsealed = startError(/has no seal/, /--dangerously-take-unsealed/)
    await assert.rejects(restore(from, `sqlite:${target}`, { sealingKeys }), unsealed, how)
    assert.ok(!existsSync(target), how)
  }
  changeManifest(whole, { seal: undefined })
  const taken = { sealingKeys, dangerouslyTakeUnsealed: true }
  assert.equal((await restore(whole, `sqlite:${target}`, taken)).kind, 'restored')
})

test('a backup is not sealed with a key that does not open it', async (t) => {
  const source = await sqlite.createStore(t)
  await fillStore(source)
  const writeTo = join(folderOf(t), 'backup')
  const sealingKeys = { sealingKey: randomBytes(32) }
  const asked = backUpStore({ database: source, issuer: storeIssuer, writeTo, sealingKeys })
  await assert.rejects(asked, startError(/does not open what is sealed in this store/))
  assert.deepEqual(readdirSync(dirname(writeTo)), [])
})

/** What the steps of the schema did not make, and how it is named. */
const foreign: readonly (readonly [sql: string, named: RegExp])[] = [
  [
    'CREATE TRIGGER undo AFTER INSERT ON revocations BEGIN DELETE FROM revocations; END',
    /has the trigger undo/,
  ],
  ['CREATE VIEW admins AS SELECT * FROM accounts', /has the view admins/],
  ['CREATE TABLE cakes (id text)', /has the table cakes/],
  ['ALTER TABLE revocations ADD COLUMN cake text', /has the table revocations/],
  ['CREATE UNIQUE INDEX one_only ON revocations (kind)', /has the index one_only/],
  ['DROP TABLE activity', /lacks the table activity/],
]

test('a store with something that no release makes is neither put back nor opened', async (t) => {
  const source = await sqlite.createStore(t)
  await fillStore(source)
  const whole = await backUp(t, source)
  const target = join(folderOf(t), 'here', 'identity.db')
  for (const [sql, named] of foreign) {
    const from = join(folderOf(t), 'backup')
    cpSync(whole, from, { recursive: true })
    changeAndDescribe(from, sql)
    // As where the sealing key is not at hand.
    await assert.rejects(restore(from, `sqlite:${target}`), startError(named), sql)
    assert.ok(!existsSync(target), sql)
    await assert.rejects(openSqlite(join(from, 'store.sqlite'), {}), startError(named), sql)
  }
  assert.equal((await restore(whole, `sqlite:${target}`)).kind, 'restored')
})

test('a backup that is not what was written is named as that, and nothing is touched', async (t) => {
  const source = await sqlite.createStore(t)
  await fillStore(source)
  const whole = await backUp(t, source)
  const target = join(folderOf(t), 'here', 'identity.db')
  for (const [how, [spoil, message]] of Object.entries(spoiled)) {
    const from = join(folderOf(t), 'backup')
    cpSync(whole, from, { recursive: true })
    spoil(from)
    await assert.rejects(restore(from, `sqlite:${target}`), startError(message), how)
    assert.ok(!existsSync(target), how)
  }
  const wrong = { sealingKeys: { sealingKey: randomBytes(32) } }
  const refusal = startError(/sealed with another sealing key/, /the key that was in use/)
  await assert.rejects(restore(whole, `sqlite:${target}`, wrong), refusal)
  assert.deepEqual(readdirSync(dirname(target)), [])
  const rolled = {
    sealingKeys: { sealingKey: randomBytes(32), previousSealingKey: backupSealingKey },
  }
  assert.equal((await restore(whole, `sqlite:${target}`, rolled)).kind, 'restored')
})

/** Into the table that is copied last. */
const insertLate = (id: number): string =>
  `INSERT INTO undelivered_events (stream_id, event_id, at, tries, why) VALUES ('one', ${id}, 1, 1, 'late')`

testOnEngines(
  'a backup is of one moment, however much is committed meanwhile',
  async (t, engine) => {
    const source = await engine.createStore(t)
    await fillStore(source)
    await queryStore(
      source,
      `WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 150000)
       INSERT INTO used_proofs (key, until_at) SELECT 'a proof that was used before ' || n, 1 FROM numbers`,
    )
    const writeTo = join(folderOf(t), 'backup')
    const commits: Promise<unknown>[] = []
    const onProgress = (): void => {
      if (commits.length < 5) commits.push(queryStore(source, insertLate(commits.length)))
    }
    await backUpStore({ database: source, issuer: storeIssuer, writeTo, onProgress })
    assert.ok((await Promise.all(commits)).length > 0, 'nothing was committed meanwhile')
    const copy = `sqlite:${join(writeTo, 'store.sqlite')}`
    assert.deepEqual(await queryStore(copy, 'SELECT why FROM undelivered_events'), [])
    const [proofs] = await queryStore(copy, 'SELECT count(*) AS count FROM used_proofs')
    assert.equal(proofs?.['count'], 150_000)
  },
)

test('a backup of a newer release is refused by its schema', async (t) => {
  const source = await sqlite.createStore(t)
  await fillStore(source)
  await queryStore(
    source,
    "INSERT INTO migrations (id, name, checksum, applied_at) VALUES (99, 'from later', 'x', 0)",
  )
  const from = await backUp(t, source)
  const target = join(folderOf(t), 'identity.db')
  await assert.rejects(
    restore(from, `sqlite:${target}`),
    startError(/newer release \(schema step 99/),
  )
  assert.ok(!existsSync(target))
})

testOnPostgres('a server of another release is not copied in part', async (t, postgres) => {
  const source = await postgres.createStore(t)
  await fillStore(source)
  await queryStore(
    source,
    "INSERT INTO migrations (id, name, checksum, applied_at, additive) VALUES (99, 'later', 'x', 0, 1)",
  )
  const writeTo = join(folderOf(t), 'backup')
  const refusal = startError(/has schema step 99/, /with the release that runs on it/)
  await assert.rejects(backUpStore({ database: source, issuer: storeIssuer, writeTo }), refusal)
  assert.deepEqual(readdirSync(dirname(writeTo)), [])
})

testOnEngines('what is no store of an issuer is not backed up', async (t, engine) => {
  const empty = await engine.createStore(t)
  await queryStore(empty, 'CREATE TABLE cakes (id text)')
  const writeTo = join(folderOf(t), 'backup')
  const refusal = startError(/is not a store that an issuer has run on/)
  await assert.rejects(backUpStore({ database: empty, issuer: storeIssuer, writeTo }), refusal)
  assert.deepEqual(readdirSync(dirname(writeTo)), [])
})

test('a backup is for its owner alone, says what it is, and replaces nothing', async (t) => {
  const source = await sqlite.createStore(t)
  await fillStore(source)
  const from = await backUp(t, source)
  assert.equal(statSync(from).mode & 0o777, 0o700)
  for (const name of ['manifest.json', 'store.sqlite']) {
    assert.equal(statSync(join(from, name)).mode & 0o777, 0o600, name)
  }
  const [bytes, sha256] = digest(from)
  const text = readFileSync(join(from, 'manifest.json'), 'utf8')
  const {
    taken_at: takenAt,
    epoch,
    seal,
    ...manifest
  } = JSON.parse(text) as Record<string, unknown>
  assert.match(String(takenAt), /^20\d\d-.*Z$/)
  assert.match(String(epoch), /^[A-Za-z0-9_-]{22}$/)
  assert.match(String(seal), /^v1\./)
  assert.deepEqual(manifest, {
    format: 'portcullis-backup',
    version: 1,
    issuer: storeIssuer,
    engine: 'SQLite',
    schema_step: sqliteMigrations.at(-1)?.id,
    seq: 1,
    bytes,
    sha256,
  })
  const again = backUpStore({ database: source, issuer: storeIssuer, writeTo: from })
  await assert.rejects(again, startError(/is there already/))
  const nowhere = {
    database: 'sqlite:nowhere.db',
    issuer: storeIssuer,
    writeTo: join(from, '..', 'other'),
  }
  await assert.rejects(backUpStore(nowhere), startError(/there is no store at nowhere\.db/))
})

test('a server that does not answer is unreachable, for a backup and for a restore', async (t) => {
  const source = await sqlite.createStore(t)
  await fillStore(source)
  const from = await backUp(t, source)
  const nowhere = 'postgres://nobody@127.0.0.1:1/none'
  const unreachable = { kind: 'unreachable', why: 'ECONNREFUSED' }
  assert.deepEqual(await restore(from, nowhere), unreachable)
  const writeTo = join(folderOf(t), 'backup')
  const asked = backUpStore({ database: nowhere, issuer: storeIssuer, writeTo })
  assert.deepEqual(await asked, unreachable)
  assert.deepEqual(readdirSync(dirname(writeTo)), [])
})
