import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { getPriority } from 'node:os'
import process from 'node:process'
import { test } from 'node:test'
import { normalisePassword } from '../src/domain/passwords.ts'
import { hashPassword } from '../src/passwords/hasher.ts'
import { yieldToEventLoop } from '../src/passwords/hash-threads.ts'

const skip = process.platform === 'linux' ? false : 'threads have priorities of their own on Linux'

test('threads that hash are nicer than the event loop', { skip }, async () => {
  await hashPassword(normalisePassword('whatever'), { memoryKib: 1024, passes: 1, lanes: 1 })
  yieldToEventLoop()
  const threads = readdirSync('/proc/self/task').map((id) => ({
    name: readFileSync(`/proc/self/task/${id}/comm`, 'utf8').trim(),
    niceness: getPriority(Number(id)),
  }))
  const [loop] = threads
  const hashing = threads.filter(({ name }) => name === 'libuv-worker')
  assert.ok(loop !== undefined && hashing.length > 0, JSON.stringify(threads))
  for (const { niceness } of hashing) assert.ok(niceness > loop.niceness, `niceness ${niceness}`)
})
