import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Verifier } from '@portcullis/verify'
import { VerifyError } from '@portcullis/verify'
import { paths } from './scripted-issuer.ts'
import type { Installation } from './virtual-installation.ts'
import { beginsAt, install } from './virtual-installation.ts'

// What goes dead here in memory does so through a TCP proxy in staleness-bound.test.ts, in the time of this world.

const minuteMs = 60_000
const liveSid = 'L'.repeat(22)
const endedSid = 'E'.repeat(22)

async function fateOf(verifier: Verifier, token: string): Promise<string> {
  return verifier.verify(token).then(
    () => 'accepted',
    (error: unknown) => {
      assert.ok(error instanceof VerifyError, String(error))
      return error.reason ?? error.code
    },
  )
}

/** As long as a token may live, so that nothing but the feed speaks against it. */
function mintLong({ issuer, time }: Installation, sid: string): string {
  const iat = Math.floor((beginsAt + time.now()) / 1000)
  return issuer.mint({ sid, iat, exp: iat + 3_600 })
}

test('while the feed is lost for an hour clients that refresh go on, and no ended session outlives the bound', async (t) => {
  const world = install(t, 1)
  const { issuer, time, way } = world
  const verifier = await world.startService()
  await time.passUntil(minuteMs)
  way.feed = 'silent'

  await time.passUntil(10 * minuteMs - 1_000)
  const ended = mintLong(world, endedSid)
  await time.passUntil(10 * minuteMs)
  issuer.feed.append({ sid: endedSid })
  const acceptedAfterMs: number[] = []
  for (let afterMs = 0; afterMs <= 40_000; afterMs += 500) {
    await time.passUntil(10 * minuteMs + afterMs)
    if ((await fateOf(verifier, ended)) === 'accepted') acceptedAfterMs.push(afterMs)
  }
  // Nobody could have told it sooner, and its own minting vouches for it for 30 s, from a second before.
  assert.equal(acceptedAfterMs.at(-1), 29_000)

  for (let minute = 11; minute <= 60; minute += 1) {
    // A key for which there was no list when the feed was lost signs what comes next.
    if (minute === 30) for (let times = 0; times < 2; times += 1) issuer.keys.rotate()
    await time.passUntil(minute * minuteMs)
    const refreshed = mintLong(world, liveSid)
    assert.equal(await fateOf(verifier, refreshed), 'accepted', `minute ${minute}`)
    await time.passUntil(minute * minuteMs + 30_000)
    assert.equal(await fateOf(verifier, refreshed), 'accepted', `minute ${minute}, 30 s later`)
    await time.passUntil(minute * minuteMs + 31_000)
    assert.equal(await fateOf(verifier, refreshed), 'stale', `minute ${minute}, 31 s later`)
    assert.equal(await fateOf(verifier, ended), 'stale', `minute ${minute}`)
  }
  const old = mintLong(world, liveSid)
  way.feed = 'there'
  // The place in the log is gone, so there is a snapshot between two streams.
  await time.passUntil(time.now() + 15_000)
  assert.equal(await fateOf(verifier, ended), 'revoked')
  await time.passUntil(time.now() + minuteMs)
  assert.equal(await fateOf(verifier, old), 'accepted')
  const health = verifier.revocation()
  assert.ok(health.followed && health.isFresh && health.seq === 1)
  world.end()
})

