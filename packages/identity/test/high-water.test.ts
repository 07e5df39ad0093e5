import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import type { HighWaterMark } from '../src/store/high-water.ts'
import { highWaterAt } from '../src/store/high-water.ts'
import { createTemporaryFolder } from './temporary-folder.ts'

interface Place {
  readonly markPath: string
  /** Writes a file of that name, as if so long ago. */
  readonly leave: (name: string, ageMs?: number) => void
  readonly names: () => readonly string[]
}

const mark = 'identity.db.high-water'
const hourMs = 3_600_000

function placeOf(t: TestContext): Place {
  const folder = createTemporaryFolder()
  t.after(folder.remove)
  const markPath = join(folder.path, mark)
  return {
    markPath,
    leave: (name, ageMs = 0) => {
      const path = join(folder.path, name)
      writeFileSync(path, 'half a')
      const { mtimeMs } = statSync(path)
      const at = new Date(mtimeMs - ageMs)
      utimesSync(path, at, at)
    },
    names: () => readdirSync(folder.path).toSorted(),
  }
}

function markAt(seq: number): HighWaterMark {
  return { epoch: 'E'.repeat(22), base: 0, seq, at: 1000 }
}

test('the draft of a process with the same number, as in two containers, is left alone', async (t) => {
  const { markPath, leave, names } = placeOf(t)
  const other = `${mark}.${process.pid}.draft`
  leave(other)
  await highWaterAt(markPath).raise(markAt(1))
  assert.equal(highWaterAt(markPath).read()?.seq, 1)
  assert.deepEqual(names(), [mark, other])
  assert.equal(readFileSync(markPath.replace(mark, other), 'utf8'), 'half a')
})

test('two over one file raise it in turn and lose nothing', async (t) => {
  const { markPath, names } = placeOf(t)
  const [one, other] = [highWaterAt(markPath), highWaterAt(markPath)]
  for (let seq = 2; seq <= 20; seq += 2) {
    await Promise.all([one.raise(markAt(seq)), other.raise(markAt(seq - 1))])
    assert.equal(one.read()?.seq, seq)
  }
  assert.deepEqual(names(), [mark])
})

test('drafts that crashes left are removed at the first mark of a process, and no others', async (t) => {
  const { markPath, leave, names } = placeOf(t)
  const stale = [`${mark}.1.draft`, `${mark}.0123456789abcdef.draft`]
  const kept = [`${mark}.fresh.draft`, 'identity.db', 'other.db.high-water.1.draft', `${mark}.copy`]
  for (const name of stale) leave(name, 2 * hourMs)
  for (const name of kept) leave(name, name.includes('fresh') ? hourMs / 2 : 2 * hourMs)
  const highWater = highWaterAt(markPath)
  assert.equal(names().length, stale.length + kept.length, 'removed before there was a mark')
  await highWater.raise(markAt(1))
  assert.deepEqual(names(), [mark, ...kept].toSorted())
})

test('what cannot be removed is in nobody’s way', async (t) => {
  const { markPath, names } = placeOf(t)
  const folder = `${markPath}.1.draft`
  mkdirSync(folder)
  utimesSync(folder, 0, 0)
  const highWater = highWaterAt(markPath)
  await highWater.raise(markAt(1))
  await highWater.raise(markAt(2))
  assert.equal(highWater.read()?.seq, 2)
  assert.deepEqual(names(), [mark, `${mark}.1.draft`])
})
