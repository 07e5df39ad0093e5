import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMetrics } from '@portcullis/runtime'
import type { AlgorithmName } from '@portcullis/protocol/jws'
import { tellOfKeys } from '../src/told-ages.ts'
import { startMs } from './chosen-clock.ts'
import { sqlite } from './engines.ts'
import { openNode, publishedMsMin } from './opened-keyring.ts'

const two: ReadonlySet<AlgorithmName> = new Set(['ES256', 'EdDSA'])
const name = 'portcullis_signing_key_activation_timestamp_seconds'

function series(purpose: string, algorithm: string, atMs: number): string {
  return `${name}{purpose="${purpose}",algorithm="${algorithm}"} ${atMs / 1000}`
}

test('Prometheus is told since when each key signs, and of one key for each purpose and algorithm', async (t) => {
  const { keyring, clock } = await openNode(t, sqlite, two)
  const metrics = createMetrics({ ofProcess: false })
  tellOfKeys(keyring, metrics)
  const told = async (): Promise<readonly string[]> => {
    const { text } = await metrics.exposition()
    return text.split('\n').filter((line) => line.startsWith(name))
  }
  const first = [
    series('access-token', 'ES256', startMs),
    series('access-token', 'EdDSA', startMs),
    series('feed', 'ES256', startMs),
  ]
  assert.deepEqual((await told()).toSorted(), first)

  clock.advanceMs(publishedMsMin)
  assert.equal((await keyring.rotate({ algorithm: 'EdDSA' })).kind, 'rotated')
  const rotated = [...first]
  rotated[1] = series('access-token', 'EdDSA', clock.now())
  assert.deepEqual((await told()).toSorted(), rotated)
})
