import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { createPositionReports } from '../src/revocation/position-reports.ts'
import type { PositionReports } from '../src/revocation/position-reports.ts'
import type { RequestFeed } from '../src/revocation/feed-requests.ts'
import type { Timers } from '../src/timers.ts'

const epoch = 'E'.repeat(22)

interface World extends PositionReports {
  readonly sent: readonly Readonly<Record<string, unknown>>[]
  /** Lets this much pass, and everything happen that is due. */
  readonly passMs: (ms: number) => Promise<void>
  readonly abort: () => void
}

function open(
  t: TestContext,
  {
    answers = [],
    isBounded = true,
    checkpointAgeMs = 1234.5,
  }: { answers?: (object | number)[]; isBounded?: boolean; checkpointAgeMs?: number } = {},
): World {
  let nowMs = 0
  const waiting = new Set<{ readonly atMs: number; readonly callback: () => void }>()
  const timers: Timers = {
    monotonic: () => nowMs,
    random: () => 0.5,
    schedule: (callback, ms) => {
      const one = { atMs: nowMs + ms, callback }
      waiting.add(one)
      return () => void waiting.delete(one)
    },
    yieldTurn: () => () => undefined,
  }
  const sent: Readonly<Record<string, unknown>>[] = []
  const request: RequestFeed = async ({ addressIn, json }) => {
    const feed = { snapshot: '', stream: '', keys: '', positions: 'https://id.example/positions' }
    assert.equal(addressIn(feed), feed.positions)
    sent.push(JSON.parse(JSON.stringify(json)) as Readonly<Record<string, unknown>>)
    const answer = answers.shift() ?? { spread_ms: 0, every_ms: 10_000 }
    return typeof answer === 'number' ? new Response('', { status: answer }) : Response.json(answer)
  }
  const closing = new AbortController()
  t.after(() => closing.abort())
  const reports = createPositionReports({
    request,
    timers,
    now: () => 1_000_000 + nowMs,
    maxStalenessMs: isBounded ? 30_000 : undefined,
    software: 'kiosk',
    freshness: { ageMs: () => checkpointAgeMs },
    signal: closing.signal,
  })
  reports.start()
  const passMs = async (ms: number): Promise<void> => {
    const endMs = nowMs + ms
    for (;;) {
      for (let turn = 0; turn < 4; turn += 1) await setImmediate()
      const [next] = [...waiting].toSorted((one, other) => one.atMs - other.atMs)
      if (next === undefined || next.atMs > endMs) break
      nowMs = next.atMs
      waiting.delete(next)
      next.callback()
    }
    nowMs = endMs
  }
  return { ...reports, sent, passMs, abort: () => closing.abort() }
}

test('what is applied is reported at once, and once', async (t) => {
  const { note, sent, passMs } = open(t)
  await passMs(5)
  note({ epoch, seq: 3 })
  await passMs(1)
  assert.equal(sent.length, 1)
  const { follower, ...report } = sent[0] ?? {}
  assert.match(String(follower), /^[A-Za-z0-9_-]{22}$/)
  assert.deepEqual(report, {
    position: `${epoch}:3`,
    applied_ms_ago: 0,
    max_staleness_seconds: 30,
  })
  note({ epoch, seq: 3 })
  await passMs(8_000)
  assert.equal(sent.length, 1, 'a checkpoint without news is no news')
})

test('however much is revoked, a report a second says how far it is, and since when', async (t) => {
  const { note, sent, passMs } = open(t)
  for (let seq = 1; seq <= 100; seq += 1) {
    note({ epoch, seq })
    await passMs(10)
  }
  await passMs(400)
  assert.deepEqual(
    sent.map(({ position, applied_ms_ago: ago }) => [position, ago]),
    [
      [`${epoch}:1`, 0],
      [`${epoch}:100`, 10],
    ],
  )
})

