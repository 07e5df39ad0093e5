import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { SilentProxy } from '../../../e2e/silent-proxy.ts'
import { startSilentProxy } from '../../../e2e/silent-proxy.ts'
import { StoreUnavailableError } from '../src/domain/store-unavailable.ts'
import { openDatabase } from '../src/store/open-database.ts'
import type { Engine } from './engines.ts'
import { testOnPostgres } from './engines.ts'
import type { Answer } from './http-client.ts'
import { ask } from './http-client.ts'
import type { RunningIdentity } from './running-identity.ts'
import { alice, startRunningIdentity } from './running-identity.ts'
import type { Tokens } from './signed-in.ts'
import { call, signInHere } from './signed-in.ts'
import { queryStore } from './store-query.ts'

/*
 * A server that has lost its power behind an address that another one took over, a network that has forgotten its
 * connections, a pooler that hangs: nothing is answered and nothing is refused, and whoever connects anew is served.
 */

/** Plain http on loopback: everybody may read the feed. */
const issuer = 'http://127.0.0.1:4000'
/** What a statement may take, and the connection for which it then waits. */
const statementMs = 12_000

interface Scene {
  readonly identity: RunningIdentity
  readonly proxy: SilentProxy
  /** The address of the database past the proxy. */
  readonly direct: string
  /** And through it. */
  readonly proxied: string
}

async function startScene(t: TestContext, engine: Engine): Promise<Scene> {
  const direct = await engine.createStore(t)
  const proxy = await startSilentProxy(() => Number(new URL(direct).port))
  t.after(proxy.close)
  const proxied = new URL(direct)
  proxied.port = String(proxy.port)
  const identity = await startRunningIdentity({ database: proxied.href, file: { issuer } })
  return { identity, proxy, direct, proxied: proxied.href }
}

function logIn({ login }: RunningIdentity): Promise<Answer> {
  return login({ identifier: alice.identifier, password: alice.password })
}

interface Readiness {
  readonly status: number
  readonly missing: readonly string[] | undefined
}

async function readiness({ operationsPort }: RunningIdentity): Promise<Readiness> {
  const { status, members } = await ask(operationsPort, { path: '/health/ready' })
  return { status, missing: members()['missing'] as Readiness['missing'] }
}

/** The time of the checkpoint in a snapshot; undefined when there is none to be had. */
async function snapshotTime(identity: RunningIdentity): Promise<number | undefined> {
  const { status, bytes } = await identity.ask({ path: '/revocations/snapshot' })
  if (status !== 200) return undefined
  const [, payload = ''] = bytes.toString('latin1', 0, bytes.indexOf(0x0a)).split('.')
  return (JSON.parse(Buffer.from(payload, 'base64url').toString()) as { at: number }).at
}

/** Milliseconds until the answer is the one that is waited for. */
async function timeUntil(
  isSo: () => Promise<boolean>,
  what: string,
  msMax: number,
): Promise<number> {
  const startedAt = performance.now()
  while (!(await isSo())) {
    const passedMs = performance.now() - startedAt
    assert.ok(passedMs < msMax, `not after ${passedMs.toFixed(0)} ms: ${what}`)
    await pause(50)
  }
  return performance.now() - startedAt
}

testOnPostgres(
  'connections that fall silent are given up: the feed and logins go on, nothing is half written, and it is told',
  async (t, engine) => {
    const { identity, proxy, direct, proxied } = await startScene(t, engine)
    t.after(identity.close)
    const other = await openDatabase(proxied)
    t.after(other.close)
    const sessions: Tokens[] = []
    for (let count = 0; count < 6; count += 1) sessions.push(await signInHere(identity))
    const { access: token } = await signInHere(identity)
    const before = await snapshotTime(identity)
    assert.ok(before !== undefined)
    assert.deepEqual(await readiness(identity), { status: 200, missing: undefined })
    identity.clock.advanceMs(30_000)

    const block = 'UPDATE accounts SET blocked_at = 1 RETURNING id'
    const change = other.transaction(async (query) => {
      assert.equal((await query(block)).length, 1)
      proxy.forget()
      await query('SELECT 1')
    })
    const failed = assert.rejects(change, StoreUnavailableError)
    // Before anybody else has hung on those connections, and the feed has got one that is new.
    const isTold = async (): Promise<boolean> =>
      /the revocation feed stands still/.test(identity.logged())
    await timeUntil(isTold, 'the log tells of the feed', 20_000)
    // And again, with as many requests as there are connections to hang on.
    proxy.forget()
    const underWay = sessions.map(({ access }) => call(identity, 'POST /logout', { token: access }))
    underWay.push(...Array.from({ length: 18 }, () => call(identity, 'GET /sessions', { token })))
    const isYoung = async (): Promise<boolean> => {
      const at = await snapshotTime(identity)
      return at !== undefined && at >= before + 30_000
    }
    const feedMs = await timeUntil(isYoung, 'the feed has a young checkpoint', 15_000)
    const loginMs = await timeUntil(
      async () => (await logIn(identity)).status === 200,
      'somebody signs in',
      2 * statementMs,
    )
    t.diagnostic(`the feed after ${feedMs.toFixed(0)} ms more, logins after ${loginMs.toFixed(0)}`)
    const statuses = (await Promise.all(underWay)).map(({ status }) => status)
    assert.ok(statuses.includes(503), 'nobody waited on a connection that was silent')
    assert.deepEqual(
      statuses.filter((status) => ![200, 503].includes(status)),
      [],
    )
    await failed
    assert.equal((await other.read('SELECT id FROM accounts')).length, 1)
    const isReady = async (): Promise<boolean> => (await readiness(identity)).status === 200
    await timeUntil(isReady, 'it is ready again', 8000)

    // The server ends a transaction of which it hears nothing by itself, and lets its locks go.
    const blocked = async (): Promise<number> =>
      (await queryStore(direct, 'SELECT id FROM accounts WHERE blocked_at IS NOT NULL')).length
    assert.equal(await blocked(), 0)
    const [row] = await queryStore(
      direct,
      `SELECT (SELECT count(*) FROM sessions WHERE ended_at IS NOT NULL) AS ended,
              (SELECT count(*) FROM revocations WHERE kind = 'session') AS revoked,
              (SELECT count(*) FROM events WHERE kind = 'session-ended') AS told`,
    )
    assert.deepEqual([row?.['revoked'], row?.['told']], [row?.['ended'], row?.['ended']])
    assert.match(identity.logged(), /the revocation feed stands still/)
    assert.match(identity.logged(), /the revocation feed goes on/)
  },
)

testOnPostgres(
  'a node whose connections are all silent can be closed, and whoever waits is answered',
  async (t, engine) => {
    const { identity, proxy } = await startScene(t, engine)
    assert.equal((await logIn(identity)).status, 200)
    proxy.fallSilent()
    const underWay = Array.from({ length: 18 }, () => logIn(identity).catch(() => undefined))
    await pause(1000)
    const startedAt = performance.now()
    await identity.close()
    const tookMs = performance.now() - startedAt
    t.diagnostic(`closed after ${tookMs.toFixed(0)} ms`)
    // Then the process would end itself.
    assert.ok(tookMs < 10_000, `${tookMs} ms`)
    for (const answer of await Promise.all(underWay)) assert.notEqual(answer?.status, 200)
  },
)
