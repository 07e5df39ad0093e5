import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createGatheredSightings } from '../src/domain/anomalies/gathered-sightings.ts'
import { mondayMs } from './anomaly-world.ts'

test('a client that reports of thousands of followers leaves room for what others do', () => {
  const { notice, take, dropped } = createGatheredSightings(() => mondayMs)
  for (let follower = 0; follower < 6000; follower += 1) {
    const apart = { clientId: 'loud', follower: String(follower), apartMs: 9000 }
    notice({ kind: 'clock-apart', ...apart })
  }
  notice({ kind: 'tokens-refused', clientId: 'quiet', reason: 'bad-signature', times: 3 })
  const taken = take(10_000)
  assert.equal(taken.length, 501)
  assert.equal(taken.at(-1)?.kind, 'tokens-refused')
  assert.equal(dropped(), 5500)
  // What was written makes room again.
  notice({ kind: 'clock-apart', clientId: 'loud', follower: 'next', apartMs: 9000 })
  assert.equal(take(10_000).length, 1)
})
