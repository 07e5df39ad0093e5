import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { encodeRecord, fingerprintOf, formatFrame } from '@portcullis/protocol/revocations'
import type { RevocationHealth, Verifier, VerifierOptions } from '@portcullis/verify'
import { VerifyError } from '@portcullis/verify'
import { generateTestKey } from '../src/testing/test-key.ts'
import type { Broker } from './nats-world.ts'
import { startBroker, withoutNats } from './nats-world.ts'
import type { ScriptedIssuer } from './scripted-issuer.ts'
import { paths, scriptIssuer } from './scripted-issuer.ts'

/** What every transport of the feed must let a follower do. */
interface Transport {
  readonly name: string
  readonly source: 'issuer' | 'broker'
  readonly skip: string | false
  readonly open: (t: TestContext, issuer: ScriptedIssuer) => Promise<Way>
}

interface Way {
  readonly options: Pick<VerifierOptions, 'revocation'>
  /** Sends what is the data of one event over SSE. */
  readonly send: (data: string) => Promise<void>
}

const maxStalenessSeconds = 3
const noStream = (): Response => new Response(null, { status: 503 })

const transports: readonly Transport[] = [
  {
    name: 'SSE',
    source: 'issuer',
    skip: false,
    open: async (_, issuer) => ({
      options: { revocation: { maxStalenessSeconds } },
      send: async (data) => issuer.send(`event: records\ndata: ${data}\n\n`),
    }),
  },
  {
    name: 'NATS JetStream',
    source: 'broker',
    skip: withoutNats,
    open: async (t, issuer) => {
      const broker = await startBroker(t)
      // What comes comes over the broker.
      issuer.answer(paths.stream, noStream)
      return {
        options: { revocation: { maxStalenessSeconds, broker: broker.feed } },
        send: broker.publish,
      }
    },
  },
]

interface World {
  readonly issuer: ScriptedIssuer
  readonly verifier: Verifier
  readonly send: Way['send']
  /** Sends every record behind this one, and a checkpoint. */
  readonly sendAfter: (seq: number) => Promise<void>
  /** Checkpoints four times a second, until it is told to stop. */
  readonly stopBeating: () => void
}

async function startWorld(t: TestContext, { open, source }: Transport): Promise<World> {
  const issuer = scriptIssuer(t)
  issuer.feed.append({ sid: 'X'.repeat(22) })
  const { options, send } = await open(t, issuer)
  const verifier = issuer.verifier({ ...options, onWarning: () => undefined })
  const sendAfter = (seq: number): Promise<void> => send(dataOf(issuer.feed.eventAfter(seq)))
  const beats = new AbortController()
  const beat = async (): Promise<void> => {
    while (!beats.signal.aborted) {
      await sendAfter(issuer.feed.position().seq)
      await setTimeout(250)
    }
  }
  // The broker may be gone before the test is over.
  const beating = beat().catch(() => undefined)
  t.after(async () => {
    beats.abort()
    await Promise.all([beating, verifier.close()])
  })
  await verifier.ready()
  await until(() => healthOf(verifier).counts.framesApplied > 0, 'a frame')
  assert.equal(healthOf(verifier).source, source)
  return { issuer, verifier, send, sendAfter, stopBeating: () => beats.abort() }
}

const dataOf = (event: string): string => /^data: (.*)$/m.exec(event)?.[1] ?? ''

function healthOf(verifier: Verifier): Extract<RevocationHealth, { followed: true }> {
  const health = verifier.revocation()
  return health.followed ? health : assert.fail('nothing is followed')
}

function fateOf(verifier: Verifier, token: string): Promise<string> {
  return verifier.verify(token).then(
    () => 'accepted',
    (error: unknown) => (error instanceof VerifyError ? String(error.reason) : String(error)),
  )
}

async function until(
  isSo: () => boolean | Promise<boolean>,
  what: string,
  msMax = 5_000,
): Promise<number> {
  const startedAt = performance.now()
  while (!(await isSo())) {
    if (performance.now() - startedAt > msMax) throw new Error(`never happened: ${what}`)
    await setTimeout(2)
  }
  return performance.now() - startedAt
}

const sid = 'A'.repeat(22)
const other = 'B'.repeat(22)

