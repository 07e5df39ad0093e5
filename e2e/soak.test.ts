import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { test } from 'node:test'
import { faultsIn, summaryOf } from './soak/judge.ts'
import { runSoak } from './soak/run.ts'

// `npm run test:soak` sends a million; here are a few, for every change.
const tokens = 6_000

test(`${tokens} hostile tokens cost no memory and no requests`, { timeout: 120_000 }, async (t) => {
  const seed = randomInt(1_000_000_000)
  t.diagnostic(`repeat with: npm run test:soak -- --tokens ${tokens} --seed ${seed}`)
  const report = await runSoak({ tokens, seed })
  t.diagnostic(summaryOf(report))
  assert.deepEqual(faultsIn(report), [])
})