test('a follower reports as the issuer asks for it: spread by chance, and now and then without news', async (t) => {
  const { note, sent, passMs } = open(t, { answers: [{ spread_ms: 400, every_ms: 20_000 }] })
  note({ epoch, seq: 1 })
  await passMs(5_000)
  note({ epoch, seq: 2 })
  await passMs(199)
  assert.equal(sent.length, 1)
  await passMs(1)
  assert.deepEqual(sent[1]?.['applied_ms_ago'], 200)
  await passMs(9_000)
  assert.equal(sent.length, 2)
  await passMs(3_000)
  assert.equal(sent.length, 3, 'the second answer has asked for one in ten seconds')
  assert.equal(sent[2]?.['position'], `${epoch}:2`)
})

test('an issuer that does not want to hear is asked again much later', async (t) => {
  const { note, sent, passMs } = open(t, { answers: [503, 503] })
  note({ epoch, seq: 1 })
  await passMs(9_000)
  assert.equal(sent.length, 1)
  await passMs(1_000)
  assert.equal(sent.length, 2)
  note({ epoch, seq: 2 })
  await passMs(10_000)
  assert.equal(sent.length, 3)
  assert.equal(sent[2]?.['position'], `${epoch}:2`)
})

test('a service that goes on without the feed says that it has no bound', async (t) => {
  const { note, sent, passMs } = open(t, { isBounded: false })
  note({ epoch, seq: 1 })
  await passMs(1)
  assert.deepEqual(Object.keys(sent[0] ?? {}), ['follower', 'position', 'applied_ms_ago'])
})

test('one that ends says so, unless nobody knows it', async (t) => {
  const { note, sent, passMs, abort, close } = open(t)
  abort()
  await close()
  assert.equal(sent.length, 0)
  const known = open(t)
  known.note({ epoch, seq: 1 })
  await known.passMs(1)
  known.abort()
  await known.close()
  assert.equal(known.sent[1]?.['ended'], true)
  await known.passMs(60_000)
  assert.equal(known.sent.length, 2)
  note({ epoch, seq: 1 })
  await passMs(60_000)
  assert.equal(sent.length, 0)
})

test('an issuer that wants to hear it is told once what was refused, and what time it is here', async (t) => {
  const counted = { spread_ms: 0, every_ms: 1000, counted: true }
  const { note, refused, sent, passMs } = open(t, { answers: [counted, counted, 400, counted] })
  refused('expired')
  note({ epoch, seq: 1 })
  await passMs(10)
  assert.equal(sent.length, 1)
  const early = ['refused', 'software', 'version', 'checkpoint_ms_ago'].filter(
    (name) => name in (sent[0] ?? {}),
  )
  assert.deepEqual(early, [], 'an issuer of an earlier release would refuse it')
  refused('expired')
  refused('bad-signature')
  note({ epoch, seq: 2 })
  await passMs(1000)
  const { refused: told, clock } = sent[1] ?? {}
  assert.deepEqual(told, { expired: 2, 'bad-signature': 1 })
  assert.equal(clock, 1_001_000)

  // What could not be told is not lost, and is not told to one that does not want it.
  refused('expired')
  note({ epoch, seq: 3 })
  await passMs(1000)
  assert.equal(sent.length, 3)
  await passMs(1000)
  assert.ok(!('refused' in (sent[3] ?? {})))
  note({ epoch, seq: 4 })
  await passMs(1000)
  assert.deepEqual(sent[4]?.['refused'], { expired: 1, 'bad-signature': 0 })
})

test('a report says what follows, which version of it, and how old its checkpoint is', async (t) => {
  const counted = { spread_ms: 0, every_ms: 1000, counted: true }
  const { version } = JSON.parse(
    readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
  ) as { readonly version: string }
  for (const [checkpointAgeMs, told] of [
    [1234.5, 1234],
    [-3, 0],
    [Infinity, 3_600_000],
  ] as const) {
    const { note, sent, passMs } = open(t, { answers: [counted, counted], checkpointAgeMs })
    note({ epoch, seq: 1 })
    await passMs(10)
    note({ epoch, seq: 2 })
    await passMs(1000)
    const { software, version: of, checkpoint_ms_ago: ago } = sent[1] ?? {}
    assert.deepEqual({ software, of }, { software: 'kiosk', of: version })
    assert.equal(ago, told)
  }
})
