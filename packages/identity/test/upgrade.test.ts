import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { systemErrorCode } from '@portcullis/runtime'
import type { Engine } from './engines.ts'
import { testOnEngines } from './engines.ts'
import type { Answer } from './http-client.ts'
import type { RunningIdentity } from './running-identity.ts'
import { startRunningIdentity } from './running-identity.ts'
import type { Tokens } from './signed-in.ts'
import { call, refreshWith, signInHere } from './signed-in.ts'
import { startError } from './start-error.ts'
import { queryStore } from './store-query.ts'

/*
 * There is no release before this one, so the store is made to look as one of before has left it, by taking away what
 * the last steps have added; and as one that comes has, by adding what this one does not know.
 */

const takenAway = [
  'DROP TABLE activity',
  ...['subject', 'cause', 'account_id', 'actor', 'reason'].map(
    (column) => `ALTER TABLE revocations DROP COLUMN ${column}`,
  ),
  'DROP TABLE sightings',
  'DROP TABLE anomaly_turns',
  'DROP TABLE anomaly_cursors',
  'DROP TABLE anomaly_states',
  'DROP TABLE anomalies',
  'DROP TABLE undelivered_events',
  'DROP TABLE acknowledged_events',
  'DROP TABLE unwanted_subjects',
  'DROP TABLE event_streams',
  'DROP TABLE security_events',
  'ALTER TABLE revocation_head DROP COLUMN has_streams',
  'DROP TABLE followers',
  'ALTER TABLE sessions DROP COLUMN dpop_jkt',
  'DELETE FROM migrations WHERE id > 16',
]

const future = 'INSERT INTO migrations (id, name, checksum, applied_at, additive) VALUES'
const added = [
  'CREATE TABLE cookies (id text PRIMARY KEY)',
  "ALTER TABLE sessions ADD COLUMN flavour text NOT NULL DEFAULT 'plain'",
  'ALTER TABLE accounts ADD COLUMN flavour text',
  `${future} (98, 'of the next release', 'x', 0, 1)`,
]

async function run(url: string, statements: readonly string[]): Promise<void> {
  for (const statement of statements) await queryStore(url, statement)
}

/** What a balancer does: whoever of the nodes that are there takes the request answers it. */
async function askAny(
  nodes: () => readonly RunningIdentity[],
  ask: (node: RunningIdentity) => Promise<Answer>,
): Promise<Answer> {
  for (let tries = 0; tries < 4; tries += 1) {
    const present = nodes()
    const node = present[tries % present.length] ?? assert.fail('there is no node')
    try {
      return await ask(node)
    } catch (error) {
      const code = systemErrorCode(error) ?? ''
      assert.ok(['ECONNREFUSED', 'ECONNRESET'].includes(code), String(error))
    }
  }
  assert.fail('no node takes the request')
}

interface Traffic {
  /** Ends it, when everybody was served some times. */
  readonly end: () => Promise<unknown>
}

const peopleMax = 4
const timesMin = 3

/** People who refresh and look at their sessions, as long as `nodes` says where. */
async function startTraffic(nodes: () => readonly RunningIdentity[]): Promise<Traffic> {
  let isOver = false
  const people = Array.from({ length: peopleMax }, async (_, person) => {
    const [first] = nodes()
    let tokens: Pick<Tokens, 'access' | 'refresh'> = await signInHere(first ?? assert.fail())
    for (let times = 0; ; times += 1) {
      if (isOver && times >= timesMin) return times
      // Half of them begin at the other node.
      const present = (): readonly RunningIdentity[] =>
        (times + person) % 2 === 0 ? nodes() : nodes().toReversed()
      const refreshed = await askAny(present, (node) => refreshWith(node, tokens.refresh))
      assert.equal(refreshed.status, 200, refreshed.body)
      const { access_token: access, refresh_token: refresh } = refreshed.members()
      tokens = { access: String(access), refresh: String(refresh) }
      const listed = await askAny(present, (node) =>
        call(node, 'GET /sessions', { token: tokens.access }),
      )
      assert.equal(listed.status, 200, listed.body)
    }
  })
  // Told of at the end; an error on the way must not end the process.
  const served = Promise.all(people)
  served.catch(() => undefined)
  return {
    end: () => {
      isOver = true
      return served
    },
  }
}

/** Nodes over one store, which are closed with the test at the latest. */
interface Nodes {
  readonly first: () => Promise<RunningIdentity>
  readonly beside: (node: RunningIdentity) => Promise<RunningIdentity>
  readonly close: (node: RunningIdentity) => Promise<void>
}

function nodesAt(t: TestContext, engine: Engine): Nodes {
  const open = new Set<RunningIdentity>()
  const close = async (node: RunningIdentity): Promise<void> => {
    if (open.delete(node)) await node.close()
  }
  t.after(async () => {
    for (const node of open) await close(node)
  })
  const opened = (node: RunningIdentity): RunningIdentity => {
    open.add(node)
    return node
  }
  return {
    first: async () =>
      opened(await startRunningIdentity({ database: await engine.createStore(t) })),
    beside: async (node) => opened(await node.startNode()),
    close,
  }
}

testOnEngines(
  'nodes are exchanged one by one over the store of a release before, and nobody is refused',
  async (t, engine) => {
    const { first, beside, close } = nodesAt(t, engine)
    const before = await first()
    const signedIn = await signInHere(before)
    await close(before)
    await run(before.database, takenAway)
    const upgraded = await beside(before)
    let nodes: readonly RunningIdentity[] = [upgraded]
    const kept = await refreshWith(upgraded, signedIn.refresh)
    assert.equal(kept.status, 200, 'somebody who was signed in before is signed out')

    const traffic = await startTraffic(() => nodes)
    const second = await beside(upgraded)
    nodes = [upgraded, second]
    await close(upgraded)
    const third = await beside(second)
    nodes = [third, second]
    await close(second)
    await traffic.end()
  },
)

testOnEngines(
  'a release goes on over what the next one has added, and leaves alone what it has changed',
  async (t, engine) => {
    const { first, beside, close } = nodesAt(t, engine)
    const identity = await first()
    const traffic = await startTraffic(() => [identity])
    await run(identity.database, added)
    // Going back by one release: a start over what the next one has added.
    const again = await beside(identity)
    const { refresh } = await signInHere(again)
    assert.equal((await refreshWith(identity, refresh)).status, 200)
    await close(again)
    await traffic.end()

    await run(identity.database, [`${future} (99, 'of the one after', 'x', 0, 0)`])
    const refusal = startError(/newer release \(schema step 99\)/, /nothing was changed/)
    await assert.rejects(beside(identity), refusal)
    const { refresh: later } = await signInHere(identity)
    assert.equal((await refreshWith(identity, later)).status, 200, 'whoever runs goes on')
  },
)
