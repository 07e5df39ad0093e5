import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { TokenWatch } from '../src/revocation/watch.ts'
import { createWatches } from '../src/revocation/watch.ts'
import { VerifyError } from '../src/verify-error.ts'
import { processTimers } from '../src/timers.ts'
import { waitUntil } from './wait-until.ts'

const revoked = new VerifyError('invalid-token', 'the token is revoked')
const count = 5_000
/** What a turn may ask: some hundred, about a millisecond of work. */
const turnMax = 500

test('many watches are asked in slices, every one of them, and one that was closed never again', async (t) => {
  const watches = createWatches(processTimers)
  t.after(() => watches.close(revoked))
  const asked = Array.from({ length: count }, () => 0)
  let inTurn = 0
  const open = asked.map((_times, at) =>
    watches.open(() => {
      asked[at] = (asked[at] ?? 0) + 1
      inTurn += 1
      return undefined
    }),
  )
  asked.fill(0)
  inTurn = 0
  watches.recheck()
  assert.ok(inTurn > 100 && inTurn <= turnMax, `${inTurn} at once`)
  open.at(-1)?.close()
  let turns = 0
  while (asked.slice(0, -1).includes(0)) {
    assert.ok((turns += 1) < count)
    inTurn = 0
    await setImmediate()
    assert.ok(inTurn <= turnMax, `${inTurn} in one turn`)
  }
  assert.equal(asked.at(-1), 0)
})

test('what becomes known during a slice ends also those that were asked before it', async (t) => {
  const watches = createWatches(processTimers)
  t.after(() => watches.close(revoked))
  let isRevoked = false
  const open = (): TokenWatch => watches.open(() => (isRevoked ? revoked : undefined))
  const all = Array.from({ length: count }, open)
  watches.recheck()
  await setImmediate()
  isRevoked = true
  watches.recheck()
  await waitUntil(() => all.every(({ signal }) => signal.aborted), 'all ended')
})

test('watches that come while others are due keep none of those from being asked', async (t) => {
  const watches = createWatches(processTimers)
  t.after(() => watches.close(revoked))
  let isRevoked = false
  const all = Array.from({ length: count }, () =>
    watches.open(() => (isRevoked ? revoked : undefined)),
  )
  // So that the round begins in the middle.
  watches.recheck()
  isRevoked = true
  watches.recheck()
  const late = Array.from({ length: count }, () => watches.open(() => undefined))
  const startedAt = performance.now()
  await waitUntil(() => all.every(({ signal }) => signal.aborted), 'all ended')
  assert.ok(performance.now() - startedAt < 900, 'before the check of every second')
  assert.equal(late.filter(({ signal }) => signal.aborted).length, 0)
})
