import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeRecords, firstChain } from '@portcullis/protocol/revocations'
import type { RevocationRecord, Checkpoint } from '@portcullis/protocol/revocations'
import {
  encode,
  first,
  four,
  manifest,
  otherEpoch,
  over,
  session,
  startBench,
  startMs,
  startRestored,
} from './log-bench.ts'

test('a frame goes on from a snapshot, and an empty one moves the time', async () => {
  const { log, has, batches } = await startBench()
  const next = [...first, session(4), session(5)]
  assert.equal(
    await log.applyFrame(over(next, startMs + 1), encode(session(4), session(5))),
    'applied',
  )
  assert.ok(has('s4') && has('s5'))
  assert.equal(await log.applyFrame(over(next, startMs + 2), encode()), 'applied')
  assert.equal(log.checkpoint()?.at, startMs + 2)
  assert.deepEqual(log.position()?.seq, 5)
  assert.deepEqual(
    batches.map(({ records }) => records && decodeRecords(records)?.length),
    [undefined, 2, 0],
  )
})

test('a key that a checkpoint lists no more is told once, with the frame or snapshot that drops it', async () => {
  const { log, batches } = await startBench()
  await log.applyFrame({ ...over(first, startMs + 1), kids: ['a', 'b', 'c'] }, encode())
  await log.applyFrame({ ...over(first, startMs + 2), kids: ['b', 'c', 'd'] }, encode())
  await log.applyFrame({ ...over(first, startMs + 3), kids: ['b', 'c', 'd'] }, encode())
  await log.joinSnapshot({ ...manifest(first, startMs + 4), kids: ['d'] }, encode(...first))
  assert.deepEqual(
    batches.map(({ withdrawnKids }) => withdrawnKids),
    [[], [], ['a'], [], ['b', 'c']],
  )
})

test('records that a snapshot has brought already are passed over', async () => {
  const { log, has } = await startBench()
  const frame = encode(session(2), session(3), session(4))
  assert.equal(await log.applyFrame(over([...first, session(4)], startMs + 1), frame), 'applied')
  assert.ok(has('s4'))
  assert.equal(
    await log.applyFrame(over([...first, session(4)], startMs + 1), frame),
    'repeated',
    'again',
  )
  assert.equal(log.position()?.seq, 4)
})

test('a frame of 20,000 records is verified whole before any is joined, a few in a turn', async () => {
  const { log, table, batches } = await startBench()
  const many = Array.from({ length: 20_000 }, (_value, at) => session(at + 4, `m${at}`))
  const checkpoint = over([...first, ...many], startMs + 1)
  const bytes = encode(...many)
  const wrong = Buffer.from(bytes)
  wrong.writeUInt8(9, wrong.length - 10)
  assert.equal(await log.applyFrame(checkpoint, wrong), 'mismatch')
  assert.equal(table.size(), 3)

  const applied = log.applyFrame(checkpoint, bytes)
  const sizes = new Set<number>()
  for (let isApplied = false; !isApplied;) {
    isApplied = await Promise.race([applied.then(() => true), nextTurn().then(() => false)])
    if (isApplied) continue
    sizes.add(table.size())
    // In its middle the log still stands where it was.
    assert.deepEqual([log.position()?.seq, batches.length], [3, 1])
  }
  const steps = [...sizes].toSorted((one, other) => one - other)
  assert.ok(steps.length > 40, `${steps.length} turns`)
  assert.ok(
    steps.every((size, at) => size - (steps[at - 1] ?? size) <= 500),
    'a turn was long',
  )
  assert.equal(await applied, 'applied')
  assert.equal(table.size(), 20_003)
  assert.equal(log.position()?.seq, 20_003)
  assert.deepEqual(decodeRecords(batches.at(-1)?.records ?? Buffer.alloc(0)), many)
})

test('what comes in the middle of a long frame waits for its end', async () => {
  const { log, has, isVouched } = await startBench()
  const many = Array.from({ length: 2_000 }, (_value, at) => session(at + 4, `m${at}`))
  const all = [...first, ...many]
  const next = session(all.length + 1)
  const outcomes = await Promise.all([
    log.applyFrame(over(all, startMs + 2), encode(...many)),
    log.applyFrame(over([...all, next], startMs + 3), encode(next)),
    log.joinSnapshot(manifest(four, startMs + 1), encode(...four)),
  ])
  assert.deepEqual(outcomes, ['applied', 'applied', 'late'])
  assert.equal(log.position()?.seq, all.length + 1)
  assert.ok(has('m1999') && has('s4') && has(`s${all.length + 1}`) && isVouched())
})

