import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { chainAfter } from '@portcullis/protocol/revocations'
import type { Engine } from './engines.ts'
import { sqlite, testOnEngines } from './engines.ts'
import type { NatsBroker, StoredFrame } from './nats-broker.ts'
import { startNatsBroker, withoutNats } from './nats-broker.ts'
import type { RunningIdentity } from './running-identity.ts'
import { startRunningIdentity } from './running-identity.ts'
import { call, positionOf, signIn } from './signed-in.ts'

const issuer = 'http://127.0.0.1:4000'

interface Scene {
  readonly broker: NatsBroker
  readonly nodes: readonly RunningIdentity[]
}

async function startNodes(t: TestContext, engine: Engine, count: number): Promise<Scene> {
  const broker = await startNatsBroker(t)
  const database = await engine.createStore(t)
  const first = await startRunningIdentity({ database, file: { issuer, ...broker.file } })
  t.after(first.close)
  const others: RunningIdentity[] = []
  for (let more = 1; more < count; more += 1) {
    const node = await first.startNode()
    t.after(node.close)
    others.push(node)
  }
  return { broker, nodes: [first, ...others] }
}

async function logOut(node: RunningIdentity): Promise<number> {
  return endSessionOf(node, (await signIn(node)).access)
}

async function endSessionOf(node: RunningIdentity, token: string): Promise<number> {
  return positionOf(await call(node, 'POST /logout', { token })).seq
}

async function until<Found>(
  find: () => Promise<Found | undefined>,
  what: string,
  msMax = 8_000,
): Promise<Found> {
  const startedAt = performance.now()
  for (;;) {
    const found = await find()
    if (found !== undefined) return found
    if (performance.now() - startedAt > msMax) throw new Error(`never happened: ${what}`)
    await setTimeout(20)
  }
}

/** All that is stored, once it reaches this far. */
function framesUpTo(broker: NatsBroker, seq: number): Promise<readonly StoredFrame[]> {
  return until(async () => {
    const frames = await broker.frames().catch(() => [])
    return (frames.at(-1)?.checkpoint.seq ?? 0) >= seq ? frames : undefined
  }, `record ${seq} at the broker`)
}

/** Each frame goes on from the one before, records, chain and time. */
function assertOneLog(frames: readonly StoredFrame[]): void {
  for (const [index, { checkpoint, records, seqs }] of frames.entries()) {
    const before = frames[index - 1]?.checkpoint
    if (before === undefined) continue
    assert.equal(checkpoint.epoch, before.epoch)
    assert.ok(checkpoint.at >= before.at)
    const expected = seqs.map((_, at) => before.seq + 1 + at)
    assert.deepEqual(seqs, expected, `frame ${index} does not begin behind ${before.seq}`)
    assert.equal(checkpoint.seq, before.seq + seqs.length)
    assert.equal(chainAfter(before.chain, records), checkpoint.chain)
  }
}

testOnEngines('what two nodes revoke at once is one log at the broker', async (t, engine) => {
  if (withoutNats !== false) return t.skip(withoutNats)
  const { broker, nodes } = await startNodes(t, engine, 2)
  const tokens: string[] = []
  // One after the other: many logins of one account at once are a flood.
  while (tokens.length < 12) tokens.push((await signIn(nodes[0] ?? assert.fail())).access)
  const seqs = await Promise.all(
    tokens.map(async (token, at) => {
      await setTimeout(at * 17)
      return endSessionOf(nodes[at % 2] ?? assert.fail(), token)
    }),
  )
  const frames = await framesUpTo(broker, Math.max(...seqs))
  assertOneLog(frames)
  const stored = new Set(frames.flatMap((frame) => frame.seqs))
  for (const seq of seqs) assert.ok(stored.has(seq), `record ${seq} is not there`)
  for (const { id, checkpoint, seqs: own } of frames) {
    const place = `${checkpoint.epoch}:${checkpoint.seq}`
    assert.equal(id, own.length > 0 ? place : `${place}:${checkpoint.at}`)
  }
})

const skip = withoutNats

test(
  'identity starts without its broker, says that it is not there, and publishes when it comes',
  { skip },
  async (t) => {
    const broker = await startNatsBroker(t)
    await broker.kill()
    const identity = await startRunningIdentity({
      database: await sqlite.createStore(t),
      file: { issuer, ...broker.file },
    })
    t.after(identity.close)
    await logOut(identity)
    const warnings = async (): Promise<unknown> => {
      const ready = `http://127.0.0.1:${identity.operationsPort}/health/ready`
      const answer = (await (await fetch(ready)).json()) as Record<string, unknown>
      return [answer['status'], answer['warnings']]
    }
    await until(
      async () =>
        JSON.stringify(await warnings()) === '["ok",["revocation-broker"]]' ? true : undefined,
      'a warning',
    )
    assert.match(identity.logged(), /the feed does not reach the broker/)
    await broker.start()
    const seq = await logOut(identity)
    await framesUpTo(broker, seq)
    await until(
      async () => (JSON.stringify(await warnings()) === '["ok",null]' ? true : undefined),
      'no warning',
    )
    assert.match(identity.logged(), /the feed reaches the broker again/)
  },
)

test(
  'what is revoked while the broker is away is there when it is back, behind what it had',
  { skip },
  async (t) => {
    const { broker, nodes } = await startNodes(t, sqlite, 2)
    const [first, second] = nodes
    assert.ok(first !== undefined && second !== undefined)
    await framesUpTo(broker, await logOut(first))
    await broker.kill()
    await logOut(first)
    await logOut(second)
    await broker.start()
    const frames = await framesUpTo(broker, await logOut(second))
    assertOneLog(frames)
  },
)

test('a stream that was deleted is made again', { skip }, async (t) => {
  const { broker, nodes } = await startNodes(t, sqlite, 1)
  const [node] = nodes
  assert.ok(node !== undefined)
  await framesUpTo(broker, await logOut(node))
  await broker.deleteStream()
  const frames = await framesUpTo(broker, await logOut(node))
  assertOneLog(frames)
})

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

test(
  'a checkpoint that somebody else has stored, of a later log, stops nothing',
  { skip },
  async (t) => {
    const { broker, nodes } = await startNodes(t, sqlite, 1)
    const [node] = nodes
    assert.ok(node !== undefined)
    const before = (await framesUpTo(broker, await logOut(node))).at(-1)?.checkpoint
    for (const later of [{ seq: 2 ** 40 }, { epoch: 'E'.repeat(22), at: 2 ** 50 }]) {
      const header = encode({ alg: 'ES256', typ: 'revocation-checkpoint+jwt', kid: 'nobody' })
      const checkpoint = `${header}.${encode({ ...before, ...later })}.${'A'.repeat(86)}`
      await broker.store(JSON.stringify({ records: '', checkpoint }))
      const seq = await logOut(node)
      await until(async () => {
        const last = (await broker.frames()).at(-1)?.checkpoint
        return last?.epoch === before?.epoch && last?.seq === seq ? true : undefined
      }, 'the log goes on at the broker')
    }
  },
)
