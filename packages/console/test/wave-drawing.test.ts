import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Receipts } from '@portcullis/client/admin'
import type { Lane, Mark } from '../src/revocation/lanes.ts'
import { lanesOf } from '../src/revocation/lanes.ts'
import { labelsThatFit, scaleTo } from '../src/revocation/scale.ts'
import type { Stacks } from '../src/revocation/stacks.ts'
import { stack } from '../src/revocation/stacks.ts'
import type { PretendReceipts } from './pretend-receipts.ts'
import { committedAt, pretendReceipts } from './pretend-receipts.ts'

const width = 600
const waitingWidth = 96

function drawn(given: PretendReceipts, heightMax = 200): Stacks {
  const receipts = pretendReceipts(given)
  const scale = scaleTo(receipts.slowestMs ?? 0)
  const marks = lanesOf(receipts).flatMap((lane) => lane.marks)
  return stack(marks, { width, waitingWidth, heightMax, scale })
}

function assertApart({ placed, diameter }: Stacks): void {
  for (const [at, one] of placed.entries()) {
    for (const other of placed.slice(at + 1)) {
      const apart = Math.max(Math.abs(one.x - other.x), Math.abs(one.y - other.y))
      assert.ok(apart >= diameter - 1e-9, `${one.mark.key} lies on ${other.mark.key}`)
    }
  }
}

/** Which of labels with these ends are kept. */
function row(...spans: readonly (readonly [number, number])[]): readonly string[] {
  return labelsThatFit(spans.map(([from, to]) => ({ from, to }))).map(
    ({ from, to }) => `${from}-${to}`,
  )
}

test('the scale shows some milliseconds and half a minute, and what is later stands later', () => {
  const quick = scaleTo(0)
  assert.deepEqual(quick.ticksMs, [0, 5, 10, 20, 50, 100])
  assert.equal(quick.placeOf(0), 0)
  assert.equal(quick.placeOf(100), 1)
  const slow = scaleTo(30_000)
  assert.equal(slow.ticksMs.at(-1), 60_000)
  const moments = [0, 1, 4, 5, 6, 99, 100, 101, 5_000, 29_999, 30_000, 60_000]
  const places = moments.map(slow.placeOf)
  assert.deepEqual(
    places.toSorted((one, other) => one - other),
    places,
  )
  assert.equal(new Set(places).size, moments.length)
  const hours = scaleTo(5 * 3_600_000)
  assert.equal(hours.placeOf(5 * 3_600_000), 1, 'what lies beyond the scale stands at its end')
})

test('labels that would touch are left out, and the last never', () => {
  assert.deepEqual(row(), [])
  assert.deepEqual(row([0, 10]), ['0-10'])
  assert.deepEqual(row([0, 10], [18, 28], [40, 50]), ['0-10', '18-28', '40-50'])
  assert.deepEqual(row([0, 10], [17, 28], [40, 50]), ['0-10', '40-50'])
  assert.deepEqual(row([0, 10], [18, 34], [40, 50]), ['0-10', '40-50'])
  assert.deepEqual(row([0, 45], [40, 50]), ['40-50'])
})

test('one follower stands at its time, also when that is nothing', () => {
  const [one, ...others] = drawn({ tookMs: [10] }).placed
  assert.deepEqual(others, [])
  assert.equal(one?.x, (2 / 5) * width)
  const [first] = drawn({ tookMs: [0] }).placed
  assert.equal(first?.share, 0)
  assert.ok(first.x >= 0 && first.x <= 12, 'it is wholly in the picture')
  assert.deepEqual(drawn({}).placed, [])
})

test('those of the same moment stand on each other, and nobody hides another', () => {
  const two = drawn({ tookMs: [43, 43] })
  const [low, high] = two.placed
  assert.equal(low?.x, high?.x)
  assertApart(two)
  for (const count of [12, 200])
    assertApart(drawn({ tookMs: Array.from({ length: count }, () => 0) }))
  assertApart(drawn({ tookMs: Array.from({ length: 60 }, (_, at) => (at * 7) % 40) }))
})

