import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createChosenRepeat } from '../../runtime/test/chosen-repeat.ts'
import { startForgettingProofs } from '../src/jobs/forgotten-proofs.ts'
import { openDatabase } from '../src/store/open-database.ts'
import { createUsedProofs } from '../src/store/used-proofs.ts'
import { createChosenClock, startMs } from './chosen-clock.ts'
import { testOnEngines } from './engines.ts'
import { createLogInMemory } from './running-identity.ts'

testOnEngines(
  'of all who use a proof at once, at any node, one is the first',
  async (t, engine) => {
    const url = await engine.createStore(t)
    const first = await openDatabase(url, { now: () => startMs })
    t.after(first.close)
    const second = await openDatabase(url, { now: () => startMs })
    t.after(second.close)
    const uses = [first, second].flatMap((node) => {
      const proofs = createUsedProofs(node)
      return Array.from({ length: 8 }, () => proofs.use('holder.name', startMs + 60_000))
    })
    const answers = await Promise.all(uses)
    assert.equal(answers.length, 16)
    assert.equal(answers.filter(Boolean).length, 1)
    assert.equal(await createUsedProofs(first).use('holder.other name', startMs), true)
  },
)

testOnEngines('a used proof is remembered until nobody believes it any more', async (t, engine) => {
  const clock = createChosenClock()
  const database = await openDatabase(await engine.createStore(t), { now: clock.now })
  t.after(database.close)
  const proofs = createUsedProofs(database)
  await proofs.use('holder.old', startMs + 1000)
  await proofs.use('holder.young', startMs + 120_000)
  clock.advanceMs(60_000)
  assert.equal(await proofs.forget(), 0)
  assert.equal(await proofs.use('holder.old', startMs + 1000), false)
  clock.advanceMs(1000)
  assert.equal(await proofs.forget(), 1)
  assert.equal(await proofs.use('holder.young', startMs + 120_000), false)
})

test('room is made as long as there is any to make, and trouble with it is said', async () => {
  const { log, logged } = createLogInMemory()
  const { repeat, step } = createChosenRepeat()
  const answers = [new Error('no disk'), 1000, 3, 0]
  const forget = async (): Promise<number> => {
    const answer = answers.shift()
    if (typeof answer !== 'number') throw answer
    return answer
  }
  const stop = startForgettingProofs({ forget }, log, repeat)
  await step()
  assert.match(logged(), /cannot be removed/)
  await step()
  await stop()
  assert.deepEqual(answers, [])
  assert.match(logged(), /are removed again/)
})