for (const transport of transports) {
  const { name, skip, source } = transport

  test(`${name}: what is revoked is refused at once`, { skip }, async (t) => {
    const { issuer, verifier, sendAfter } = await startWorld(t, transport)
    const token = issuer.mint({ sid })
    assert.equal(await fateOf(verifier, token), 'accepted')
    const { seq } = issuer.feed.append({ sid })
    await sendAfter(seq - 1)
    const ms = await until(async () => (await fateOf(verifier, token)) === 'revoked', 'a refusal')
    t.diagnostic(`refused ${ms.toFixed(1)} ms after it was sent`)
    assert.equal(healthOf(verifier).source, source)
    assert.equal(await fateOf(verifier, issuer.mint({ sid: other })), 'accepted')
  })

  test(
    `${name}: frames of thousands of records are applied in the order of the log`,
    { skip },
    async (t) => {
      const { issuer, verifier, sendAfter } = await startWorld(t, transport)
      for (let frame = 0; frame < 10; frame += 1) {
        const { seq } = issuer.feed.position()
        for (let at = 0; at < 300; at += 1) issuer.feed.append({ jti: `j${frame}-${at}` })
        await sendAfter(seq)
      }
      const { seq } = issuer.feed.position()
      await until(() => healthOf(verifier).seq === seq, 'all records')
      assert.equal(healthOf(verifier).counts.framesRefused, 0)
      assert.equal(healthOf(verifier).source, source)
      assert.equal(await fateOf(verifier, issuer.mint({ jti: 'j7-299' })), 'revoked')
    },
  )

  test(`${name}: what comes twice, or late, changes nothing`, { skip }, async (t) => {
    const { issuer, verifier, send } = await startWorld(t, transport)
    const kept: string[] = []
    for (const jti of ['one', 'two', 'three']) {
      const { seq } = issuer.feed.append({ jti })
      const frame = dataOf(issuer.feed.eventAfter(seq - 1))
      kept.push(frame)
      await send(frame)
    }
    const { epoch, seq } = issuer.feed.position()
    await until(() => healthOf(verifier).seq === seq, 'all records')
    for (const frame of [...kept, ...kept.toReversed()]) await send(frame)
    issuer.feed.append({ sid })
    await send(dataOf(issuer.feed.eventAfter(seq)))
    await until(() => healthOf(verifier).seq === seq + 1, 'the next record')
    const { counts, ...health } = healthOf(verifier)
    assert.deepEqual([health.epoch, counts.framesRefused, health.source], [epoch, 0, source])
    assert.ok(counts.framesLate >= 6, `${counts.framesLate} were late`)
  })

  const forgeries: Readonly<Record<string, (issuer: ScriptedIssuer) => string>> = {
    'signed by somebody else': ({ feed, issuer }) => {
      const records = encodeRecord({
        seq: 2,
        kind: 'session',
        fingerprint: fingerprintOf(issuer, 'session', other),
        floor: 0,
        until: undefined,
      })
      return formatFrame({ records, checkpoint: feed.sign({ seq: 2 }, generateTestKey('ES256')) })
    },
    'without its records': ({ feed }) =>
      formatFrame({ records: Buffer.alloc(0), checkpoint: feed.sign({ seq: 2 }) }),
    'of another epoch': ({ feed }) =>
      formatFrame({ records: Buffer.alloc(0), checkpoint: feed.sign({ epoch: 'E'.repeat(22) }) }),
    'no frame': () => '{"records":1}',
    'nothing at all': () => '',
  }
  for (const [what, forge] of Object.entries(forgeries)) {
    test(`${name}: a frame that is ${what} changes nothing that lasts`, { skip }, async (t) => {
      const { issuer, verifier, send, sendAfter } = await startWorld(t, transport)
      const before = healthOf(verifier)
      await send(forge(issuer))
      if (what !== 'nothing at all' || source === 'broker') {
        await until(() => healthOf(verifier).counts.framesRefused > 0, 'a refusal')
      }
      assert.equal(await fateOf(verifier, issuer.mint({ sid: other })), 'accepted')
      assert.deepEqual(
        [healthOf(verifier).epoch, healthOf(verifier).seq],
        [before.epoch, before.seq],
      )
      issuer.answer(paths.stream, undefined)
      const token = issuer.mint({ sid })
      const { seq } = issuer.feed.append({ sid })
      await sendAfter(seq - 1)
      await until(async () => (await fateOf(verifier, token)) === 'revoked', 'a refusal')
    })
  }

  test(
    `${name}: in a new epoch the follower goes on from its snapshot, and forgets nothing`,
    { skip },
    async (t) => {
      const { issuer, verifier, sendAfter } = await startWorld(t, transport)
      issuer.answer(paths.stream, undefined)
      issuer.feed.startEpoch()
      await sendAfter(0)
      const { epoch } = issuer.feed.position()
      await until(() => healthOf(verifier).epoch === epoch, 'the new epoch')
      const token = issuer.mint({ sid })
      issuer.feed.append({ sid })
      await sendAfter(0)
      await until(async () => (await fateOf(verifier, token)) === 'revoked', 'a refusal')
      assert.equal(await fateOf(verifier, issuer.mint({ sid: 'X'.repeat(22) })), 'revoked')
    },
  )

  test(
    `${name}: silence makes old tokens stale after the bound, and young ones pass`,
    { skip },
    async (t) => {
      const { issuer, verifier, sendAfter, stopBeating } = await startWorld(t, transport)
      const old = issuer.mint({ sid: other })
      for (const path of [paths.stream, paths.snapshot]) issuer.answer(path, noStream)
      stopBeating()
      const ms = await until(
        async () => (await fateOf(verifier, old)) === 'stale',
        'staleness',
        8_000,
      )
      assert.ok(ms <= maxStalenessSeconds * 1_000 + 500, `${ms} ms`)
      assert.equal(await fateOf(verifier, issuer.mint({ sid: other })), 'accepted')
      for (const path of [paths.stream, paths.snapshot]) issuer.answer(path, undefined)
      await sendAfter(issuer.feed.position().seq)
      await until(async () => (await fateOf(verifier, old)) === 'accepted', 'it is fresh again')
    },
  )

  test(`${name}: a verifier that is closed leaves nothing open`, { skip }, async (t) => {
    const { verifier, issuer } = await startWorld(t, transport)
    const startedAt = performance.now()
    await verifier.close()
    assert.ok(performance.now() - startedAt < 1_000)
    assert.equal(await fateOf(verifier, issuer.mint()), 'undefined')
  })
}

