import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import type { RevocationOptions, Verifier, VerifierWarning } from '@portcullis/verify'
import { beginsAt, install } from './virtual-installation.ts'
import type { Installation } from './virtual-installation.ts'

const minuteMs = 60_000

interface Told extends VerifierWarning {
  readonly atMs: number
}

interface World extends Installation {
  readonly told: readonly Told[]
  readonly start: (revocation?: RevocationOptions) => Promise<Verifier>
}

function listen(t: TestContext, seed: number): World {
  const world = install(t, seed)
  t.after(world.end)
  const told: Told[] = []
  const onWarning = (warning: VerifierWarning): void => {
    told.push({ ...warning, atMs: world.time.now() })
  }
  return {
    ...world,
    told,
    start: (revocation = {}) => world.startService({ revocation, onWarning }),
  }
}

const codesOf = (told: readonly Told[]): string[] => told.map(({ code }) => code)

test('a service that nobody asks is told once that its feed is lost, and once that it is back', async (t) => {
  const world = listen(t, 1)
  const { time, way, told } = world
  await world.start()
  await time.passUntil(minuteMs)
  assert.equal(told.length, 0, 'all is well')
  way.feed = 'refused'
  await time.passUntil(31 * minuteMs)
  assert.deepEqual(codesOf(told), ['PORTCULLIS_REVOCATION_STALE'])
  const loss = told[0] ?? assert.fail()
  const staleMs = loss.atMs - minuteMs
  // The last word came within a beat before, and somebody looks every second.
  assert.ok(staleMs > 29_000 && staleMs <= 31_100, `told after ${staleMs} ms`)
  assert.match(
    loss.message,
    /feed of https:\/\/id\.example is lost \(number 1\): its last word is of 2026-06-01T12:01:00\.000Z, and 30 s are allowed; /,
  )
  assert.match(
    loss.message,
    /from 2026-06-01T12:01:30\.000Z on tokens .* refused: 401 stale, which a refresh mends; /,
  )
  assert.match(loss.message, /what fails, since 2026-06-01T12:01:0\S+Z: the stream cannot be read/)

  way.feed = 'there'
  await time.passUntil(40 * minuteMs)
  assert.deepEqual(codesOf(told.slice(1)), ['PORTCULLIS_REVOCATION_FRESH'])
  assert.match(told[1]?.message ?? '', /fresh again: it was too old for 177\d s$/)
})

test('a service that never reached the feed is told when the bound has passed, and not before', async (t) => {
  const world = listen(t, 2)
  const { time, way, told } = world
  way.feed = 'refused'
  await world.start({ maxStalenessSeconds: 10 })
  await time.passUntil(10_000)
  assert.equal(told.length, 0)
  await time.passUntil(12_000)
  assert.deepEqual(codesOf(told), ['PORTCULLIS_REVOCATION_STALE'])
  assert.match(
    told[0]?.message ?? '',
    /lost \(number 1\): nothing that counts came since the start, and 10 s are allowed/,
  )
})

test('who accepts stale tokens is told that nobody knows whether they were revoked', async (t) => {
  const world = listen(t, 3)
  const { time, way, told } = world
  await world.start({ whenStale: 'accept' })
  way.feed = 'silent'
  await time.passUntil(2 * minuteMs)
  assert.deepEqual(codesOf(told), ['PORTCULLIS_REVOCATION_STALE'])
  assert.match(told[0]?.message ?? '', /tokens are accepted that may have been revoked/)
  assert.doesNotMatch(told[0]?.message ?? '', /401/)
})

test('a feed that comes and goes is told of once a minute at most, and each return belongs to a loss', async (t) => {
  const world = listen(t, 4)
  const { time, way, told } = world
  await world.start({ maxStalenessSeconds: 3 })
  const rounds = 60
  for (let round = 0; round < rounds; round += 1) {
    way.feed = 'refused'
    await time.passUntil(time.now() + 7_000)
    way.feed = 'there'
    await time.passUntil(time.now() + 5_000)
  }
  const pairs = codesOf(told).join(' ')
  assert.match(pairs, /^(PORTCULLIS_REVOCATION_STALE PORTCULLIS_REVOCATION_FRESH ?)+$/)
  const losses = told.filter(({ code }) => code === 'PORTCULLIS_REVOCATION_STALE')
  assert.ok(losses.length >= 8 && losses.length <= 12, `${losses.length} in twelve minutes`)
  for (const [at, { atMs }] of losses.entries()) {
    assert.ok(atMs - (losses[at - 1]?.atMs ?? -Infinity) >= minuteMs)
  }
  // Those that nobody was told of are counted.
  const last = Number(/lost \(number (\d+)\)/.exec(losses.at(-1)?.message ?? '')?.[1])
  assert.ok(last > rounds - 7 && last <= rounds, `number ${last}`)
})

test('a loss that lasts is told, however soon it comes after the last one', async (t) => {
  const world = listen(t, 5)
  const { time, way, told } = world
  await world.start({ maxStalenessSeconds: 3 })
  way.feed = 'refused'
  await time.passUntil(8_000)
  way.feed = 'there'
  await time.passUntil(13_000)
  assert.equal(told.length, 2)
  way.feed = 'refused'
  await time.passUntil(60_000)
  assert.equal(told.length, 2)
  await time.passUntil(67_000)
  assert.deepEqual(codesOf(told.slice(2)), ['PORTCULLIS_REVOCATION_STALE'])
  assert.match(told[2]?.message ?? '', /\(number 2\): .* from 2026-06-01T12:00:1[5-7]/)
})

test('a clock that is behind is told of as what it is: no refresh mends it', async (t) => {
  const world = install(t, 6)
  t.after(world.end)
  const { time } = world
  const told: VerifierWarning[] = []
  let behindMs = 0
  await world.startService({
    now: () => beginsAt + time.now() - behindMs,
    onWarning: (warning) => void told.push(warning),
  })
  await time.passUntil(5_000)
  behindMs = 60_000
  await time.passUntil(minuteMs)
  assert.deepEqual(
    told.map(({ code }) => code),
    ['PORTCULLIS_REVOCATION_STALE'],
  )
  assert.match(
    told[0]?.message ?? '',
    /refused: 503 clocks-disagree, the issuer's clock is \d+ ms ahead/,
  )
  assert.doesNotMatch(told[0]?.message ?? '', /401/)
})

test('after its end a service is told nothing', async (t) => {
  const world = listen(t, 7)
  const { time, way, told } = world
  const verifier = await world.start({ maxStalenessSeconds: 3 })
  const closing = verifier.close()
  way.feed = 'refused'
  await time.passUntil(minuteMs)
  await closing
  assert.equal(told.length, 0)
})
