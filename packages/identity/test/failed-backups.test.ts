import assert from 'node:assert/strict'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { tmpdir } from 'node:os'
import { Worker } from 'node:worker_threads'
import { once } from 'node:events'
import { backUpStore } from '../src/backup.ts'
import { mendable } from '../src/store/backups/failures.ts'
import { replaceFile } from '../src/store/backups/file-replacement.ts'
import { makeFolders } from '../src/store/flushed-names.ts'
import { openSqlite } from '../src/store/sqlite.ts'
import { backUp, fillStore, folderOf, pathOf, restore } from './backed-up-store.ts'
import { sqlite, testOnPostgres } from './engines.ts'
import { storeIssuer } from './opened-store.ts'
import { startError } from './start-error.ts'

function backUpTo(writeTo: string, database: string): Promise<unknown> {
  return backUpStore({ database, issuer: storeIssuer, writeTo })
}

test('what the system refuses a backup is told with its place, and with what to do', async (t) => {
  const folder = folderOf(t)
  const source = await sqlite.createStore(t)
  await fillStore(source)
  const file = join(folder, 'file')
  writeFileSync(file, 'no store, and no folder '.repeat(100))
  const refused: readonly (readonly [writeTo: string, database: string, RegExp, RegExp])[] = [
    [
      join(file, 'deep', 'backup'),
      source,
      /backup cannot be written: E\w+ at \/.*file/,
      /Check the path/,
    ],
    [join(folder, 'one'), `sqlite:${folder}`, /there is no store at/, /Name the database/],
    [join(folder, 'two'), `sqlite:${file}`, /cannot be read: file is not a database/, /damaged/],
  ]
  for (const [writeTo, database, message, remedy] of refused)
    await assert.rejects(backUpTo(writeTo, database), startError(message, remedy))
  const meanwhile = join(folder, 'backup')
  const begun = backUpTo(meanwhile, source)
  cpSync(file, join(meanwhile, 'file'))
  const message = /backup cannot be written: ENOTEMPTY at/
  await assert.rejects(begun, startError(message, /name another place/))
  assert.deepEqual(readdirSync(folder).toSorted(), ['backup', 'file'])
  assert.deepEqual(readdirSync(meanwhile), ['file'])
})

test('what the system refuses a restore is told with its place, and with what to do', async (t) => {
  const source = await sqlite.createStore(t)
  await fillStore(source)
  const from = await backUp(t, source)
  const folder = folderOf(t)
  const file = join(folder, 'file')
  writeFileSync(file, 'no folder')
  await assert.rejects(
    restore(from, `sqlite:${file}/deep/identity.db`),
    startError(/cannot be put back at .*identity\.db: E\w+ at .*file/, /Check the path/),
  )
  await assert.rejects(
    restore(from, `sqlite:${folder}`, { replace: true }),
    startError(/cannot be put back at .*: unable to open database file/, /belong to the user/),
  )
  rmSync(join(from, 'store.sqlite'))
  mkdirSync(join(from, 'store.sqlite'))
  await assert.rejects(
    restore(from, `sqlite:${folder}/identity.db`),
    startError(/the store of .* cannot be copied: EISDIR/, /Check the path/),
  )
  assert.deepEqual(readdirSync(folder), ['file'])
})

test('a full disk is named as that, whoever has met it', () => {
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), {
    code: 'ENOSPC',
    syscall: 'write',
  })
  assert.ok(startError(/^it failed: ENOSPC$/, /Make room/)(mendable('it failed', full)))
  const fullStore = Object.assign(new Error('database or disk is full'), { errcode: 13 })
  assert.ok(startError(/disk is full$/, /Make room/)(mendable('it failed', fullStore)))
  const bug = new TypeError('a bug')
  assert.equal(mendable('it failed', bug), bug)
})

test('a store that is replaced while somebody opens it is not opened', async (t) => {
  const url = await sqlite.createStore(t)
  const path = pathOf(url)
  await fillStore(url)
  const copy = join(folderOf(t), 'store.sqlite')
  cpSync(path, copy)
  cpSync(copy, `${path}.copy`)
  const inTheWay = new Worker(replacing, { eval: true, workerData: path })
  t.after(() => inTheWay.terminate())
  const ended = once(inTheWay, 'exit')
  await once(inTheWay, 'message')
  await assert.rejects(openSqlite(path, {}), startError(/was replaced by another one/, /restore/))
  await ended
  assert.ok(!existsSync(`${path}-wal`), 'it would be taken for a part of the other store')
  assert.deepEqual(readFileSync(path), readFileSync(copy))
  await (await openSqlite(path, {})).close()
})

