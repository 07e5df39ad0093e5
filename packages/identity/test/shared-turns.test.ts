import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { createSharedTurns } from '../src/domain/shared-turns.ts'
import { createSerialQueue } from '../src/domain/serial-queue.ts'

const nothing = (): undefined => undefined
const giveWay = async (): Promise<void> => undefined

test('those who come at a time share what is read, and who came to its own turn meanwhile is not held up', async () => {
  const inTurn = createSerialQueue()
  const done: string[] = []
  let reads = 0
  const enter = createSharedTurns({
    inTurn,
    max: 3,
    read: async () => {
      reads += 1
      return `reading ${reads}`
    },
    take: async (item: number, shared: string) => {
      done.push(`${item} with ${shared}`)
      return item * 10
    },
    answerWithout: nothing,
    giveWay,
  })
  const entered = [1, 2, 3, 4, 5, 6, 7].map(enter)
  const beat = inTurn(async () => done.push('a beat'))
  assert.deepEqual(await Promise.all(entered), [10, 20, 30, 40, 50, 60, 70])
  await beat
  assert.deepEqual(done, [
    '1 with reading 1',
    '2 with reading 1',
    '3 with reading 1',
    'a beat',
    '4 with reading 2',
    '5 with reading 2',
    '6 with reading 2',
    '7 with reading 3',
  ])
})

test('whoever comes while something is read waits for the next reading', async () => {
  const finish: ((shared: number) => void)[] = []
  const enter = createSharedTurns({
    inTurn: createSerialQueue(),
    max: 10,
    read: () => new Promise<number>((resolve) => finish.push(resolve)),
    take: async (item: string, shared: number) => `${item} saw ${shared}`,
    answerWithout: nothing,
    giveWay,
  })
  const first = enter('the first')
  await setImmediate()
  const second = enter('the second')
  finish[0]?.(1)
  assert.equal(await first, 'the first saw 1')
  await setImmediate()
  finish[1]?.(2)
  assert.equal(await second, 'the second saw 2')
})

test('what comes while these give way goes before the next of them', async () => {
  const inTurn = createSerialQueue()
  const done: string[] = []
  const enter = createSharedTurns({
    inTurn,
    max: 2,
    read: giveWay,
    take: async (item: string) => void done.push(item),
    answerWithout: nothing,
    giveWay: setImmediate,
  })
  const entered = ['a', 'b', 'c', 'd', 'e'].map(enter)
  for (const beat of ['the first beat', 'the second beat']) {
    await new Promise<void>((resolve) => process.nextTick(resolve))
    await inTurn(async () => void done.push(beat))
    await setImmediate()
  }
  await Promise.all(entered)
  assert.deepEqual(done, ['a', 'b', 'the first beat', 'c', 'd', 'the second beat', 'e'])
})

test('one that needs no turn any more takes no place in one, and nothing is read for those alone', async () => {
  const taken: number[] = []
  let reads = 0
  const enter = createSharedTurns({
    inTurn: createSerialQueue(),
    max: 2,
    read: async () => void (reads += 1),
    take: async (item: number) => {
      taken.push(item)
      return 'taken'
    },
    answerWithout: (item) => (item % 10 === 0 ? undefined : 'left'),
    giveWay,
  })
  const answers = await Promise.all(Array.from({ length: 40 }, (_, item) => enter(item)))
  assert.deepEqual(taken, [0, 10, 20, 30])
  assert.equal(answers.filter((answer) => answer === 'left').length, 36)
  assert.equal(reads, 2)
  assert.equal(await enter(41), 'left')
  assert.equal(reads, 2)
})

test('what fails is told to all who share the turn and have no answer yet, and the next are not concerned', async () => {
  let isBroken = false
  let tries = 0
  const enter = createSharedTurns({
    inTurn: createSerialQueue(),
    max: 4,
    read: async () => {
      if (isBroken) throw new Error('no database')
    },
    take: async (item: string) => {
      tries += 1
      if (item === 'bad') throw new Error('no signature')
      return item
    },
    answerWithout: nothing,
    giveWay,
  })
  const outcomes = await Promise.allSettled(['good', 'bad', 'bad', 'bad', 'next'].map(enter))
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'rejected', 'rejected', 'rejected', 'fulfilled'],
  )
  assert.equal(tries, 3, 'it was tried for each')
  isBroken = true
  for (const one of ['this', 'that'].map(enter)) await assert.rejects(one, /no database/)
  isBroken = false
  assert.equal(await enter('again'), 'again')
})
