import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createGatheredSightings } from '../src/domain/anomalies/gathered-sightings.ts'
import { mondayMs } from './anomaly-world.ts'

test('a client that reports of thousands of followers leaves room for what others do', () => {
  const { notice, take, dropped } = createGatheredSightings(() => mondayMs)
  for (let follower = 0; follower < 6000; follower += 1) {
    const apart = { clientId: 'loud', follower: String(follower), apartMs: 9000 }
    notice({ kind: 'clock-apart', ...apart })
  }
  notice({ kind: 'tokens-refused', clientId: 'quiet', reason: 'bad-signature', times: 3 })
  const taken = take(10_000)
  assert.equal(taken.length, 501)
  assert.equal(taken.at(-1)?.kind, 'tokens-refused')
  assert.equal(dropped(), 5500)
  // What was written makes room again.
  notice({ kind: 'clock-apart', clientId: 'loud', follower: 'next', apartMs: 9000 })
  assert.equal(take(10_000).length, 1)
})

test('clients together leave room for what is seen of logins, however many they are', () => {
  const { notice, take } = createGatheredSightings(() => mondayMs)
  for (let number = 0; number < 10_000; number += 1) {
    const apart = { clientId: `client-${number % 100}`, follower: String(number), apartMs: 9000 }
    notice({ kind: 'clock-apart', ...apart })
  }
  const network = '203.0.113.0/24'
  for (let number = 0; number < 60; number += 1) {
    const wrong = { target: `account-${number}`, accountId: undefined, times: 1 }
    notice({ kind: 'wrong-password', network, ...wrong })
  }
  const wrong = take(Infinity).filter(({ kind }) => kind === 'wrong-password')
  assert.equal(wrong.length, 60)
})

test('what is written piece by piece makes room for more of the same source', () => {
  const { notice, take, dropped } = createGatheredSightings(() => mondayMs)
  const tell = (from: number): void => {
    for (let follower = from; follower < from + 400; follower += 1)
      notice({ kind: 'clock-apart', clientId: 'one', follower: String(follower), apartMs: 9000 })
  }
  tell(0)
  assert.equal(take(300).length, 300)
  tell(400)
  assert.equal(take(Infinity).length, 500)
  assert.equal(dropped(), 0)
})
