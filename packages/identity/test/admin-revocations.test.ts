import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { NewAccount } from '../src/index.ts'
import { newClientCredential } from '../src/index.ts'
import type { Engine } from './engines.ts'
import { testOnEngines } from './engines.ts'
import type { RunningIdentity } from './running-identity.ts'
import { alice, startRunningIdentity } from './running-identity.ts'
import type { Tokens } from './signed-in.ts'
import { admin, assertProblem, bob, call, positionOf, signInHere } from './signed-in.ts'

type Listed = Readonly<Record<string, unknown>>

interface World {
  readonly identity: RunningIdentity
  /** Of the administrator. */
  readonly token: string
  readonly actor: string
  readonly list: (
    query?: string,
  ) => Promise<{ readonly found: readonly Listed[]; readonly next: unknown }>
}

const till = { ...newClientCredential(), name: 'machine', audiences: ['orders'], scopes: [] }

async function open(
  t: TestContext,
  engine: Engine,
  accounts: readonly NewAccount[],
): Promise<World> {
  const database = await engine.createStore(t)
  const people = [admin, ...accounts]
  const identity = await startRunningIdentity({ database, accounts: people, clients: [till] })
  t.after(identity.close)
  const { access: token, accountId: actor } = await signInHere(identity, admin)
  const list: World['list'] = async (query = '') => {
    const answer = await call(identity, `GET /admin/revocations${query}`, { token })
    assert.equal(answer.status, 200, answer.body)
    const { revocations, next } = answer.members()
    return { found: revocations as readonly Listed[], next }
  }
  return { identity, token, actor, list }
}

/** Takes one thing of each kind back, as its owner or with a reason, and answers what the log should say of it. */
async function takeBack({ identity, token, actor }: World): Promise<readonly Listed[]> {
  const decide = async (route: string, reason: string): Promise<Listed> => {
    const answer = await call(identity, route, { token, body: { reason } })
    const { epoch, seq } = positionOf(answer)
    return { position: `${epoch}:${seq}`, actor, reason }
  }
  const first = await signInHere(identity)
  const own = positionOf(await call(identity, 'POST /logout', { token: first.access }))
  const { sessionId, accountId }: Tokens = await signInHere(identity, bob)
  const ended = await decide(`DELETE /admin/sessions/${sessionId}`, 'a <b>lost</b> phone')
  const blocked = await decide(`POST /admin/accounts/${accountId}/block`, 'stolen')
  const path = `POST /admin/clients/${till.clientId}/revoke-tokens`
  const stopped = await decide(path, 'leaked')
  const ofSession = { kind: 'session', cause: 'session-ended' }
  return [
    { ...stopped, kind: 'client', subject: till.clientId, cause: 'client-tokens-revoked' },
    { ...blocked, kind: 'account', subject: accountId, cause: 'account-blocked' },
    { ...ended, ...ofSession, subject: sessionId, account: accountId },
    {
      ...ofSession,
      position: `${own.epoch}:${own.seq}`,
      subject: first.sessionId,
      account: first.accountId,
    },
  ]
}

testOnEngines(
  'the log in force is listed with what each record is about, the newest first',
  async (t, engine) => {
    const world = await open(t, engine, [alice, bob])
    const { identity, token, list } = world
    assert.deepEqual(await list(), { found: [], next: undefined })
    const expected = await takeBack(world)
    const { found, next } = await list()
    assert.equal(next, undefined)
    const committedAt = new Date(identity.clock.now()).toISOString()
    for (const { until } of found) assert.ok(Date.parse(String(until)) > identity.clock.now())
    assert.deepEqual(
      found.map(({ until: _until, ...one }) => one),
      expected.map((one) => ({ ...one, committed_at: committedAt })),
    )

    const page = await list('?limit=2')
    assert.deepEqual(page.found, found.slice(0, 2))
    const rest = await list(`?limit=2&after=${String(page.next)}`)
    assert.deepEqual(rest, { found: found.slice(2), next: undefined })
    for (const query of ['?limit=0', '?limit=201', '?after=x', '?before=1']) {
      const answer = await call(identity, `GET /admin/revocations${query}`, { token })
      assertProblem(answer, 400, 'malformed')
    }
  },
)

testOnEngines(
  'one record is found by its position as long as it is in force, and one that is gone says so',
  async (t, engine) => {
    const world = await open(t, engine, [alice, bob])
    const { identity, token, list } = world
    await takeBack(world)
    const { found } = await list()
    const ask = (position: string): ReturnType<typeof call> =>
      call(identity, `GET /admin/revocations/${position}`, { token })
    for (const one of found) {
      const answer = await ask(String(one['position']))
      assert.equal(answer.status, 200, answer.body)
      assert.deepEqual(answer.members(), one)
    }
    const [epoch = '', seq] = String(found[0]?.['position']).split(':')
    assertProblem(await ask(`${epoch}:${Number(seq) + 1}`), 404, 'not-found')
    assertProblem(await ask('yesterday'), 404, 'not-found')
    assertProblem(await ask(`${'B'.repeat(22)}:1`), 410, 'position-gone')
    await identity.query(`DELETE FROM revocations WHERE seq = ${Number(seq)}`)
    assertProblem(await ask(`${epoch}:${seq}`), 410, 'position-gone')
  },
)

testOnEngines('a token that was taken back is listed with whose it was', async (t, engine) => {
  const { identity, list } = await open(t, engine, [alice])
  const { access, accountId } = await signInHere(identity)
  const revoked = await identity.ask({
    method: 'POST',
    path: '/revoke',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ token: access, client_id: 'web' }).toString(),
  })
  assert.equal(revoked.status, 200, revoked.body)
  const [one] = (await list()).found
  assert.deepEqual(
    [one?.['kind'], one?.['cause'], one?.['account']],
    ['token', 'token-revoked', accountId],
  )
})

testOnEngines(
  'records of one decision about many are each about their own account',
  async (t, engine) => {
    const people = Array.from({ length: 12 }, (_, at) => ({ ...bob, identifier: `p${at}` }))
    const { identity, token, list } = await open(t, engine, people)
    const rows = await identity.query("SELECT id FROM accounts WHERE identifier LIKE 'p%'")
    const ids = rows.map(({ id }) => String(id))
    const body = { ids, reason: 'a campaign' }
    const answer = await call(identity, 'POST /admin/accounts/logout', { token, body })
    assert.equal(answer.status, 200, answer.body)
    const { found } = await list()
    assert.deepEqual(found.map(({ subject }) => String(subject)).toSorted(), ids.toSorted())
    for (const { cause, reason } of found) {
      assert.deepEqual([cause, reason], ['all-sessions-ended', 'a campaign'])
    }
  },
)
