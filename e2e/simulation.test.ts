import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import process from 'node:process'
import { test } from 'node:test'
import { liveShare } from './simulation/lived.ts'
import { mutants, schedulesUntilNoticed } from './simulation/mutants.ts'
import { planOf } from './simulation/plan.ts'
import { openMemories } from './simulation/registry.ts'
import { liveThrough } from './simulation/schedule.ts'
import { createTally } from './simulation/tally.ts'

// `npm run verify` lives through many by `npm run simulate`; here are a few, for every change. Always the same ones, so
// that what a change has broken is told from what nobody has looked for so far.
const schedules = 60

test('whatever happens to nodes, stores, ways and clocks, no promise about revocation is broken', async () => {
  const seed = Number(process.env['PORTCULLIS_TEST_SEED'] ?? 1)
  const share = { seed, first: 0, step: 1, until: schedules }
  const { lived, counts, failure } = await liveShare(share, { shrinks: true })
  const again = `npm run simulate -- --seed ${seed} --schedule ${failure?.schedule}`
  assert.equal(failure?.why, undefined, `live through it again: ${again}`)
  assert.equal(lived, schedules)
  for (const what of ['tokens let in', 'refused as revoked', 'refused as stale', 'crashes']) {
    assert.ok((counts[what] ?? 0) > 0, what)
  }
})

test('the same schedule goes the same way, step by step, and another one does not', async () => {
  const memories = await openMemories()
  const traces = new Set<string>()
  for (let schedule = 0; schedule < 6; schedule += 1) {
    const plan = planOf(7, schedule)
    const first = await liveThrough(plan, memories, createTally())
    const second = await liveThrough(plan, memories, createTally())
    assert.equal(first.trace(), second.trace())
    assert.ok(first.story().length > 20)
    traces.add(first.trace())
  }
  assert.equal(traces.size, 6)
})

test('an error that nobody has made to happen breaks the schedule, though production goes on after it', async () => {
  const made = 'const taken = await takeAnew()'
  const changes = [[made, `${made}; if (taken.count >= 0) throw new TypeError('a slip')`]] as const
  const file = 'identity/src/domain/feed-snapshots.ts'
  const { failure } = await schedulesUntilNoticed({ file, changes }, 1, 3)
  assert.match(failure?.why ?? 'nothing', /a slip/)
})

test('all that a service holds is held against the log, and not only what it is shown', async () => {
  const mutant = mutants.find(({ rule }) => rule.includes('last of its minutes'))
  assert.ok(mutant)
  const { failure } = await schedulesUntilNoticed(mutant, 1, 10)
  assert.match(failure?.why ?? 'nothing', /^service-\d lacks /)
})

// Whether each is found out takes minutes: `npm run simulate -- --mutants`.
test('every mutant breaks something that stands in production code once', () => {
  const texts = mutants.flatMap(({ rule, file, changes }) => {
    const code = readFileSync(new URL(`../packages/${file}`, import.meta.url), 'utf8')
    return changes.map(([from]) => ({ rule, times: code.split(from).length - 1 }))
  })
  assert.ok(mutants.length >= 12)
  assert.ok(texts.length >= mutants.length)
  assert.deepEqual(
    texts.filter(({ times }) => times !== 1),
    [],
  )
})
