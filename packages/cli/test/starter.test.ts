import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isGone } from '../src/dev/starter.ts'

test('a starter is gone when another process has its place, and not because nothing could be read of it', () => {
  const before = { parent: 20, grandparent: 10 }
  assert.equal(isGone(before, before), false)
  assert.equal(isGone(before, { parent: 1, grandparent: undefined }), true)
  assert.equal(isGone(before, { parent: 20, grandparent: 1 }), true)
  assert.equal(isGone(before, { parent: 20, grandparent: undefined }), false)
  const alone = { parent: 20, grandparent: undefined }
  assert.equal(isGone(alone, alone), false)
  assert.equal(isGone(alone, { parent: 1, grandparent: 0 }), true)
})
