import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LookParts } from '../src/domain/anomalies/look.ts'
import { lookAround } from '../src/domain/anomalies/look.ts'
import type { Follower } from '../src/domain/followers.ts'
import type { KeyFacts } from '../src/domain/key-life.ts'
import type { Happening } from './anomaly-world.ts'
import { dayMs, defaultBounds, hourMs, mondayMs, runHappenings } from './anomaly-world.ts'

const due = { epoch: 'new', seq: 7 }

function followerAt(follower: string, epoch: string, seq: number): Follower {
  const times = { appliedAt: mondayMs, reportedAt: mondayMs, maxStalenessMs: 30_000 }
  return { clientId: 'orders', follower, position: { epoch, seq }, ...times }
}

function keyOf(kid: string, state: KeyFacts['state'], ageMs: number): KeyFacts {
  const activatedAt = mondayMs - ageMs
  const others = { createdAt: activatedAt, retiredAt: undefined, destroyedAt: undefined }
  return { kid, state, activatedAt, purpose: 'access-token', algorithm: 'RS256', ...others }
}

function partsWith(found: Partial<LookParts>): LookParts {
  return {
    listKeys: async () => [],
    followers: { list: async () => [] },
    positionBefore: async () => due,
    now: () => mondayMs,
    keyRotationDays: 30,
    followerBehindSeconds: 60,
    ...found,
  }
}

test('a follower that lacks what is a minute old is behind, and so is one that stays in another epoch', async () => {
  const all = [
    followerAt('there', 'new', 7),
    followerAt('ahead', 'new', 9),
    followerAt('late', 'new', 5),
    followerAt('left', 'old', 90),
  ]
  const followers = { list: async () => all }
  const looked = await lookAround(partsWith({ followers }))
  const behind = { kind: 'follower-behind', clientId: 'orders' } as const
  assert.deepEqual(looked, [
    { ...behind, follower: 'late', lacks: 2 },
    { ...behind, follower: 'left', lacks: undefined },
  ])
  const found = (seconds: readonly number[], lacks: number | undefined): number =>
    runHappenings(
      seconds.map((at) => ({ ...behind, follower: 'one', lacks, at: mondayMs + at * 1000 })),
    ).length
  assert.equal(found([0], 2), 1)
  // It may have been told of the epoch just now.
  assert.equal(found([0, 30], undefined), 0)
  assert.equal(found([0, 30, 60], undefined), 1)
})

test('every follower is looked at, page by page', async () => {
  const fleet = Array.from({ length: 2500 }, (_, at) => followerAt(String(at), 'new', 1))
  const list: LookParts['followers']['list'] = async ({ limit, after }) => {
    const from = after === undefined ? 0 : Number(after.follower) + 1
    return fleet.slice(from, from + limit)
  }
  assert.equal((await lookAround(partsWith({ followers: { list } }))).length, fleet.length)
})

test('a key that signs for longer than it may is overdue, one that only verifies is not', async () => {
  const keys = [
    keyOf('young', 'active', 29 * dayMs),
    keyOf('old', 'active', 30 * dayMs + hourMs),
    keyOf('retired', 'retiring', 90 * dayMs),
  ]
  const looked = await lookAround(partsWith({ listKeys: async () => keys }))
  assert.deepEqual(looked, [{ kind: 'key-overdue', kid: 'old', overdueMs: hourMs }])
})

/** One change of the network each minute. */
function moves(networks: readonly string[]): readonly Happening[] {
  return networks.map((network, minute) => ({
    kind: 'session-used',
    at: mondayMs + minute * 60_000,
    network,
    loginNetwork: 'home',
    accountId: 'alice',
    sessionId: 'one',
  }))
}

function placeOf(network: string): string | undefined {
  return network.split('-')[1]
}

function countWithPlaces(networks: readonly string[]): number {
  return runHappenings(moves(networks), { bounds: defaultBounds, placeOf }).length
}

test('where a locator knows places, changes within one do not count, and those between count twice', () => {
  assert.equal(countWithPlaces(['a', 'b', 'a', 'b']), 0)
  assert.equal(countWithPlaces(['a', 'b', 'a', 'b', 'a']), 1)
  assert.equal(countWithPlaces(['a-DE', 'b-DE', 'a-DE', 'b-DE', 'a-DE', 'b-DE']), 0)
  assert.equal(countWithPlaces(['a-DE', 'b-US']), 0)
  assert.equal(countWithPlaces(['a-DE', 'b-US', 'a-DE']), 1)
})
