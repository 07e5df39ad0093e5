import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isConclusive } from '../src/index.ts'

function concludes(made: number, notJudged: number): boolean {
  const rest = { refused: made - notJudged, accepted: 0, noted: 0, notMade: 0 }
  return isConclusive({ attacks: { made, notJudged, ...rest } })
}

test('that nothing was found says something only where three quarters were judged', () => {
  assert.deepEqual(
    [concludes(149, 0), concludes(100, 25), concludes(100, 26), concludes(149, 62)],
    [true, true, false, false],
  )
  assert.deepEqual([concludes(149, 149), concludes(0, 0)], [false, false])
})
