import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { Repeat } from '@portcullis/runtime'
import type { UpkeepOutcome } from '../src/domain/key-upkeep.ts'
import { startKeyTicks } from '../src/jobs/key-ticks.ts'
import { nothing } from './opened-keyring.ts'
import { createLogInMemory } from './running-identity.ts'

const unopenable: UpkeepOutcome = { kind: 'unopenable', kid: 'one', why: 'damaged' }

/** A timer that goes off when it is told that time has passed. */
function createChosenTimer(): {
  readonly repeat: Repeat
  readonly seconds: (count: number) => Promise<void>
} {
  const steps = new Set<() => Promise<void>>()
  return {
    repeat: (step, everyMs) => {
      assert.equal(everyMs, 1000)
      steps.add(step)
      return () => steps.delete(step)
    },
    seconds: async (count) => {
      for (let second = 0; second < count; second += 1) {
        for (const step of steps) void step()
        await setImmediate()
      }
    },
  }
}

test('it ticks every second, logs what is wrong and that it is over, and goes on in between', async () => {
  const { repeat, seconds } = createChosenTimer()
  const { log, logged } = createLogInMemory()
  const outcomes = [
    () => unopenable,
    () => unopenable,
    () => {
      throw new Error('the database is locked')
    },
    () => nothing,
    () => ({
      ...nothing,
      rotated: [{ purpose: 'feed', algorithm: 'ES256' }] as const,
      destroyed: ['two'],
    }),
  ]
  let ticks = 0
  const stop = startKeyTicks(
    {
      tick: async () => {
        ticks += 1
        return outcomes[ticks - 1]?.() ?? nothing
      },
    },
    log,
    repeat,
  )
  await seconds(1)
  assert.match(logged(), /"level":50.*"kid":"one","reason":"damaged".*cannot be kept up/)
  await seconds(1)
  await seconds(1)
  assert.equal(logged().match(/cannot be kept up/g)?.length, 1, 'once a minute is enough')
  await seconds(1)
  assert.match(logged(), /are kept up again/)
  await seconds(1)
  assert.match(logged(), /"rotated":\[\{"purpose":"feed","algorithm":"ES256"\}\]/)
  assert.match(logged(), /"destroyed":\["two"\]/)
  assert.equal(ticks, 5)
  await stop()
  await seconds(1)
  assert.equal(ticks, 5)
})

test('a trouble that lasts is logged once a minute', async () => {
  const { repeat, seconds } = createChosenTimer()
  const { log, logged } = createLogInMemory()
  const stop = startKeyTicks({ tick: async () => unopenable }, log, repeat)
  await seconds(61)
  assert.equal(logged().match(/cannot be kept up/g)?.length, 2)
  await stop()
})

test('ticks do not overlap, and stopping waits for the one under way', async () => {
  const { repeat, seconds } = createChosenTimer()
  const { log } = createLogInMemory()
  const gate = Promise.withResolvers<UpkeepOutcome>()
  let ticks = 0
  const tick = (): Promise<UpkeepOutcome> => {
    ticks += 1
    return gate.promise
  }
  const stop = startKeyTicks({ tick }, log, repeat)
  await seconds(3)
  assert.equal(ticks, 1)
  let isStopped = false
  const stopped = stop().then(() => (isStopped = true))
  await setImmediate()
  assert.equal(isStopped, false)
  gate.resolve(nothing)
  await stopped
  await seconds(3)
  assert.equal(ticks, 1)
})