test('two thousand are all drawn, as high as there is room at the most, also those of one moment', () => {
  for (const tookOf of [(at: number) => at % 97, () => 0, () => 7, () => 100]) {
    assertFits(Array.from({ length: 2_000 }, (_, at) => tookOf(at)))
  }
})

function assertFits(tookMs: readonly number[]): void {
  const { placed, height, diameter } = drawn({ tookMs })
  assert.equal(placed.length, 2_000)
  assert.ok(height <= 200 && diameter >= 2, `${height} high, of ${diameter}`)
  assert.ok(placed.every(({ x, y }) => x >= 0 && x <= width && y >= 0 && y <= height))
  const places = new Set(placed.map(({ x, y }) => `${x.toFixed(3)} ${y.toFixed(3)}`))
  assert.equal(places.size, 2_000)
}

test('a straggler of half a minute stands far from the others and moves none of them', () => {
  const { placed } = drawn({ tookMs: [8, 9, 30_000] })
  const [one, two, straggler] = placed.map(({ x }) => x)
  assert.ok(one !== undefined && two !== undefined && straggler !== undefined)
  assert.ok(straggler > 4 * two && straggler < width)
})

test('of whom there is no time stands beyond the scale', () => {
  const { placed } = drawn({
    tookMs: [5, undefined],
    unknown: [committedAt],
    refusing: [committedAt],
  })
  const beyond = placed.filter(({ x }) => x > width).map(({ mark }) => mark.state)
  assert.deepEqual(beyond, ['unknown', 'refusing', 'applied'])
  assert.ok(placed.every(({ x }) => x < width + waitingWidth))
})

test('each client and its software has a line, and where there are too many all have one', () => {
  const receipts = pretendReceipts({ tookMs: [1, 2, 3] })
  const receiptsOf = (count: number): Receipts => ({
    ...receipts,
    followers: Array.from({ length: count }, (_, at) => ({
      client: `c${String(at).padStart(2, '0')}`,
      follower: 'F'.repeat(22),
      state: 'applied',
      afterMs: 1,
    })),
    latencies: [{ upToMs: 5, followers: count }],
    applied: count,
  })
  const renamed = (count: number): readonly Lane[] => lanesOf(receiptsOf(count))
  assert.equal(renamed(10).length, 10)
  assert.deepEqual(
    renamed(3).map(({ client }) => client),
    ['c00', 'c01', 'c02'],
  )
  const byName = lanesOf(receiptsOf(3), (client) => `${9 - Number(client.slice(1))}`)
  assert.deepEqual(
    byName.map(({ client }) => client),
    ['c02', 'c01', 'c00'],
  )
  const [all, ...none] = renamed(11)
  assert.deepEqual([all?.key, all?.marks.length, none], ['all', 11, []])
})

test('those that are only counted are drawn within the bounds that they were counted by', () => {
  const tookMs = [
    ...Array.from({ length: 1_980 }, (_, at) => 1 + (at % 90)),
    ...Array.from({ length: 10 }, () => undefined),
  ]
  const unknown = Array.from({ length: 210 }, () => committedAt)
  const [lane, ...others] = lanesOf(pretendReceipts({ tookMs, unknown }))
  assert.deepEqual(others, [])
  const marks = lane?.marks ?? []
  const of = (fits: (mark: Mark) => boolean): number => marks.filter(fits).length
  assert.equal(
    of(({ state }) => state === 'unknown'),
    210,
  )
  assert.equal(
    of(({ state, afterMs }) => state === 'applied' && afterMs === undefined),
    10,
  )
  assert.equal(
    of(({ afterMs }) => afterMs !== undefined),
    1_980,
  )
  const within = (ms: number): number => of(({ afterMs }) => afterMs !== undefined && afterMs <= ms)
  for (const bound of [5, 10, 20, 50, 100]) {
    const expected = tookMs.filter((ms) => ms !== undefined && ms <= bound).length
    assert.equal(within(bound), expected, `up to ${bound} ms`)
  }
  assert.equal(new Set(marks.map(({ key }) => key)).size, marks.length)
})
