import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { formatFrame, parsePosition } from '@portcullis/protocol/revocations'
import type { RevocationHealth, Verifier } from '@portcullis/verify'
import { VerifyError } from '@portcullis/verify'
import { wireVerifier } from '../src/issuer-verifier.ts'
import { createIssuerDocuments } from '../src/issuer/documents.ts'
import { parseOptions } from '../src/options.ts'
import { createStateFile } from '../src/revocation/state-file.ts'
import { createTestFeed } from '../src/testing/test-feed.ts'
import { generateTestKey } from '../src/testing/test-key.ts'
import type { ScriptedIssuer, Streams } from './scripted-issuer.ts'
import { createStreams, paths, scriptIssuer } from './scripted-issuer.ts'
import type { VirtualTime } from './virtual-time.ts'
import { createVirtualTime } from './virtual-time.ts'

const beginsAt = Date.UTC(2026, 5, 1, 12)
const relayAddress = 'https://relay.example:4005'
const maxStalenessSeconds = 6
const beatMs = 800
const revoked = 'R'.repeat(22)
const good = 'G'.repeat(22)

/** What a relay does to what comes by; each may be left out. */
interface Trick {
  /** What it sends in the place of an event. */
  readonly pass?: (event: string, world: World) => readonly string[]
  /** What it answers to everything. */
  readonly answer?: (path: string, world: World) => Response | undefined
}

interface World {
  readonly issuer: ScriptedIssuer
  readonly time: VirtualTime
  readonly verifier: Verifier
  readonly relayStreams: Streams
  /** Every event that has passed so far. */
  readonly passed: string[]
  readonly snapshots: Buffer[]
  trick: Trick
  readonly health: () => FollowedHealth
  /** Lets the issuer beat, which the relay hands on, up to this moment. */
  readonly beatUntil: (ms: number, eachTime?: () => Promise<void>) => Promise<void>
  readonly fateOf: (token: string) => Promise<string>
  readonly askedRelay: (path: string) => number
}

type FollowedHealth = Extract<RevocationHealth, { followed: true }>

function createWorld(t: TestContext, trick: Trick = {}): World {
  const time = createVirtualTime(7)
  const now = (): number => beginsAt + time.now()
  const issuer = scriptIssuer(t, { now })
  const { feed } = issuer
  const relayStreams = createStreams()
  const asked: string[] = []
  const atRelay = (url: URL): Response => {
    asked.push(url.pathname)
    const own = world.trick.answer?.(url.pathname, world)
    if (own !== undefined) return own
    if (url.pathname === paths.snapshot) {
      const snapshot = feed.snapshot()
      world.snapshots.push(snapshot)
      return new Response(new Uint8Array(snapshot))
    }
    const after = parsePosition(url.searchParams.get('after') ?? '')
    const { epoch, seq } = feed.position()
    if (after?.epoch !== epoch || after.seq > seq) return new Response(null, { status: 410 })
    return relayStreams.open(handedOn(feed.eventAfter(after.seq)).join(''))
  }
  const handedOn = (event: string): readonly string[] => {
    world.passed.push(event)
    return world.trick.pass?.(event, world) ?? [event]
  }
  const verifier = followRelay(issuer, atRelay, time)
  let sent = feed.position()
  const beat = (): void => {
    const { epoch, seq } = feed.position()
    const event = feed.eventAfter(epoch === sent.epoch ? sent.seq : 0)
    sent = { epoch, seq }
    issuer.send(event)
    for (const text of handedOn(event)) relayStreams.send(text)
  }
  const world: World = {
    issuer,
    time,
    verifier,
    relayStreams,
    passed: [],
    snapshots: [],
    trick,
    health: () => {
      const health = verifier.revocation()
      return health.followed ? health : assert.fail('nothing is followed')
    },
    beatUntil: async (ms, eachTime = async () => undefined) => {
      while (time.now() < ms) {
        await time.passUntil(Math.min(ms, time.now() + beatMs))
        beat()
        await time.passUntil(time.now() + 1)
        await eachTime()
      }
    },
    fateOf: (token) =>
      verifier.verify(token).then(
        () => 'accepted',
        (error: unknown) => (error instanceof VerifyError ? String(error.reason) : String(error)),
      ),
    askedRelay: (path) => asked.filter((one) => one === path).length,
  }
  return world
}

