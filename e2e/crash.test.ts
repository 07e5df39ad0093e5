import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { test } from 'node:test'
import { runCrashes } from './crash/run.ts'
import { summaryOf, totalOf } from './crash/summary.ts'
import { newFolder, removeFolder } from './running-system.ts'

const kills = 50

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

    // A load that did nothing, or kills that hit nothing, would be green as well.
    assert.equal(survived, kills)
    assert.ok((report.answered.get('refresh') ?? 0) > kills * 10, 'too few refreshes')
    assert.ok(report.revocations > kills, 'too few revocations')
    assert.ok(totalOf(report.unanswered) > kills, 'the kills hit too few calls')
    assert.ok(report.committedUnanswered > 0, 'no kill came between a commit and its answer')
    assert.ok(report.keyRotations > 0, 'the keys never rotated')
    assert.ok(report.frames > kills, 'the feed was hardly read')
  },
)