for (const [whenStale, withoutFeed] of [
  ['refuse', 'stale'],
  ['accept', 'accepted'],
] as const) {
  test(`where identity is gone too, a service that would ${whenStale} has no keys after 15 minutes, and all is well when it is back`, async (t) => {
    const world = install(t, 2)
    const { issuer, time, way } = world
    const verifier = await world.startService({ revocation: { whenStale } })
    issuer.feed.append({ sid: endedSid })
    await time.passUntil(minuteMs)
    const ended = mintLong(world, endedSid)
    const old = mintLong(world, liveSid)
    assert.equal(await fateOf(verifier, ended), 'revoked')
    way.identity = way.feed = 'refused'
    const fates = new Map<string, string[]>([
      [ended, []],
      [old, []],
    ])
    for (const minute of [1.4, 2, 8, 15.9, 16.1, 30, 59]) {
      await time.passUntil(minute * minuteMs)
      for (const [token, met] of fates) met.push(await fateOf(verifier, token))
    }
    const gone = 'keys-unavailable'
    const known = Array.from({ length: 4 }, () => 'revoked')
    assert.deepEqual(fates.get(ended), [...known, gone, gone, gone])
    const without = Array.from({ length: 3 }, () => withoutFeed)
    assert.deepEqual(fates.get(old), ['accepted', ...without, gone, gone, gone])
    way.identity = way.feed = 'there'
    // As long as the keys wait after many failures.
    await time.passUntil(60 * minuteMs)
    assert.equal(await fateOf(verifier, ended), 'revoked')
    assert.equal(await fateOf(verifier, old), 'accepted')
    world.end()
  })
}

const fleet = 200

/** The most that came within a tenth of a second. */
function crowdOf(askedAtMs: readonly number[], fromMs: number): number {
  const tenths = new Map<number, number>()
  for (const atMs of askedAtMs.filter((one) => one >= fromMs)) {
    const tenth = Math.floor(atMs / 100)
    tenths.set(tenth, (tenths.get(tenth) ?? 0) + 1)
  }
  return Math.max(0, ...tenths.values())
}

/** Started at once, as by whoever deploys them; stale sooner than usual, so that less has to be lived through. */
async function startFleet(world: Installation): Promise<readonly Verifier[]> {
  const options = { revocation: { maxStalenessSeconds: 10 } }
  const starting = Array.from({ length: fleet }, () => world.startService(options))
  const services = await Promise.all(starting)
  await world.time.passUntil(5_000)
  assert.equal(countFresh(services), fleet)
  return services
}

function countFresh(services: readonly Verifier[]): number {
  const healths = services.map((one) => one.revocation())
  return healths.filter((one) => one.followed && one.isFresh && one.failure === undefined).length
}

for (const how of ['silent', 'refused'] as const) {
  test(`${fleet} services whose feed was ${how} come back one by one, and all of them soon`, async (t) => {
    const world = install(t, 3)
    const { time, way, askedAtMs } = world
    const services = await startFleet(world)
    // At one moment for all.
    way.feed = how
    await time.passUntil(35_000)
    assert.equal(countFresh(services), 0)
    askedAtMs.clear()
    way.feed = 'there'
    await time.passUntil(time.now() + 9_000)
    assert.equal(countFresh(services), fleet)
    const streams = askedAtMs.get(paths.stream) ?? []
    assert.equal(streams.length, fleet, 'each once')
    const crowd = crowdOf(streams, 0)
    assert.ok(crowd <= fleet / 8, `${crowd} streams within 100 ms`)
    const snapshots = crowdOf(askedAtMs.get(paths.snapshot) ?? [], 0)
    assert.ok(snapshots <= fleet / 8, `${snapshots} snapshots within 100 ms`)
    t.diagnostic(`at most ${crowd} of ${fleet} streams, and ${snapshots} snapshots, within 100 ms`)
    world.end()
  })
}

const busy = (): Response => new Response(null, { status: 503, headers: { 'retry-after': '5' } })

test(`${fleet} services that are all told at once to come in five seconds do not come at once`, async (t) => {
  const world = install(t, 4)
  const { issuer, time, way, askedAtMs } = world
  const services = await startFleet(world)
  for (const path of [paths.stream, paths.snapshot]) issuer.answer(path, busy)
  way.feed = 'silent'
  await time.passUntil(time.now() + 4_000)
  way.feed = 'there'
  const told = time.now()
  await time.passUntil(told + 4_000)
  for (const path of [paths.stream, paths.snapshot]) issuer.answer(path, undefined)
  askedAtMs.clear()
  await time.passUntil(told + 15_000)
  assert.equal(countFresh(services), fleet)
  const crowd = crowdOf(askedAtMs.get(paths.stream) ?? [], 0)
  assert.ok(crowd <= fleet / 8, `${crowd} streams within 100 ms`)
  t.diagnostic(`at most ${crowd} of ${fleet} streams within 100 ms`)
  world.end()
})