async function startBrokered(t: TestContext): Promise<World & { readonly broker: Broker }> {
  let opened: Broker | undefined
  const world = await startWorld(t, {
    name: 'NATS JetStream',
    source: 'broker',
    skip: false,
    open: async (_, issuer) => {
      const broker = (opened = await startBroker(t))
      return {
        options: { revocation: { maxStalenessSeconds, broker: broker.feed } },
        send: async (data) => {
          // The issuer goes on without its broker.
          issuer.send(`event: records\ndata: ${data}\n\n`)
          await Promise.race([broker.publish(data), setTimeout(300)]).catch(() => undefined)
        },
      }
    },
  })
  return { ...world, broker: opened ?? assert.fail('there is no broker') }
}

const losses: Readonly<Record<string, Record<'lose' | 'restore', (broker: Broker) => unknown>>> = {
  'is killed': { lose: ({ kill }) => kill(), restore: ({ start }) => start() },
  'is cut off without a word': {
    lose: ({ goSilent }) => goSilent(),
    restore: ({ heal }) => heal(),
  },
}

for (const [what, { lose, restore }] of Object.entries(losses)) {
  test(
    `a broker that ${what} is replaced by the stream of the issuer, and read again when it is back`,
    { skip: withoutNats },
    async (t) => {
      const { issuer, verifier, sendAfter, broker } = await startBrokered(t)
      assert.equal(issuer.asked(paths.stream), 0)
      await lose(broker)
      const token = issuer.mint({ sid })
      const { seq } = issuer.feed.append({ sid })
      await sendAfter(seq - 1)
      const ms = await until(async () => (await fateOf(verifier, token)) === 'revoked', 'a refusal')
      t.diagnostic(`refused after ${ms.toFixed(0)} ms`)
      // A connection that is closed says so; silence takes its time.
      assert.ok(ms < (what === 'is killed' ? 1_000 : 4_000), `${ms} ms`)
      await until(() => healthOf(verifier).source === 'issuer', 'the stream of the issuer')
      await restore(broker)
      await until(() => healthOf(verifier).source === 'broker', 'the broker is read again', 30_000)
      const later = issuer.mint({ sid: other })
      const next = issuer.feed.append({ sid: other })
      await sendAfter(next.seq - 1)
      await until(async () => (await fateOf(verifier, later)) === 'revoked', 'a refusal')
      assert.equal(healthOf(verifier).isFresh, true)
    },
  )
}

test(
  'a follower that leaves leaves no consumer behind at the broker',
  { skip: withoutNats },
  async (t) => {
    const { verifier, broker } = await startBrokered(t)
    assert.equal(await broker.consumers(), 1)
    await verifier.close()
    await until(async () => (await broker.consumers()) === 0, 'no consumer')
  },
)