function followRelay(
  { issuer, fetch }: ScriptedIssuer,
  atRelay: (url: URL) => Response,
  time: VirtualTime,
): Verifier {
  const settings = parseOptions({
    issuer,
    audience: 'orders',
    client: { id: 'orders', secret: 's' },
    now: () => beginsAt + time.now(),
    fetch: async (address, init) => {
      if (!address.startsWith(relayAddress)) return fetch(address, init)
      assert.equal(new Headers(init.headers).get('authorization'), 'Bearer feed-token')
      return atRelay(new URL(address))
    },
    revocation: { maxStalenessSeconds, relay: relayAddress },
    onWarning: () => undefined,
  })
  return wireVerifier(settings, {
    timers: time.timers,
    documentsOf: createIssuerDocuments,
    stateFileOf: createStateFile,
  })
}

async function startWorld(t: TestContext): Promise<World> {
  const world = createWorld(t)
  world.issuer.feed.append({ sid: 'X'.repeat(22) })
  const ready = world.verifier.ready()
  await world.beatUntil(1_000)
  await ready
  await world.beatUntil(5_000)
  return world
}

test('a follower of a relay reads all of the feed there, and of the issuer only its documents', async (t) => {
  const world = await startWorld(t)
  const { issuer, verifier } = world
  assert.equal(world.health().source, 'relay')
  const token = issuer.mint({ sid: revoked })
  assert.equal(await world.fateOf(token), 'accepted')
  issuer.feed.append({ sid: revoked })
  await world.beatUntil(6_000)
  assert.equal(await world.fateOf(token), 'revoked')
  await world.beatUntil(120_000)
  assert.equal(world.health().isFresh, true)
  assert.deepEqual(
    [paths.stream, paths.snapshot].map((path) => issuer.asked(path)),
    [0, 0],
  )
  assert.deepEqual(
    [paths.stream, paths.snapshot].map((path) => world.askedRelay(path)),
    [1, 1],
  )
  assert.ok(issuer.asked(paths.keys) >= 1)
  await verifier.close()
})

const empty: Buffer = Buffer.alloc(0)
const eventOf = (checkpoint: string, records = empty): string =>
  `event: records\ndata: ${formatFrame({ records, checkpoint })}\n\n`
const dataOf = (event: string): { readonly records: string; readonly checkpoint: string } =>
  JSON.parse(/^data: (.*)$/m.exec(event)?.[1] ?? '') as never
const recordsIn = (event: string): Buffer => Buffer.from(dataOf(event).records, 'base64url')
const withoutRecords = (event: string): string => eventOf(dataOf(event).checkpoint)
const later = (world: World, events: number): string[] =>
  world.passed.slice(-1 - events).slice(0, 1)

