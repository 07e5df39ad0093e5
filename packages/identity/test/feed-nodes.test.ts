import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { Engine } from './engines.ts'
import { testOnEngines, testOnPostgres } from './engines.ts'
import type { Follower } from './follower.ts'
import { fetchFeedKeys, follow } from './follower.ts'
import type { RunningIdentity } from './running-identity.ts'
import { startRunningIdentity } from './running-identity.ts'
import { call, positionOf, signIn } from './signed-in.ts'

const issuer = 'http://127.0.0.1:4000'

/** Two nodes over one store, and a follower of the second. */
interface Scene {
  readonly first: RunningIdentity
  readonly follower: Follower
}

async function startNodes(t: TestContext, engine: Engine): Promise<Scene> {
  const database = await engine.createStore(t)
  const first = await startRunningIdentity({ database, file: { issuer } })
  t.after(first.close)
  const second = await first.startNode()
  t.after(second.close)
  const { access } = await signIn(first)
  positionOf(await call(first, 'POST /logout', { token: access }))
  const keys = await fetchFeedKeys(second)
  const manifest = await second.ask({ path: '/revocations/snapshot' })
  const [, payload = ''] = manifest.bytes.toString('latin1').split('.')
  const { epoch, seq, chain } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as {
    epoch: string
    seq: number
    chain: string
  }
  const follower = await follow(second.port, { after: `${epoch}:${seq}`, chain, keys, issuer })
  t.after(follower.leave)
  return { first, follower }
}

/** How long a logout at the first node took to the follower of the second, from its answer. */
async function delayMs({ first, follower }: Scene): Promise<number> {
  const { access } = await signIn(first)
  const { seq } = positionOf(await call(first, 'POST /logout', { token: access }))
  const answeredAtMs = performance.now()
  for (;;) {
    const { checkpoint, receivedAtMs } = await follower.next()
    if (checkpoint.seq >= seq) return Math.max(0, receivedAtMs - answeredAtMs)
  }
}

async function medianDelayMs(scene: Scene): Promise<number> {
  const delays: number[] = []
  for (let many = 0; many < 9; many += 1) {
    // At no fixed distance from the beats.
    await pause(Math.random() * 60)
    delays.push(await delayMs(scene))
  }
  return delays.toSorted((one, other) => one - other)[4] ?? assert.fail()
}

/** Far below half of a beat, which is what it would be without being woken. */
const wokenMsMax = 150

testOnEngines(
  'what one node revokes is at the followers of another within tens of milliseconds',
  async (t, engine) => {
    const scene = await startNodes(t, engine)
    const medianMs = await medianDelayMs(scene)
    t.diagnostic(`${engine.name}: ${medianMs.toFixed(1)} ms behind the answer`)
    assert.ok(medianMs < wokenMsMax)
  },
)

testOnPostgres(
  'a node whose listening connection is lost sends at its beats, and listens again',
  async (t, engine) => {
    const scene = await startNodes(t, engine)
    assert.ok((await medianDelayMs(scene)) < wokenMsMax)
    const ended = await scene.first.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE application_name = 'portcullis wake' AND datname = current_database()`,
    )
    assert.equal(ended.length, 2)
    const lostMs = await delayMs(scene)
    t.diagnostic(`while nobody listened: ${lostMs.toFixed(0)} ms`)
    assert.ok(lostMs < 1500)
    await pause(500)
    const medianMs = await medianDelayMs(scene)
    t.diagnostic(`afterwards: ${medianMs.toFixed(1)} ms`)
    assert.ok(medianMs < wokenMsMax)
  },
)

testOnPostgres(
  'two nodes have a connection each that listens, and a node that ends takes it along',
  async (t, engine) => {
    const { first } = await startNodes(t, engine)
    const listening = async (): Promise<number> => {
      const rows = await first.query(
        `SELECT pid FROM pg_stat_activity
         WHERE application_name = 'portcullis wake' AND datname = current_database()`,
      )
      return rows.length
    }
    assert.equal(await listening(), 2)
    const third = await first.startNode()
    for (let looks = 0; looks < 50 && (await listening()) < 3; looks += 1) await pause(20)
    assert.equal(await listening(), 3)
    await third.close()
    assert.equal(await listening(), 2)
  },
)
