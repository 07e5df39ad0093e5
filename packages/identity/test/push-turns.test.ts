import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EndedTurn, LeasedStream, PushAnswer } from '../src/domain/event-pushes.ts'
import { pushWaiting } from '../src/domain/event-pushes.ts'
import type { SecurityEvent } from '../src/domain/security-events.ts'

/** One turn of a stream in which a hundred events wait, and what was written of it. */
async function takeTurn(
  stream: Partial<LeasedStream>,
  answerTo: (id: number) => PushAnswer,
  { pushMs = 1, leaseLostAt = Infinity } = {},
): Promise<readonly (readonly [what: string, about?: number])[]> {
  const written: (readonly [string, number?])[] = []
  let nowMs = 0
  let pushed = 0
  const write = (what: string, { taken }: EndedTurn, ...about: readonly [number?]): void => {
    if (taken !== undefined) written.push(['taken', taken.id])
    written.push([what, ...about])
  }
  await pushWaiting(
    {
      issuer: 'https://id.example',
      pushedEvents: {
        claim: async () => [],
        next: async (_, last) => {
          const id = (last?.id ?? 0) + 1
          pushed = id
          return id <= 100 && id < leaseLostAt
            ? ({ id, at: 0, event: 'session-revoked' } as SecurityEvent)
            : undefined
        },
        failed: async (_, ended) => write('failed', ended, ended.failure.delayMs),
        giveUp: async (_, ended) => write('given up', ended, ended.event.id),
        release: async (_, ended) => write('released', ended),
      },
      signSecurityEvent: async () => 'a.b.c',
      push: async () => {
        nowMs += pushMs
        return answerTo(pushed)
      },
      pace: async () => undefined,
      together: async () => undefined,
      random: () => 1,
      monotonic: () => nowMs,
    },
    { id: 'a stream', tries: 0, failures: 0, ...stream } as LeasedStream,
  )
  return written
}

const taken: PushAnswer = { kind: 'taken' }
const refused: PushAnswer = { kind: 'refused', why: 'it answered 404', isFinal: false }

test('a turn is sixteen events, or twenty seconds, and then others have theirs', async () => {
  const quick = await takeTurn({}, () => taken)
  assert.deepEqual(quick, [['taken', 16], ['released']])
  const slow = await takeTurn({}, () => taken, { pushMs: 9_000 })
  assert.deepEqual(slow, [['taken', 3], ['released']])
})

test('whoever has lost the lease pushes nothing more, and leaves the stream to the others', async () => {
  const written = await takeTurn({}, () => taken, { leaseLostAt: 3 })
  assert.deepEqual(written, [['taken', 2], ['released']])
})

async function delayAfter(retryAfterMs: number | undefined, failures = 0): Promise<unknown> {
  const away: PushAnswer = { kind: 'unreachable', why: 'it answered 503', retryAfterMs }
  const [one, ...others] = await takeTurn({ failures }, () => away)
  assert.deepEqual([one?.[0], others], ['failed', []])
  return one?.[1]
}

test('a receiver says when it wants to be asked again: no sooner, and believed up to ten minutes', async () => {
  assert.equal(await delayAfter(undefined), 1_000)
  assert.equal(await delayAfter(120_000), 120_000)
  assert.equal(await delayAfter(3_600_000), 600_000)
  assert.equal(await delayAfter(1_000, 5), 32_000)
})

test('an event that was taken ends what failed before it', async () => {
  const written = await takeTurn({ tries: 11, failures: 9 }, (id) => (id === 2 ? refused : taken))
  assert.deepEqual(written, [
    ['taken', 1],
    ['failed', 1_000],
  ])
})

test('nothing is given up because nobody is there, however often it was tried', async () => {
  const away: PushAnswer = { kind: 'unreachable', why: 'no connection' }
  assert.deepEqual(await takeTurn({ tries: 99, failures: 99 }, () => away), [['failed', 600_000]])
  assert.deepEqual(await takeTurn({ tries: 11, failures: 11 }, () => refused), [['given up', 1]])
})
