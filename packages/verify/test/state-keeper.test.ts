import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Checkpoint } from '@portcullis/protocol/revocations'
import { firstChain } from '@portcullis/protocol/revocations'
import type { FollowedLog } from '../src/revocation/followed-log.ts'
import { createStateKeeper } from '../src/revocation/state-keeper.ts'
import { createRevocationTable } from '../src/revocation/table.ts'

test('what comes often is written now and then, and the last of it at the end', async () => {
  const epoch = 'A'.repeat(22)
  const checkpoint: Checkpoint = {
    iss: 'i',
    epoch,
    seq: 1,
    chain: firstChain(epoch),
    at: 0,
    kids: [],
  }
  let nowMs = 0
  let version = 0
  let due: { readonly callback: () => void; readonly atMs: number } | undefined
  const writes: number[] = []
  const keeper = createStateKeeper({
    file: {
      read: async () => undefined,
      write: async (_checkpoint, records) => {
        assert.deepEqual([...records], [])
        writes.push(nowMs)
        return writes.length === 2 ? 33_000_000 : 33
      },
    },
    log: { position: () => checkpoint, checkpoint: () => checkpoint } as unknown as FollowedLog,
    table: createRevocationTable('i'),
    version: () => version,
    wall: () => nowMs,
    timers: {
      monotonic: () => nowMs,
      random: () => 0,
      schedule: (callback, ms) => {
        due = { callback, atMs: nowMs + ms }
        return () => {
          due = undefined
        }
      },
      yieldTurn: () => assert.fail('nothing is cut into slices here'),
    },
  })
  const run = async (untilMs: number, isChanging: boolean): Promise<void> => {
    for (; nowMs <= untilMs; nowMs += 500) {
      if (isChanging) version += 1
      keeper.note()
      if (due !== undefined && due.atMs <= nowMs) {
        const { callback } = due
        due = undefined
        callback()
        await new Promise(setImmediate)
      }
    }
  }
  await run(60_000, true)
  // A long one takes its time: thirty seconds and some.
  assert.deepEqual(writes, [0, 5_000, 38_000, 43_000, 48_000, 53_000, 58_000])
  await run(300_000, false)
  assert.equal(writes.length, 8, 'once more for what came after the last')
  await run(400_000, false)
  assert.equal(writes.length, 9, 'and every five minutes, because lists of keys age')
  await keeper.close()
  assert.equal(writes.length, 9)
  version += 1
  await keeper.close()
  assert.equal(writes.length, 10)
})
