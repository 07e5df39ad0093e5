import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { test } from 'node:test'
import { hasPostgres } from '../tools/postgres-server.ts'
import { runCrashes } from './crash/run.ts'
import { gapsIn, summaryOf } from './crash/summary.ts'
import { newFolder, removeFolder } from './running-system.ts'

// `npm run verify` kills fifty times on each by the command below; here are a few, for every change.
const plans = [
  { engine: 'sqlite', kills: 8 },
  { engine: 'postgres', kills: 3 },
] as const
const hasServer = await hasPostgres()

for (const { engine, kills } of plans) {
  test(
    `identity killed ${kills} times under load on ${engine} keeps every acknowledgement`,
    {
      timeout: 180_000,
      skip: engine === 'postgres' && !hasServer && 'npm has no PostgreSQL for this machine',
    },
    async (t) => {
      const seed = randomInt(1_000_000_000)
      t.diagnostic(
        `repeat the plan with: npm run test:crash -- --kills ${kills} --engine ${engine} --seed ${seed}`,
      )
      const folder = newFolder()
      let survived = 0
      const onSurvived = (killed: number): void => void (survived = killed)
      const report = await runCrashes({ kills, seed, engine, folder, onSurvived })
      t.diagnostic(summaryOf(report))
      removeFolder(folder)

      assert.equal(survived, kills)
      assert.deepEqual(gapsIn(report, { kills, engine }), [])
    },
  )
}
