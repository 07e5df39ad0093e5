import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createProgressLine } from '../src/progress-line.ts'

/** What it has written by then, of copies that take a second for each megabyte. */
function saidIn(isTTY: boolean): readonly string[] {
  const said: string[] = []
  const errors = { isTTY, write: (text: string) => said.push(text) > 0 }
  let seconds = 0
  const line = createProgressLine(errors, () => seconds * 1000)
  for (; seconds <= 12; seconds += 1) line.say({ done: seconds, total: 12, unit: 'MB' })
  line.clear()
  return said
}

test('a terminal shows how far a copy is on one line, which is gone at the end', () => {
  const said = saidIn(true)
  assert.equal(said.length, 13)
  assert.equal(said[0], '\r\u001b[K1 of 12 MB copied')
  assert.equal(said.at(-1), '\r\u001b[K')
})

test('a log has a line every ten seconds', () => {
  assert.deepEqual(saidIn(false), ['10 of 12 MB copied\n'])
})

test('where nobody knows how much there is, it says how much is done', () => {
  const said: string[] = []
  let now = 0
  const errors = { isTTY: false, write: (text: string) => said.push(text) > 0 }
  const line = createProgressLine(errors, () => now)
  now = 10_000
  line.say({ done: 3000, unit: 'rows' })
  assert.deepEqual(said, ['3000 rows copied\n'])
})
