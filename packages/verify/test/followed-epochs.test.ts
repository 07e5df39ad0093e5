import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  encode,
  epoch,
  first,
  four,
  manifest,
  otherEpoch,
  over,
  startBench,
  startMs,
  startRestored,
} from './log-bench.ts'

test('an old snapshot of another epoch that is played back changes nothing', async () => {
  const { log, isVouched } = await startBench()
  const old = { ...manifest(four, startMs - 1), epoch: 'B'.repeat(22) }
  assert.equal(await log.joinSnapshot(old, encode(...four)), 'late')
  assert.equal(log.position()?.epoch, manifest(first, startMs).epoch)
  assert.ok(isVouched())
})

test('an epoch that was left does not come back by a word that a clock ahead has dated later', async () => {
  const { log, isVouched } = await startBench()
  const next = manifest(first, startMs + 1, otherEpoch)
  assert.equal(await log.joinSnapshot(next, encode(...first)), 'applied')
  for (const aheadMs of [2, 5_001, 3_600_000]) {
    const old = manifest(four, startMs + aheadMs)
    assert.equal(await log.joinSnapshot(old, encode(...four)), 'late', `${aheadMs} ms later`)
  }
  assert.deepEqual([log.position()?.epoch, isVouched()], [otherEpoch, true])
})

test('but where it was left for one that is played back, it comes back five seconds later', async () => {
  const { log } = await startBench(startMs + 5_002)
  const played = manifest(first, startMs + 1, otherEpoch)
  assert.equal(await log.joinSnapshot(played, encode(...first)), 'applied')
  const early = manifest(four, startMs + 5_001)
  assert.equal(await log.joinSnapshot(early, encode(...four)), 'late')
  const alive = manifest(four, startMs + 5_002)
  assert.equal(await log.joinSnapshot(alive, encode(...four)), 'applied')
  assert.equal(log.position()?.epoch, epoch)
})

test('after a restart an old snapshot of the epoch before takes the log back no more than without one', async () => {
  const later = over(four, startMs, otherEpoch)
  const { log, has, isVouched } = await startRestored(later)
  const old = manifest(first, startMs - 1)
  assert.equal(await log.joinSnapshot(old, encode(...first)), 'late')
  assert.deepEqual([log.position()?.epoch, log.position()?.seq], [otherEpoch, 4])
  assert.ok(!isVouched() && has('s1'))
  const next = manifest(first, startMs + 1, 'C'.repeat(22))
  assert.equal(await log.joinSnapshot(next, encode(...first)), 'applied')
  assert.equal(log.position()?.epoch, next.epoch)
  assert.equal(isVouched(), true)
})

test('a clock of the issuer that was far ahead before a restart keeps out no new epoch', async () => {
  const ahead = over(four, startMs + 3_600_000, otherEpoch)
  const { log, isVouched } = await startRestored(ahead)
  assert.equal(await log.joinSnapshot(manifest(first, startMs), encode(...first)), 'applied')
  assert.deepEqual([log.position()?.epoch, isVouched()], [epoch, true])
})
