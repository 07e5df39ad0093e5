import assert from 'node:assert/strict'
import { test } from 'node:test'
import { feedFailed } from '../src/revocation/feed-failure.ts'
import { createFeedTally } from '../src/revocation/feed-tally.ts'
import type { SnapshotsOptions } from '../src/revocation/snapshots.ts'
import { createSnapshots } from '../src/revocation/snapshots.ts'
import { processTimers } from '../src/timers.ts'

const never = (): never => assert.fail('there is no snapshot')

test('whoever asks again before Retry-After is over hears what is left of it, and the issuer is not asked', async () => {
  let nowMs = 0
  let asked = 0
  const failure = { ...feedFailed('it answered 503'), retryAfterMs: 2_000 }
  const parts: Pick<SnapshotsOptions, 'client' | 'forgetMetadata' | 'isFresh' | 'monotonic'> = {
    client: {
      snapshot: async () => {
        asked += 1
        return failure
      },
      leaveNearby: never,
    },
    isFresh: never,
    forgetMetadata: () => undefined,
    monotonic: () => nowMs,
  }
  const keys = { openManifest: never } as unknown as SnapshotsOptions['keys']
  const log = { joinSnapshot: never } as unknown as SnapshotsOptions['log']
  const { take } = createSnapshots({
    ...parts,
    keys,
    log,
    tally: createFeedTally('i', processTimers, never),
  })
  assert.deepEqual(await take(), failure)
  nowMs = 1_999
  assert.equal((await take())?.retryAfterMs, 1)
  assert.equal(asked, 1)
  nowMs = 2_000
  assert.deepEqual(await take(), failure)
  assert.equal(asked, 2)
})
