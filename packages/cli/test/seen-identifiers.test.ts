import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSeenIdentifiers } from '../src/remote/seen-identifiers.ts'

test('the line that named an identifier first is known among many', () => {
  const seen = createSeenIdentifiers()
  const count = 50_000
  for (let line = 1; line <= count; line += 1) {
    assert.equal(seen.earlierLine(`person-${line}`, line), undefined)
  }
  for (let line = 1; line <= count; line += 1) {
    assert.equal(seen.earlierLine(`person-${line}`, count + line), line)
  }
  assert.equal(seen.earlierLine('person-0', 7), undefined)
})
