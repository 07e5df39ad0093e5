import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JudgedProof } from '../src/dpop/proof-judge.ts'
import { createProofJudge } from '../src/dpop/proof-judge.ts'
import type { ReplayStore } from '../src/dpop/replays.ts'
import { createReplayMemory } from '../src/dpop/replays.ts'
import { createProofKey } from '../src/testing/proof-key.ts'
import { refusal } from './proof-service.ts'
import { createClock } from './clock.ts'

test('a key is used once until it may be forgotten', () => {
  const { now, advanceSeconds } = createClock()
  const memory = createReplayMemory({ now })
  const untilMs = now() + 65_000
  assert.equal(memory.use('a', untilMs), true)
  assert.equal(memory.use('a', untilMs), false)
  assert.equal(memory.use('b', untilMs), true)
  advanceSeconds(65)
  assert.equal(memory.use('a', untilMs), false)
  advanceSeconds(2)
  assert.equal(memory.use('a', now() + 65_000), true)
})

test('a full memory refuses what is new, still knows what is old, and has room again later', () => {
  const { now, advanceSeconds } = createClock()
  const memory = createReplayMemory({ now, countMax: 3 })
  for (const key of ['a', 'b', 'c']) assert.equal(memory.use(key, now() + 10_000), true)
  for (const key of ['d', 'e', 'f']) {
    assert.throws(() => memory.use(key, now() + 10_000), /is full/)
  }
  for (const key of ['a', 'b', 'c']) assert.equal(memory.use(key, now() + 10_000), false)
  advanceSeconds(11)
  assert.equal(memory.use('d', now() + 10_000), true)
})

test('one key cannot fill the memory for the others', () => {
  const { now, advanceSeconds } = createClock()
  const memory = createReplayMemory({ now, countMax: 200 })
  const use = (key: string): unknown => memory.use(key, now() + 10_000)
  assert.deepEqual(['greedy.1', 'greedy.2'].map(use), [true, true])
  assert.throws(() => use('greedy.3'), /share/)
  assert.equal(use('greedy.1'), false)
  assert.equal(use('other.1'), true)
  advanceSeconds(11)
  assert.equal(use('greedy.3'), true)
})

test('a clock that is set back brings no forgotten proof to life', () => {
  const { now, advanceSeconds } = createClock()
  const memory = createReplayMemory({ now })
  const untilMs = now() + 60_000
  assert.equal(memory.use('a', untilMs), true)
  advanceSeconds(120)
  assert.equal(memory.use('b', now() + 60_000), true)
  advanceSeconds(-120)
  assert.equal(memory.use('a', untilMs), false)
})

test('a memory that is asked for in a wrong way is a mistake at once', () => {
  for (const countMax of [0, -1, 1.5, Number.NaN, Infinity]) {
    assert.throws(() => createReplayMemory({ countMax }), /option "countMax"/)
  }
  assert.throws(() => createReplayMemory({ max: 5 } as object), /unknown option "max"/)
})

const request = { method: 'GET', url: 'https://orders.example/', accessToken: 'a.b.c' } as const

async function judgeWith(replays: ReplayStore): Promise<JudgedProof> {
  const key = createProofKey()
  const { judge } = createProofJudge({ replays })
  return judge({ ...request, proofs: [key.prove(request)], thumbprint: key.thumbprint })
}

test('a store that is away lets nothing in, and its failure is told', async () => {
  const cause = new Error('the store is away')
  const throwing = await judgeWith({
    use: () => {
      throw cause
    },
  })
  assert.deepEqual(throwing, { kind: 'unavailable', cause })
  const rejecting = await judgeWith({ use: () => Promise.reject(cause) })
  assert.deepEqual(rejecting, { kind: 'unavailable', cause })
})

test('only true is a first use, whatever else a store answers', async () => {
  for (const answer of [false, undefined, null, 0, 1, 'OK', {}]) {
    const judged = await judgeWith({ use: () => answer as boolean })
    assert.deepEqual(judged, refusal('replayed'))
  }
  assert.equal((await judgeWith({ use: async () => true })).kind, 'proven')
})

test('the store is told digests, and a time after which the proof is refused by itself', async () => {
  const { now } = createClock()
  const key = createProofKey({ now })
  const used: (readonly [string, number])[] = []
  const use = (name: string, untilMs: number): boolean => used.push([name, untilMs]) > 0
  const { judge } = createProofJudge({ now, replays: { use } })
  const jti = 'a name of the client'
  const proof = key.prove(request, { payload: { set: { jti } } })
  await judge({ ...request, proofs: [proof], thumbprint: key.thumbprint })
  assert.equal(used.length, 1)
  const [name, untilMs] = used[0] ?? []
  assert.match(String(name), /^[A-Za-z0-9_-]{43}\.[A-Za-z0-9_-]{43}$/)
  assert.equal(untilMs, now() + 65_000)
})

test('two clients may choose the same jti', async () => {
  const { judge } = createProofJudge()
  const recipe = { payload: { set: { jti: '1' } } }
  for (const key of [createProofKey(), createProofKey()]) {
    const proofs = [key.prove(request, recipe)]
    const judged = await judge({ ...request, proofs, thumbprint: key.thumbprint })
    assert.equal(judged.kind, 'proven')
  }
})
