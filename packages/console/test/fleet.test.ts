import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FollowerInfo } from '@portcullis/client/admin'
import type { Fleet, FleetQuestions } from '../src/revocation/fleet.ts'
import { loadFleet } from '../src/revocation/fleet.ts'
import {
  countStandings,
  headOf,
  isShown,
  placeFollowers,
  readPosition,
} from '../src/revocation/standing.ts'

const nowMs = Date.parse('2026-11-23T14:00:00Z')
const head = { epoch: 'e', seq: 100 }

function follower(name: string, more: Partial<FollowerInfo> = {}): FollowerInfo {
  const at = new Date(nowMs)
  return {
    client: 'orders',
    follower: name,
    position: 'e:100',
    appliedAt: at,
    reportedAt: at,
    ...more,
  }
}

/** As identity turns its pages, 200 at a time. */
function answers(count: number, newestSeq?: number): FleetQuestions {
  return {
    revocations: async () => ({
      items:
        newestSeq === undefined
          ? []
          : [
              {
                position: { epoch: 'e', seq: newestSeq },
                kind: 'session',
                committedAt: new Date(),
              },
            ],
    }),
    followers: async ({ limit = 50, after }) => {
      const from = Number(after ?? 0)
      const items = Array.from({ length: Math.min(limit, count - from) }, (_, at) =>
        follower(`f${from + at}`),
      )
      const to = from + items.length
      return { items, ...(to < count ? { next: String(to) } : {}) }
    },
  }
}

async function loaded(questions: FleetQuestions): Promise<{ fleet: Fleet; parts: number }> {
  let parts = 0
  const fleet = await loadFleet(questions, () => (parts += 1))
  return { fleet, parts }
}

test('a fleet is loaded page by page, and the first are there before the last', async () => {
  for (const [count, parts] of [
    [0, 0],
    [1, 0],
    [200, 0],
    [201, 1],
    [2_000, 9],
  ] as const) {
    const { fleet, parts: seen } = await loaded(answers(count, 100))
    assert.deepEqual([fleet.followers.length, fleet.isCut, seen], [count, false, parts])
    assert.deepEqual(fleet.head, { epoch: 'e', seq: 100 })
  }
})

test('of a fleet without an end the first five thousand are shown, and that there are more', async () => {
  const { fleet } = await loaded(answers(5_001))
  assert.deepEqual([fleet.followers.length, fleet.isCut], [5_000, true])
})

test('the end of the log is the furthest that anybody knows of', () => {
  assert.equal(headOf(undefined, []), undefined)
  assert.deepEqual(headOf(undefined, [follower('a', { position: 'e:7' })]), { epoch: 'e', seq: 7 })
  assert.deepEqual(headOf({ epoch: 'e', seq: 9 }, [follower('a', { position: 'd:50' })]), {
    epoch: 'e',
    seq: 9,
  })
  const ahead = [follower('a', { position: 'e:12' }), follower('b', { position: 'e:3' })]
  assert.deepEqual(headOf({ epoch: 'e', seq: 9 }, ahead), { epoch: 'e', seq: 12 })
})

test('who is silent, of an older log or behind stands before the others and is let through by its filter', () => {
  const ago = (seconds: number): Date => new Date(nowMs - seconds * 1000)
  const followers = [
    follower('current', { reportedAt: ago(75) }),
    follower('behind', { position: 'e:99' }),
    follower('elsewhere', { position: 'd:100' }),
    follower('silent', { reportedAt: ago(76), position: 'e:1' }),
    follower('strange', { position: 'nowhere' }),
  ]
  const placed = placeFollowers({ followers, head }, nowMs)
  assert.deepEqual(
    placed.map((one) => one.follower.follower),
    ['silent', 'elsewhere', 'behind', 'current', 'strange'],
  )
  assert.deepEqual(placed[2]?.standing, { kind: 'behind', by: 1 })
  assert.deepEqual(countStandings(placed), { silent: 1, elsewhere: 1, behind: 1, current: 2 })
  const shown = (filter: string): number =>
    placed.filter(({ standing }) => isShown(standing, filter)).length
  assert.deepEqual(['', 'trouble', 'behind', 'current', 'other'].map(shown), [5, 3, 1, 2, 0])
})

test('a position is an epoch and a whole number', () => {
  assert.deepEqual(readPosition('e:0'), { epoch: 'e', seq: 0 })
  for (const text of ['', 'e', 'e:', ':1', 'e:1:2', 'e:-1', 'e:1.5', 'e:x', 'e:1e99']) {
    assert.equal(readPosition(text), undefined, text)
  }
})
