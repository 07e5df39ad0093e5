import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { testOnEngines } from './engines.ts'
import { ask } from './http-client.ts'
import type { RunningIdentity } from './running-identity.ts'
import { startRunningIdentity } from './running-identity.ts'
import { waitUntil } from './wait-until.ts'

const hourMs = 3_600_000
/** A beat, and a look at the clock. */
const lookMs = 2000

async function readiness({ operationsPort }: RunningIdentity): Promise<unknown> {
  const answer = await ask(operationsPort, { path: '/health/ready' })
  return [answer.status, answer.members()]
}

function says({ logged }: RunningIdentity, what: string): boolean {
  return logged().includes(what)
}

testOnEngines(
  'a clock that was ahead for a moment is told of until it has come there again, and nobody is turned away for it',
  async (t, engine) => {
    const identity = await startRunningIdentity({ database: await engine.createStore(t) })
    t.after(identity.close)
    const leap = async (ms: number): Promise<void> => {
      identity.clock.advanceMs(ms)
      await pause(lookMs / 2)
      identity.clock.advanceMs(-ms)
    }
    await leap(4000)
    await pause(lookMs)
    assert.ok(!says(identity, 'ahead of the clock'), 'so far apart clocks may be')
    assert.deepEqual(await readiness(identity), [200, { status: 'ok' }])

    await leap(hourMs)
    await waitUntil(() => says(identity, 'ahead of the clock'), 'it is told')
    const warnings = ['revocation-log-ahead-of-the-clock']
    // Another node could do no better, and logins go on.
    assert.deepEqual(await readiness(identity), [200, { status: 'ok', warnings }])
    identity.clock.advanceMs(hourMs)
    await waitUntil(() => says(identity, 'is that of the clock again'), 'it is over')
    assert.deepEqual(await readiness(identity), [200, { status: 'ok' }])
  },
)
