import assert from 'node:assert/strict'
import { test } from 'node:test'
import { choiceOf, origins as to } from './choice.ts'

test('by default the services of a route take turns, and one that is full is passed over', () => {
  const { next } = choiceOf()
  const origins = Array.from({ length: 6 }, () => next().origin)
  assert.deepEqual(origins, [...to, ...to])
  const first = next()
  while (first.enter());
  assert.deepEqual(
    Array.from({ length: 4 }, () => next().origin),
    [to[1], to[2], to[1], to[2]],
  )
  first.leave()
  assert.ok(Array.from({ length: 3 }, () => next().origin).includes(first.origin))
})

test('least-busy asks one with the fewest requests under way, and those that are alike in turn', () => {
  const { next } = choiceOf({ balance: 'least-busy' })
  const counts = new Map<string, number>()
  for (let request = 0; request < 30; request += 1) {
    const upstream = next()
    upstream.enter()
    counts.set(upstream.origin, (counts.get(upstream.origin) ?? 0) + 1)
  }
  assert.deepEqual([...counts.values()], [10, 10, 10])
  const idle = next()
  for (let request = 0; request < 5; request += 1) idle.leave()
  for (let request = 0; request < 5; request += 1) {
    const upstream = next()
    assert.equal(upstream.origin, idle.origin)
    upstream.enter()
  }
  assert.equal(new Set(Array.from({ length: 3 }, () => next().origin)).size, 3)
})

test('where all are full, the request is refused', () => {
  for (const balance of ['round-robin', 'least-busy']) {
    const { next } = choiceOf({ balance })
    let entered = 0
    while (next().enter()) entered += 1
    assert.equal(entered, 3 * 1024, balance)
  }
})

test('how many requests a service gets at a time is a setting', () => {
  const { next } = choiceOf({ to: to.slice(0, 1) }, { requestsPerService: 7 })
  let entered = 0
  while (next().enter()) entered += 1
  assert.equal(entered, 7)
  next().leave()
  assert.equal(next().enter(), true)
})
