import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { test } from 'node:test'
import type { Receipts } from '@portcullis/client/admin'
import { followReceipts } from '../src/revocation/receipts.ts'
import { committedAt, pretendReceipts } from './pretend-receipts.ts'

const partly = pretendReceipts({ tookMs: [1], unknown: [committedAt] })
const everywhere = pretendReceipts({ tookMs: [1, 2] })
const passing = new Error('not now')

interface Followed {
  readonly asked: readonly number[]
  readonly heard: readonly (readonly [applied: number, isEarly: boolean])[]
  readonly failed: readonly boolean[]
  /** Lets the time pass until it asks again. */
  readonly goOn: () => Promise<void>
  readonly end: () => void
  readonly waiting: () => number
}

async function follow(answers: readonly (Receipts | Error)[]): Promise<Followed> {
  const asked: number[] = []
  const heard: (readonly [number, boolean])[] = []
  const failed: boolean[] = []
  let later: (() => void)[] = []
  const end = followReceipts(
    {
      ask: async (waitSeconds) => {
        const answer = answers[asked.length]
        asked.push(waitSeconds)
        // What is not answered any more is waited for without an end.
        if (answer === undefined) return new Promise(() => undefined)
        if (answer instanceof Error) throw answer
        return answer
      },
      isPassing: (error) => error === passing,
      later: (what) => {
        later.push(what)
        return () => {
          later = later.filter((one) => one !== what)
        }
      },
    },
    {
      onReceipts: ({ receipts, isEarly }) => heard.push([receipts.applied, isEarly]),
      onFailure: (_error, isRetrying) => failed.push(isRetrying),
    },
  )
  await turn()
  const goOn = async (): Promise<void> => {
    for (const what of later.splice(0)) what()
    await turn()
  }
  return { asked, heard, failed, goOn, end, waiting: () => later.length }
}

test('the first receipts are shown as they come, and nothing is asked when it is everywhere', async () => {
  const { asked, heard } = await follow([partly, partly, everywhere, partly])
  assert.deepEqual(asked, [0, 1, 1])
  assert.deepEqual(heard, [
    [1, true],
    [1, false],
    [2, false],
  ])
})

test('who is late for long is waited for in longer and longer questions', async () => {
  const { asked } = await follow(Array.from({ length: 9 }, () => partly))
  assert.deepEqual(asked, [0, 1, 1, 2, 2, 5, 10, 10, 10, 10])
})

test('what passes is asked again by itself, and what does not waits for somebody', async () => {
  const followed = await follow([partly, passing, partly, new Error('gone')])
  assert.deepEqual(followed.failed, [true])
  assert.deepEqual(followed.asked, [0, 1])
  await followed.goOn()
  assert.deepEqual(followed.failed, [true, false])
  assert.deepEqual(
    followed.heard.map(([, isEarly]) => isEarly),
    [true, false],
  )
  await followed.goOn()
  assert.equal(followed.asked.length, 4)
})

test('a page that was left hears nothing more and asks nothing more', async () => {
  const followed = await follow([partly, passing, everywhere])
  assert.equal(followed.waiting(), 1)
  followed.end()
  assert.equal(followed.waiting(), 0)
  await followed.goOn()
  assert.equal(followed.asked.length, 2)
})
