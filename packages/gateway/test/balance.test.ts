import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseGatewaySettings } from '../src/index.ts'
import type { UpstreamLease } from '../src/upstream.ts'
import { createUpstreams } from '../src/upstream.ts'

const to = ['http://a.example', 'http://b.example', 'http://c.example']

function leaseOf(balance?: string): { next: () => ReturnType<UpstreamLease['next']> } {
  const { routes } = parseGatewaySettings({
    listen: { port: 0 },
    issuer: 'https://id.example',
    routes: [{ match: '/*', to, auth: { mode: 'none' }, ...(balance && { balance }) }],
  })
  const [route] = routes
  assert.ok(route)
  const lease = createUpstreams().lease(routes)
  return { next: () => lease.next(route) }
}

test('by default the services of a route take turns, and one that is full is passed over', () => {
  const { next } = leaseOf()
  const origins = Array.from({ length: 6 }, () => next().origin)
  assert.deepEqual(origins, [...to, ...to])
  const first = next()
  while (first.enter());
  assert.deepEqual(
    Array.from({ length: 4 }, () => next().origin),
    [to[1], to[2], to[1], to[1]],
  )
  first.leave()
  assert.ok(Array.from({ length: 3 }, () => next().origin).includes(first.origin))
})

test('least-busy asks one with the fewest requests under way, and those that are alike in turn', () => {
  const { next } = leaseOf('least-busy')
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
    const { next } = leaseOf(balance)
    let entered = 0
    while (next().enter()) entered += 1
    assert.equal(entered, 3 * 1024, balance)
  }
})
