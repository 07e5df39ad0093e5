import assert from 'node:assert/strict'
import { randomBytes, randomInt } from 'node:crypto'
import { test } from 'node:test'
import { createLastOctets } from '../src/domain/last-octets.ts'

test('the last octets are those that were added last, and what was given out stays as it was', () => {
  const max = 1000
  const octets = createLastOctets(max)
  let all = Buffer.alloc(0)
  const given: { readonly part: Buffer; readonly copy: Buffer }[] = []
  for (let round = 0; round < 500; round += 1) {
    const added = randomBytes(randomInt(1, round % 50 === 49 ? 1500 : 40))
    octets.add(added)
    all = Buffer.concat([all, added])
    const count = randomInt(0, Math.min(max, all.length) + 1)
    const part = octets.last(count) ?? assert.fail('they are not there')
    assert.ok(part.equals(all.subarray(all.length - count)))
    given.push({ part, copy: Buffer.from(part) })
    assert.equal(octets.last(Math.min(max, all.length) + 1), undefined)
  }
  assert.ok(given.every(({ part, copy }) => part.equals(copy)))
})

test('few octets take little room, however many might come', () => {
  const octets = createLastOctets(100_000)
  for (let count = 0; count < 10; count += 1) octets.add(randomBytes(33))
  assert.ok((octets.last(330)?.buffer.byteLength ?? Infinity) < 100_000)
})