test('a long frame from before a snapshot goes on behind it, with what that lacks alone', async () => {
  const { log, table, batches } = await startBench()
  const many = Array.from({ length: 2_000 }, (_value, at) => session(at + 4, `m${at}`))
  const all = [...first, ...many]
  const brought = all.slice(0, 1_003)
  const snapshot = manifest(brought, startMs + 1)
  assert.equal(await log.joinSnapshot(snapshot, encode(...brought)), 'applied')
  assert.equal(await log.applyFrame(over(all, startMs + 2), encode(...many)), 'applied')
  assert.equal(table.size(), all.length)
  const told = decodeRecords(batches.at(-1)?.records ?? Buffer.alloc(0))
  assert.deepEqual(told, many.slice(1_000))
})

function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}

const mismatches: readonly (readonly [string, Checkpoint, Buffer])[] = [
  ['without the record it covers', over(four, startMs + 1), encode()],
  ['with a record too many', over(first, startMs + 1), encode(session(4))],
  ['with another record', over(four, startMs + 1), encode(session(4, 'x'))],
  ['with another until', over(four, startMs + 1), encode({ ...session(4), until: 1 })],
  ['with a gap', over([...four, session(5)], startMs + 1), encode(session(5))],
  [
    'with the records in another order',
    over([...four, session(5)], startMs + 1),
    encode(session(5), session(4)),
  ],
  ['with a record twice', over(four, startMs + 1), encode(session(4), session(4))],
  ['that counts one more', { ...over(four, startMs + 1), seq: 5 }, encode(session(4))],
  ['with half a record', over(four, startMs + 1), encode(session(4)).subarray(0, 32)],
  [
    'with a kind that is not known',
    over(four, startMs + 1),
    Buffer.from(encode(session(4)).fill(7, 8, 9)),
  ],
  ['of another epoch', over(four, startMs + 1, otherEpoch), encode(session(4))],
  ['of another epoch with as many records', over(first, startMs + 1, otherEpoch), encode()],
  ['of another epoch with fewer', over([], startMs + 1, otherEpoch), encode()],
  [
    'with another chain',
    { ...over(four, startMs + 1), chain: firstChain('x') },
    encode(session(4)),
  ],
]
for (const [what, checkpoint, records] of mismatches) {
  test(`nothing is applied of a frame ${what}`, async () => {
    const { log, has, table, isVouched } = await startBench()
    assert.equal(await log.applyFrame(checkpoint, records), 'mismatch')
    assert.equal(table.size(), 3)
    assert.equal(has('s4'), false)
    assert.equal(log.checkpoint()?.at, startMs)
    assert.equal(isVouched(), true, 'anybody could have sent it')
    assert.equal(await log.applyFrame(over(four, startMs + 1), encode(session(4))), 'applied')
  })
}

test('an older checkpoint of the same epoch is late and changes nothing', async () => {
  const { log, isVouched } = await startBench()
  for (const late of [
    over(first, startMs - 1),
    over([], startMs - 1),
    over(first.slice(0, 2), startMs),
    { ...over(first, startMs - 1), chain: firstChain('x') },
  ]) {
    assert.equal(await log.applyFrame(late, encode()), 'late')
  }
  assert.equal(log.checkpoint()?.at, startMs)
  assert.equal(isVouched(), true)
})

for (const [what, checkpoint] of [
  ['fewer records at a later time', over(first.slice(0, 2), startMs + 1)],
  ['as many records with another chain', { ...over(first, startMs + 1), chain: firstChain('x') }],
] as const) {
  test(`${what} are lost history: stale until a snapshot, and then a union`, async () => {
    const { log, has, isVouched } = await startBench()
    assert.equal(await log.applyFrame(checkpoint, encode()), 'lost-history')
    assert.equal(isVouched(), false)
    assert.equal(log.position(), undefined)
    assert.equal(await log.applyFrame(over(four, startMs + 2), encode(session(4))), 'mismatch')
    const left = [session(1), session(2, 'new')]
    assert.equal(await log.joinSnapshot(manifest(left, startMs + 3), encode(...left)), 'applied')
    assert.equal(isVouched(), true)
    assert.equal(log.position()?.seq, 2)
    for (const sid of ['s1', 's2', 's3', 'new']) assert.ok(has(sid), sid)
  })
}

test('a snapshot of a new epoch is joined with what is held, and its position counts', async () => {
  const { log, has } = await startBench()
  const fresh = [session(1, 'fresh')]
  const joined = await log.joinSnapshot(manifest(fresh, startMs + 1, otherEpoch), encode(...fresh))
  assert.equal(joined, 'applied')
  assert.deepEqual([log.position()?.epoch, log.position()?.seq], [otherEpoch, 1])
  for (const sid of ['s1', 's2', 's3', 'fresh']) assert.ok(has(sid), sid)
})

