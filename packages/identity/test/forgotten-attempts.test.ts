import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createChosenRepeat } from '../../runtime/test/chosen-repeat.ts'
import { startForgettingAttempts } from '../src/jobs/forgotten-attempts.ts'
import { createLogInMemory } from './running-identity.ts'

test('room is made at every step, and trouble with it is said', async () => {
  const { log, logged } = createLogInMemory()
  const { repeat, step } = createChosenRepeat()
  let calls = 0
  const attempts = {
    forget: async () => {
      calls += 1
      if (calls === 1) throw new Error('no disk')
      return 0
    },
  }
  const stop = startForgettingAttempts(attempts, log, repeat)
  await step()
  assert.match(logged(), /cannot be removed/)
  await step()
  await stop()
  assert.equal(calls, 2)
  assert.match(logged(), /are removed again/)
})
