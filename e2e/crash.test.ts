import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { test } from 'node:test'
import { runCrashes } from './crash/run.ts'
import { gapsIn, summaryOf } from './crash/summary.ts'
import { newFolder, removeFolder } from './running-system.ts'

// `npm run verify` kills fifty times by the command below; here are a few, for every change.
const kills = 8

test(
  `identity killed ${kills} times under load keeps every acknowledgement`,
  { timeout: 180_000 },
  async (t) => {
    const seed = randomInt(1_000_000_000)
    t.diagnostic(`repeat the plan with: npm run test:crash -- --kills ${kills} --seed ${seed}`)
    const folder = newFolder()
    let survived = 0
    const onSurvived = (killed: number): void => void (survived = killed)
    const report = await runCrashes({ kills, seed, folder, onSurvived })
    t.diagnostic(summaryOf(report))
    removeFolder(folder)

    assert.equal(survived, kills)
    assert.deepEqual(gapsIn(report, kills), [])
  },
)
