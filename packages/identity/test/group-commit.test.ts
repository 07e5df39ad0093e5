import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { createGroupCommit } from '../src/store/group-commit.ts'

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