test('a snapshot that is older than the stream adds to the table and not to the position', async () => {
  const { log, has } = await startBench()
  await log.applyFrame(over(four, startMs + 10), encode(session(4)))
  const older = manifest(first, startMs + 5)
  assert.equal(await log.joinSnapshot(older, encode(session(9, 'x'))), 'late')
  assert.deepEqual([log.position()?.seq, log.checkpoint()?.at], [4, startMs + 10])
  assert.ok(has('x'))
})

test('a frame that comes while a snapshot is being joined is not undone by it', async () => {
  const { log, has } = await startBench()
  const many = Array.from({ length: 10_000 }, (_value, at) => session(at + 1, `m${at}`))
  const joining = log.joinSnapshot(manifest(first, startMs + 1), encode(...many))
  assert.equal(await log.applyFrame(over(four, startMs + 2), encode(session(4))), 'applied')
  assert.equal(await joining, 'late')
  assert.equal(log.position()?.seq, 4)
  assert.ok(has('s4') && has('m9999'))
})

test('what a snapshot has brought is told, also when a frame was sooner or it cannot be read to its end', async () => {
  const { log, has, batches } = await startBench()
  const many = [...first, session(4), ...manyOthers(5_000)]
  const joining = log.joinSnapshot(manifest(first, startMs + 1), encode(...many))
  while (!has('s4')) await new Promise<void>((resolve) => void setImmediate(resolve))
  // The frame brings the session too, but by now it is no news.
  assert.equal(await log.applyFrame(over(four, startMs + 2), encode(session(4))), 'applied')
  assert.equal(await joining, 'late')
  const unknown = encode(...manyOthers(6_000))
  unknown.writeUInt8(7, unknown.length - 33 + 8)
  assert.equal(await log.joinSnapshot(manifest(first, startMs + 3), unknown), 'undecodable')
  assert.equal(await log.joinSnapshot(manifest(first, startMs), encode(...many)), 'late')
  assert.deepEqual(
    batches.map(({ records }) => records && records.length / 33),
    [undefined, 0, undefined, undefined],
  )
})

function manyOthers(count: number): readonly RevocationRecord[] {
  return Array.from({ length: count }, (_value, at) => session(at + 5, `m${at}`))
}

test('a snapshot with a kind that is not known leaves nothing vouched for', async () => {
  const { log, has, isVouched } = await startBench()
  const unknown = encode(session(4), session(5))
  unknown.writeUInt8(7, 33 + 8)
  assert.equal(await log.joinSnapshot(manifest(first, startMs + 1), unknown), 'undecodable')
  assert.equal(isVouched(), false)
  assert.equal(log.position(), undefined)
  assert.ok(has('s1'), 'what is held stays')
})

test("entries are dropped by the issuer's time", async () => {
  const { log, table } = await startBench(9_065_064)
  for (let times = 63; times >= 0; times -= 1)
    await log.applyFrame(over(first, 9_060_000 + 4_999 - times), encode())
  assert.equal(table.size(), 3)
  for (let times = 0; times < 64; times += 1)
    await log.applyFrame(over(first, 9_060_000 + 5_000 + times), encode())
  assert.equal(table.size(), 0)
})

test("and not by an issuer's time that is not believed, which vouches for nothing either", async () => {
  const { log, table, isVouched } = await startBench()
  for (let times = 0; times < 64; times += 1)
    assert.equal(await log.applyFrame(over(first, 9_065_000 + times), encode()), 'applied')
  assert.equal(table.size(), 3)
  assert.ok(isVouched(), 'by the word that was believed before')
})

test('the very checkpoint that is held is not applied again, unless it is that of an earlier life', async () => {
  const { log, isVouched, batches } = await startBench()
  const next = over(four, startMs + 1)
  assert.equal(await log.applyFrame(next, encode(session(4))), 'applied')
  assert.equal(await log.applyFrame(next, encode(session(4))), 'repeated')
  assert.equal(await log.applyFrame(next, encode()), 'repeated')
  assert.equal(batches.length, 2)
  assert.equal(await log.applyFrame({ ...next, kids: ['a'] }, encode()), 'applied', 'other keys')

  const restarted = await startRestored(next)
  assert.equal(restarted.isVouched(), false)
  assert.equal(await restarted.log.applyFrame(next, encode()), 'applied')
  assert.equal(restarted.isVouched(), true)
  assert.equal(await restarted.log.applyFrame(next, encode()), 'repeated')
  assert.equal(isVouched(), true)
})