/** Every one but the first lasts until the relay is honest again. */
const tricks: Readonly<Record<string, (world: World) => Trick>> = {
  'sends nothing': () => ({ pass: () => [] }),
  'sends white space and comments': () => ({ pass: () => [': still here\n\n', '\n'] }),
  'delays all by fifteen seconds': () => ({ pass: (_, world) => later(world, 20) }),
  'hands on every tenth frame alone': () => ({
    pass: (event, { passed }) => (passed.length % 10 === 0 ? [event] : []),
  }),
  'plays back one frame': ({ passed }) => {
    const [old = ''] = passed.slice(-1)
    return { pass: () => [old] }
  },
  'plays back all that came before': ({ passed }) => {
    const old = [...passed]
    return { pass: () => [old.shift() ?? ''] }
  },
  'reorders frames': () => {
    const kept: string[] = []
    return {
      pass: (event) => {
        kept.push(event)
        return kept.length === 4 ? kept.splice(0).toReversed() : []
      },
    }
  },
  'omits records': () => ({ pass: (event) => [withoutRecords(event)] }),
  'omits frames with records': () => ({
    pass: (event) => (recordsIn(event).length > 0 ? [] : [event]),
  }),
  'changes an octet of the records': () => ({
    pass: (event) => {
      const records = recordsIn(event)
      if (records.length > 0) records[12] = (records[12] ?? 0) ^ 1
      return [eventOf(dataOf(event).checkpoint, records)]
    },
  }),
  'signs checkpoints itself': ({ issuer: { feed } }) => {
    const own = generateTestKey('ES256')
    return { pass: () => [eventOf(feed.sign({}, own))] }
  },
  'signs with a key for tokens': ({ issuer: { feed, keys } }) => ({
    pass: () => [eventOf(feed.sign({}, keys.current()))],
  }),
  'sends manifests for checkpoints': ({ issuer: { feed } }) => ({
    pass: () => [eventOf(feed.snapshot().toString('latin1').split('\n')[0] ?? '')],
  }),
  'hands on the feed of another issuer': ({ time }) => {
    const now = (): number => beginsAt + time.now()
    const other = createTestFeed({ issuer: 'https://other.example', now, kids: () => [] })
    return { pass: () => [other.eventAfter(0)] }
  },
  'mixes epochs': ({ issuer: { feed } }) => ({
    pass: (event) => [eventOf(feed.sign({ epoch: 'E'.repeat(22) })), event],
  }),
  'truncates events': () => ({ pass: (event) => [event.slice(0, event.length / 2)] }),
  'truncates records': () => ({
    pass: (event) => [eventOf(dataOf(event).checkpoint, recordsIn(event).subarray(0, 20))],
  }),
  'sends an event without end': () => ({ pass: () => ['data: '.padEnd(300_000, 'x')] }),
  'answers 410 to whoever comes': () => ({
    pass: () => ['data: x\nevent: records\n\n'],
    answer: () => new Response(null, { status: 410 }),
  }),
  'refuses the token of whoever comes': () => ({
    pass: () => ['data: x\nevent: records\n\n'],
    answer: () => new Response(null, { status: 401 }),
  }),
  'asks to come back in an hour': () => ({
    pass: () => ['data: x\nevent: records\n\n'],
    answer: () => new Response(null, { status: 503, headers: { 'retry-after': '3600' } }),
  }),
  'sends whoever comes elsewhere': () => ({
    pass: () => ['data: x\nevent: records\n\n'],
    answer: () => Response.redirect('https://elsewhere.example'),
  }),
  'answers a page': () => ({
    pass: () => ['data: x\nevent: records\n\n'],
    answer: () => new Response('<html>', { headers: { 'content-type': 'text/html' } }),
  }),
}

let played = 0
for (const [what, trickOf] of Object.entries(tricks)) {
  test(`a relay that ${what} breaks no bound and is left; when it does well it is read again`, async (t) => {
    const world = await startWorld(t)
    const { issuer, time, verifier } = world
    const token = issuer.mint({ sid: revoked })
    const other = issuer.mint({ sid: good })
    world.trick = trickOf(world)
    await world.beatUntil(6_000)
    assert.equal(await world.fateOf(token), 'accepted')
    const revokedAtMs = time.now()
    issuer.feed.append({ sid: revoked })

    await world.beatUntil(revokedAtMs + 40_000, async () => {
      const isDue = time.now() - revokedAtMs > maxStalenessSeconds * 1_000
      if (isDue) assert.notEqual(await world.fateOf(token), 'accepted', `at ${time.now()}`)
      // A token that is minted now is good, whatever a relay does.
      assert.equal(await world.fateOf(issuer.mint({ sid: good })), 'accepted')
    })
    assert.equal(await world.fateOf(token), 'revoked')
    assert.equal(await world.fateOf(other), 'accepted')
    const { epoch, seq } = issuer.feed.position()
    assert.deepEqual([world.health().epoch, world.health().seq], [epoch, seq])

    // It is tried again after 10 s at the earliest and 20 s after that, twice where it refuses a token that is not new;
    // and it is asked for no snapshot any more.
    assert.ok(world.askedRelay(paths.stream) <= 5, `${world.askedRelay(paths.stream)} streams`)
    if (world.trick.answer === undefined) assert.equal(world.askedRelay(paths.snapshot), 1)

    world.trick = {}
    // It is left alone for seven minutes and a half at the longest.
    await world.beatUntil(time.now() + 460_000)
    assert.deepEqual([world.health().source, world.health().isFresh], ['relay', true])
    issuer.feed.append({ sid: good })
    await world.beatUntil(time.now() + 1_000)
    assert.equal(await world.fateOf(issuer.mint({ sid: good })), 'revoked')
    await verifier.close()
    played += 1
  })
}

