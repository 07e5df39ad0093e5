import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { openOrderBook } from '../src/order-book.ts'
import { temporaryFolder } from './running-orders.ts'

test('the newest orders come first, and a list ends after a hundred', (t) => {
  let nowMs = Date.UTC(2026, 10, 22)
  const path = join(temporaryFolder(t), 'orders.db')
  const orders = openOrderBook(path, () => (nowMs += 1000))
  t.after(orders.close)
  for (let number = 1; number <= 101; number += 1) {
    orders.create({
      owner: number % 2 === 0 ? 'alice' : 'bob',
      item: `lamp ${number}`,
      quantity: 1,
    })
  }
  const all = orders.list('everybody')
  assert.equal(all.length, 100)
  assert.deepEqual([all[0]?.item, all[99]?.item], ['lamp 101', 'lamp 2'])
  const own = orders.list({ owner: 'alice' })
  assert.equal(own.length, 50)
  assert.ok(own.every(({ owner }) => owner === 'alice'))
})

test('a closed and reopened book holds the same orders, cancelled ones included', (t) => {
  const path = join(temporaryFolder(t), 'orders.db')
  const first = openOrderBook(path)
  const kept = first.create({ owner: 'alice', item: 'lamp', quantity: 1 })
  const cancelled = first.create({ owner: 'alice', item: 'chair', quantity: 2 })
  const outcome = first.cancel(cancelled.id)
  assert.ok(outcome.kind === 'cancelled')
  assert.deepEqual({ ...outcome.order }, { ...cancelled, status: 'cancelled' })
  first.close()
  const second = openOrderBook(path)
  t.after(second.close)
  assert.deepEqual({ ...second.find(kept.id, 'everybody') }, kept)
  assert.equal(second.find(cancelled.id, { owner: 'alice' })?.status, 'cancelled')
  assert.equal(second.find(kept.id, { owner: 'bob' }), undefined)
  assert.deepEqual(second.cancel('unknown'), { kind: 'unknown' })
})
