import assert from 'node:assert/strict'
import { test } from 'node:test'
import { algorithmNamed } from '@portcullis/protocol/jws'
import { firstChain } from '@portcullis/protocol/revocations'
import type { Checkpoint } from '@portcullis/protocol/revocations'
import type { LiveKids } from '../src/revocation/live-kids.ts'
import { createLiveKids } from '../src/revocation/live-kids.ts'

const epoch = 'A'.repeat(22)
const startMs = 1_000_000
const { publicKey } = algorithmNamed('EdDSA').generateKeyPair()
const key = { kid: 'any', algorithm: algorithmNamed('EdDSA'), publicKey }

function listing(kids: readonly string[], at = startMs): Checkpoint {
  return { iss: 'https://id.example', epoch, seq: 0, chain: firstChain(epoch), at, kids }
}

function publish(liveKids: LiveKids, kids: readonly string[], madeAtMs: number | undefined): void {
  liveKids.publish({ keys: new Map(kids.map((kid) => [kid, key])), madeAtMs })
}

/** Its wall clock is an hour on, so that no moment of a test is of the future. */
function start(...kids: readonly string[]): LiveKids {
  const liveKids = createLiveKids(() => startMs + 3_600_000)
  assert.deepEqual(liveKids.list(listing(kids)), [])
  return liveKids
}

test('without a list that counts nothing is known to be withdrawn, whatever is published', () => {
  const liveKids = createLiveKids(() => startMs)
  publish(liveKids, ['a'], startMs)
  assert.equal(liveKids.kids(), undefined)
  liveKids.restore(listing(['a', 'b'], 0), false)
  assert.equal(liveKids.kids(), undefined)
  assert.deepEqual(liveKids.list(listing(['b'])), ['a'], 'and what goes off the list is told')
  assert.deepEqual(liveKids.kids(), ['b'])
})

test('a key is young where it is published more than five seconds after the list that lacks it', () => {
  const liveKids = start('a')
  publish(liveKids, ['a', 'b'], startMs + 5_000)
  assert.deepEqual(liveKids.kids(), ['a'])
  publish(liveKids, ['a', 'b'], startMs + 5_001)
  assert.deepEqual(liveKids.kids(), ['a', 'b'])
})

test('a key set of which nobody says when it was made knows no young key', () => {
  const liveKids = start('a')
  publish(liveKids, ['a', 'b'], undefined)
  assert.deepEqual(liveKids.kids(), ['a'])
})

test('a young key is withdrawn by the next list without it, and stays where the list has it', () => {
  for (const [kids, withdrawn] of [
    [['a'], ['b']],
    [['a', 'b'], []],
    [['b'], ['a']],
  ] as const) {
    const liveKids = start('a')
    publish(liveKids, ['a', 'b'], startMs + 10_000)
    assert.deepEqual(liveKids.list(listing(kids, startMs + 20_000)), withdrawn)
    assert.deepEqual(liveKids.kids(), kids)
  }
})

test('a list that was long on its way cannot know a young key', () => {
  const liveKids = start('a')
  publish(liveKids, ['a', 'b'], startMs + 10_000)
  assert.deepEqual(liveKids.list(listing(['a'], startMs + 1_000)), [])
  assert.deepEqual(liveKids.kids(), ['a', 'b'])
})

test('a key that was listed once and is no more is never young, whoever publishes it', () => {
  const liveKids = start('a', 'b')
  assert.deepEqual(liveKids.list(listing(['a'], startMs + 1_000)), ['b'])
  publish(liveKids, ['a', 'b', 'c'], startMs + 100_000)
  assert.deepEqual(liveKids.kids(), ['a', 'c'])
})

test('a copy from before the last key set, and one from the future, say nothing', () => {
  const liveKids = createLiveKids(() => startMs + 10_000)
  liveKids.list(listing(['a']))
  publish(liveKids, ['a', 'b'], startMs + 15_001)
  assert.deepEqual(liveKids.kids(), ['a'])
  publish(liveKids, ['a', 'c'], startMs + 10_000)
  publish(liveKids, ['a', 'b'], startMs + 9_000)
  assert.deepEqual(liveKids.kids(), ['a', 'c'])
})
