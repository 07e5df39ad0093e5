import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { openReviewBook } from '../src/review-book.ts'
import { temporaryFolder } from './running-reviews.ts'

test('the newest reviews come first, and a list ends after a hundred', (t) => {
  let nowMs = Date.UTC(2026, 10, 22)
  const path = join(temporaryFolder(t), 'reviews.db')
  const reviews = openReviewBook(path, () => (nowMs += 1000))
  t.after(reviews.close)
  for (let number = 1; number <= 101; number += 1) {
    reviews.add({ item: 'lamp', stars: 3, text: `number ${number}`, author: 'alice' })
  }
  for (const list of [reviews.ofItem('lamp', 'shown'), reviews.ofAuthor('alice')]) {
    assert.equal(list.length, 100)
    assert.deepEqual([list[0]?.text, list[99]?.text], ['number 101', 'number 2'])
  }
  assert.deepEqual(reviews.ofItem('chair', 'shown'), [])
})

test('a closed and reopened book holds the same reviews, removed ones included', (t) => {
  const path = join(temporaryFolder(t), 'reviews.db')
  const first = openReviewBook(path)
  const kept = first.add({ item: 'lamp', stars: 5, text: 'bright', author: 'alice' })
  const removed = first.add({ item: 'lamp', stars: 1, text: 'spam', author: 'bob' })
  assert.equal(first.remove(removed.id, 'mona')?.removedBy, 'mona')
  first.close()
  const second = openReviewBook(path)
  t.after(second.close)
  assert.deepEqual(second.ofItem('lamp', 'shown'), [kept])
  assert.equal(second.ofItem('lamp', 'removed too').length, 2)
  assert.deepEqual(second.ofAuthor('bob'), [{ ...removed, removedBy: 'mona' }])
  assert.equal(second.remove(removed.id, 'max')?.removedBy, 'mona')
  assert.equal(second.remove('none', 'mona'), undefined)
})
