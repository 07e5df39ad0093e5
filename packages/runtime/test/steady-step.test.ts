import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { Log } from '@portcullis/runtime'
import { createLog, takeSteadySteps } from '@portcullis/runtime'

function createLogInMemory(): { readonly log: Log; readonly logged: () => string } {
  const lines: string[] = []
  const destination = { write: (line: string): unknown => lines.push(line) }
  return { log: createLog({ name: 'test', destination }), logged: () => lines.join('') }
}

function messagesIn(logged: string): readonly unknown[] {
  const lines = logged.split('\n').filter((line) => line !== '')
  return lines.map((line) => (JSON.parse(line) as { readonly msg?: unknown }).msg)
}

test('a step that does not end is trouble when it is overdue, said once, and over when it has ended', async () => {
  const { log, logged } = createLogInMemory()
  const told: boolean[] = []
  const ticks: (() => Promise<void>)[] = []
  const ends: (() => void)[] = []
  const stop = takeSteadySteps({
    step: () => new Promise((resolve) => void ends.push(() => resolve(undefined))),
    everyMs: 800,
    overdueMs: 2000,
    trouble: 'it hangs',
    recovery: 'it goes on',
    log,
    onTrouble: (isThere) => told.push(isThere),
    repeat: (step) => {
      ticks.push(step)
      return () => undefined
    },
  })
  const tickOften = (count: number): void =>
    Array.from({ length: count }).forEach(() => void ticks[0]?.())
  tickOften(3)
  assert.deepEqual([messagesIn(logged()), told], [[], []], '1.6 s are not too long')
  tickOften(5)
  assert.deepEqual([messagesIn(logged()), told], [['it hangs'], [true]])
  ends.shift()?.()
  await setImmediate()
  assert.deepEqual(
    [messagesIn(logged()), told],
    [
      ['it hangs', 'it goes on'],
      [true, false],
    ],
  )
  tickOften(2)
  ends.shift()?.()
  await setImmediate()
  assert.equal(messagesIn(logged()).length, 2, 'one that ends in time is not spoken of')
  await stop()
})