/** What a restore does, from its lock to the rename; slow enough for somebody to come in between. */
const replacing = `
  const { DatabaseSync } = require('node:sqlite')
  const { renameSync } = require('node:fs')
  const { parentPort, workerData: path } = require('node:worker_threads')
  const store = new DatabaseSync(path)
  store.exec('PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE')
  parentPort.postMessage('locked')
  setTimeout(() => {
    renameSync(path + '.copy', path)
    store.close()
  }, 300)
`

/** On another file system, from where nothing can be renamed to this one. */
const elsewhere = ['/dev/shm', '/tmp'].find((folder) => {
  const found = statSync(folder, { throwIfNoEntry: false })
  return found !== undefined && found.dev !== statSync(tmpdir()).dev
})

for (const state of ['whole', 'damaged']) {
  test(`a store that is ${state} and cannot be replaced keeps its one name`, async (t) => {
    const url = await sqlite.createStore(t)
    const path = pathOf(url)
    if (elsewhere === undefined) return t.skip('there is one file system')
    await fillStore(url)
    if (state === 'damaged') {
      writeFileSync(path, 'this is no database any more'.repeat(1000))
      writeFileSync(`${path}-shm`, 'and this was beside it')
    }
    const before = readdirSync(dirname(path))
    const copyPath = join(elsewhere, `portcullis-${process.pid}-${state}`)
    writeFileSync(copyPath, 'the backup')
    t.after(() => rmSync(copyPath))
    const times = { knownUntil: 0, now: Date.now() }
    assert.throws(() => replaceFile(copyPath, path, times), { code: 'EXDEV' })
    assert.deepEqual(readdirSync(dirname(path)), before)
    assert.equal(statSync(path).nlink, 1)
  })
}

function temporaryFolderOf(t: TestContext): string {
  const folder = folderOf(t)
  const before = process.env['TMPDIR']
  process.env['TMPDIR'] = folder
  t.after(() => {
    if (before === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = before
  })
  return folder
}

test('what a killed restore has left in TMPDIR is removed by the next backup, a day later', async (t) => {
  const source = await sqlite.createStore(t)
  await fillStore(source)
  const writeTo = join(folderOf(t), 'backup')
  const temporary = temporaryFolderOf(t)
  const [old, fresh] = ['.0a.portcullis-draft', '.0b.portcullis-draft']
  for (const draft of [old, fresh]) {
    mkdirSync(join(temporary, draft))
    writeFileSync(join(temporary, draft, 'store.sqlite'), 'a whole store')
  }
  const twoDaysAgo = Date.now() / 1000 - 2 * 86_400
  utimesSync(join(temporary, old), twoDaysAgo, twoDaysAgo)
  await backUpTo(writeTo, source)
  assert.deepEqual(readdirSync(temporary), [fresh])
  process.env['TMPDIR'] = join(temporary, 'nowhere')
  await backUpTo(`${writeTo}-2`, source)
})

testOnPostgres(
  'a restore to a server has its copy under a name that is swept',
  async (t, postgres) => {
    const source = await sqlite.createStore(t)
    await fillStore(source)
    const from = await backUp(t, source)
    const target = await postgres.createStore(t)
    const temporary = temporaryFolderOf(t)
    const seen = new Set<string>()
    const onProgress = (): void => readdirSync(temporary).forEach((name) => seen.add(name))
    await restore(from, target, { onProgress })
    assert.equal(seen.size, 1)
    assert.match([...seen].join(), /^\.[0-9a-f]{16}\.portcullis-draft$/)
    assert.deepEqual(readdirSync(temporary), [])
  },
)

test('the name of each folder that is made survives a power cut', (t) => {
  const folder = folderOf(t)
  const flushed: string[] = []
  const flush = (name: string): number => flushed.push(name)
  makeFolders(join(folder, 'one', 'two', 'three'), flush)
  assert.deepEqual(flushed, [join(folder, 'one', 'two'), join(folder, 'one'), folder])
  assert.equal(statSync(join(folder, 'one', 'two', 'three')).mode & 0o777, 0o700)
  makeFolders(join(folder, 'one', 'two'), flush)
  assert.equal(flushed.length, 3)
})
