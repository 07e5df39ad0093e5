import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { LeasedStream } from '../src/domain/event-pushes.ts'
import type { PushLimits } from '../src/jobs/event-pushing.ts'
import { createGathering, createPace, startPushingEvents } from '../src/jobs/event-pushing.ts'
import { createLogInMemory } from './running-identity.ts'
import { waitUntil } from './wait-until.ts'

const limits: PushLimits = { promptMax: 4, slowMax: 8, promptMs: 50, restMs: 0, everyMs: 20 }

/** A thousand streams with one event each, of which these hang. */
function start(
  t: TestContext,
  {
    hangs,
    fails = () => false,
  }: { readonly hangs: (at: number) => boolean; readonly fails?: (at: number) => boolean },
): { readonly delivered: ReadonlySet<number>; readonly mostAtOnce: () => number } {
  const waiting = Array.from({ length: 1000 }, (_, at) => at)
  const failing: number[] = []
  const delivered = new Set<number>()
  let underWay = 0
  let mostAtOnce = 0
  const closing = new AbortController()
  const stop = startPushingEvents({
    claim: async ({ max, isFailing }) => {
      const from = isFailing ? failing : waiting
      return from.splice(0, max).map((at) => ({ id: String(at) }) as LeasedStream)
    },
    newLease: () => 'a lease',
    deliver: async ({ id }) => {
      const at = Number(id)
      underWay += 1
      mostAtOnce = Math.max(mostAtOnce, underWay)
      try {
        if (hangs(at)) await pause(60_000, undefined, closing)
        await pause(1)
        if (fails(at)) failing.push(at)
        else delivered.add(at)
      } finally {
        underWay -= 1
      }
    },
    onEvents: () => () => undefined,
    log: createLogInMemory().log,
    limits,
  })
  t.after(() => {
    closing.abort()
    return stop()
  })
  return { delivered, mostAtOnce: () => mostAtOnce }
}

test('receivers that hang and that fail slow nobody down, and take no more room than they may', async (t) => {
  const { delivered, mostAtOnce } = start(t, {
    hangs: (at) => at % 125 === 0,
    fails: (at) => at % 10 === 1,
  })
  await waitUntil(() => delivered.size === 1000 - 8 - 100, 'all others have theirs')
  assert.ok(mostAtOnce() <= limits.promptMax + 2 * limits.slowMax, `${mostAtOnce()} at once`)
})

test('what fails in the middle of it is tried again, and said once', async (t) => {
  const { log, logged } = createLogInMemory()
  let asked = 0
  const stop = startPushingEvents({
    claim: async () => {
      asked += 1
      throw new Error('the database is away')
    },
    newLease: () => 'a lease',
    deliver: async () => undefined,
    onEvents: () => () => undefined,
    log,
    limits,
  })
  t.after(stop)
  await waitUntil(() => asked >= 5, 'it is asked again')
  assert.equal(logged().match(/they wait/g)?.length, 1)
})

test('pushes begin one after the other, and at once after a rest', async () => {
  const pace = createPace(200)
  const startedMs = performance.now()
  await pace()
  assert.ok(performance.now() - startedMs < 150, 'the first waits')
  await Promise.all([pace(), pace()])
  assert.ok(performance.now() - startedMs >= 390, 'they begin together')
})

test('a node that was held up does not begin at once what has become due', async () => {
  const pace = createPace(20)
  const begunMs: number[] = []
  const turns = Array.from({ length: 5 }, async () => {
    await pace()
    begunMs.push(performance.now())
  })
  await turns[0]
  const heldUpUntilMs = performance.now() + 200
  while (performance.now() < heldUpUntilMs);
  await Promise.all(turns)
  const gaps = begunMs.slice(1).map((atMs, before) => atMs - (begunMs[before] ?? 0))
  assert.ok(
    gaps.every((gap) => gap > 15),
    gaps.join(),
  )
})

test('those who come within a moment go on in one turn of the event loop', async () => {
  const together = createGathering(100)
  const turns: number[] = []
  let turn = 0
  const onTurn = (): void => {
    turn += 1
    if (turns.length < 3) setImmediate(onTurn)
  }
  setImmediate(onTurn)
  const come = async (): Promise<void> => {
    await together()
    turns.push(turn)
  }
  const first = come()
  await pause(20)
  await Promise.all([first, come()])
  await come()
  const [one, other, later] = turns
  assert.equal(one, other)
  assert.ok(Number(later) > Number(other))
})
