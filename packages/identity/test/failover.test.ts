import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { PostgresServer } from '../../../tools/postgres-server.ts'
import { hasPostgres, startPostgres } from '../../../tools/postgres-server.ts'
import type { Answer } from './http-client.ts'
import type { RunningIdentity } from './running-identity.ts'
import { startRunningIdentity } from './running-identity.ts'
import type { Tokens } from './signed-in.ts'
import { call, positionOf, refreshWith, signInHere } from './signed-in.ts'
import { queryStore } from './store-query.ts'

/*
 * What a running node does when the database it works with is replaced under it by one that lacks commits.
 */

/** A node over a server of its own, and a session whose end the other data have never heard of. */
interface Scene {
  readonly server: PostgresServer
  readonly identity: RunningIdentity
  readonly ended: Tokens
  /** The epoch that the end of it is written in. */
  readonly epoch: string
}

const skip = (await hasPostgres()) ? false : 'npm has no PostgreSQL for this machine'

async function startServer(t: TestContext): Promise<PostgresServer> {
  const server = await startPostgres({ isDurable: false })
  assert.ok(server !== undefined)
  t.after(server.remove)
  return server
}

async function prepare(t: TestContext): Promise<Scene> {
  const server = await startServer(t)
  const identity = await startRunningIdentity({ database: server.url })
  t.after(identity.close)
  const ended = await signInHere(identity)
  await queryStore(server.url, 'CHECKPOINT')
  await server.kill()
  server.keepCopy()
  await server.start()
  const out = await untilAnswered(() => call(identity, 'POST /logout', { token: ended.access }))
  return { server, identity, ended, epoch: positionOf(out).epoch }
}

/** The first answer that is not "later": the database was away, and where it lost commits an epoch waits 6 s. */
async function untilAnswered(request: () => Promise<Answer>): Promise<Answer> {
  for (let attempt = 0; attempt < 300; attempt += 1) {
    const answer = await request()
    if (answer.status !== 503) return answer
    assert.ok(answer.headers['retry-after'] !== undefined)
    await pause(50)
  }
  return assert.fail('the database does not come back')
}

/** What the node said when it began an epoch. */
function whyRenewed(identity: RunningIdentity): string | undefined {
  const line = identity
    .logged()
    .split('\n')
    .find((one) => one.includes('a new epoch began'))
  return line === undefined ? undefined : String((JSON.parse(line) as { detail?: unknown }).detail)
}

async function assertRenewed({ identity, ended, epoch }: Scene, why: RegExp): Promise<void> {
  // Asked without a pause from before the server is back: the first that is answered must know better.
  const refreshed = await untilAnswered(() => refreshWith(identity, ended.refresh))
  assert.equal(refreshed.status, 400, refreshed.body)
  const listed = await untilAnswered(() => call(identity, 'GET /sessions', { token: ended.access }))
  assert.equal(listed.status, 401, listed.body)
  assert.match(whyRenewed(identity) ?? 'no new epoch', why)
  const fresh = await signInHere(identity)
  const out = await call(identity, 'POST /logout', { token: fresh.access })
  assert.notEqual(positionOf(out).epoch, epoch)
}

for (const [how, why] of [
  ['promoted', /a failover, or a copy/],
  ['as-it-was', /older than its mark/],
] as const) {
  test(
    `a running node serves nothing from data that lack commits (${how}) before a new epoch is open`,
    { skip },
    async (t) => {
      const scene = await prepare(t)
      await scene.server.kill()
      scene.server.putCopyBack(how)
      const back = pause(200).then(scene.server.start)
      await assertRenewed(scene, why)
      await back
    },
  )
}

test(
  'behind a pooler, whose connections stay, a node notices within seconds',
  { skip },
  async (t) => {
    const server = await startServer(t)
    const identity = await startRunningIdentity({ database: server.url })
    t.after(identity.close)
    const old = await signInHere(identity)
    // All that such a node can see of it: the answers come from another place.
    await queryStore(server.url, "UPDATE revocation_head SET lineage = 'another server'")
    for (let attempt = 0; attempt < 100 && whyRenewed(identity) === undefined; attempt += 1) {
      await pause(100)
    }
    assert.match(whyRenewed(identity) ?? 'no new epoch', /a failover, or a copy/)
    assert.equal((await refreshWith(identity, old.refresh)).status, 400)
  },
)

test('a restart of the server that loses nothing ends nothing', { skip }, async (t) => {
  const server = await startServer(t)
  const identity = await startRunningIdentity({ database: server.url })
  t.after(identity.close)
  const { refresh } = await signInHere(identity)
  await server.kill()
  await server.start()
  const answer = await untilAnswered(() => refreshWith(identity, refresh))
  assert.equal(answer.status, 200, answer.body)
  assert.equal(whyRenewed(identity), undefined)
})