test('every trick was played', () => {
  assert.equal(played, Object.keys(tricks).length)
  assert.ok(played >= 23)
})

const beginnings: Readonly<Record<string, (world: World) => Response | undefined>> = {
  'is not there': () => {
    throw new TypeError('fetch failed')
  },
  'answers 503': () => new Response(null, { status: 503, headers: { 'retry-after': '3600' } }),
  'hands out a forged snapshot': ({ issuer }) => {
    const snapshot = issuer.feed.snapshot()
    return new Response(new Uint8Array(Buffer.concat([snapshot, snapshot.subarray(-33)])))
  },
  'hands out half a snapshot': ({ issuer }) =>
    new Response(new Uint8Array(issuer.feed.snapshot().subarray(0, -7))),
  'hands out a snapshot of before': ({ snapshots }) =>
    new Response(new Uint8Array(snapshots[0] ?? Buffer.alloc(0))),
}

for (const [what, answer] of Object.entries(beginnings)) {
  test(`a verifier is ready at once though its relay ${what}`, async (t) => {
    const world = createWorld(t, {
      answer: (path, made) => (path === paths.snapshot ? answer(made) : undefined),
    })
    const { issuer, time, verifier } = world
    world.snapshots.push(issuer.feed.snapshot())
    await time.passUntil(60_000)
    const token = issuer.mint({ sid: revoked })
    issuer.feed.append({ sid: revoked })
    const ready = verifier.ready()
    await time.passUntil(61_000)
    await ready
    assert.equal(await world.fateOf(token), 'revoked')
    assert.deepEqual([world.askedRelay(paths.snapshot), issuer.asked(paths.snapshot)], [1, 1])
    await verifier.close()
  })
}

test('what a relay has not kept comes over the stream of the issuer, without a snapshot', async (t) => {
  const world = await startWorld(t)
  const { issuer } = world
  world.trick = tricks['answers 410 to whoever comes']?.(world) ?? {}
  await world.beatUntil(15_000)
  assert.equal(world.health().source, 'issuer')
  const snapshots = issuer.asked(paths.snapshot)
  await world.beatUntil(60_000)
  assert.ok(world.askedRelay(paths.stream) >= 3, 'it was tried again')
  assert.equal(issuer.asked(paths.snapshot), snapshots)
  await world.verifier.close()
})

const unwell = (): Response => new Response(null, { status: 500 })

test('the clock of a relay says nothing about that of the issuer', async (t) => {
  const ahead = new Date(beginsAt + 3_600_000).toUTCString()
  const world = createWorld(t, {
    answer: (path, { issuer, relayStreams }) => {
      const headers = { date: ahead }
      return path === paths.snapshot
        ? new Response(new Uint8Array(issuer.feed.snapshot()), { headers })
        : new Response(relayStreams.open(issuer.feed.eventAfter(0)).body, { headers })
    },
  })
  const { issuer, verifier } = world
  const ready = verifier.ready()
  await world.beatUntil(1_000)
  await ready
  const old = issuer.mint({ sid: good })
  world.trick = { pass: () => [] }
  for (const path of [paths.snapshot, paths.stream]) issuer.answer(path, unwell)
  await world.beatUntil(10_000)
  assert.equal(await world.fateOf(old), 'stale')
  assert.equal(await world.fateOf(issuer.mint({ sid: good })), 'accepted')
  await verifier.close()
})
