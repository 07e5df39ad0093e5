import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { startMs } from './chosen-clock.ts'
import type { Engine } from './engines.ts'
import { testOnEngines } from './engines.ts'
import type { RunningIdentity } from './running-identity.ts'
import { alice, basic, machine, startRunningIdentity } from './running-identity.ts'
import {
  assertChallenged,
  assertNoRefresh,
  assertProblem,
  bob,
  call,
  isWelcome,
  positionOf,
  refreshWith,
  revokedKinds,
  signIn,
  signInHere,
  tokensOf,
} from './signed-in.ts'

async function start(t: TestContext, engine: Engine): Promise<RunningIdentity> {
  const database = await engine.createStore(t)
  const identity = await startRunningIdentity({ database, accounts: [alice, bob] })
  t.after(identity.close)
  return identity
}

async function listed(
  identity: RunningIdentity,
  token: string,
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const answer = await call(identity, 'GET /sessions', { token })
  assert.equal(answer.status, 200, answer.body)
  const { sessions, ...others } = answer.members()
  assert.deepEqual(others, {})
  return sessions as readonly Readonly<Record<string, unknown>>[]
}

function time(ms: number): string {
  return new Date(ms).toISOString()
}

const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0 '

testOnEngines(
  'the owner sees their own sessions only, each with client, device, network and times',
  async (t, engine) => {
    const identity = await start(t, engine)
    await signInHere(identity, bob)
    const { identifier, password } = alice
    const answer = await identity.ask({
      method: 'POST',
      path: '/login',
      headers: { 'content-type': 'application/json', 'user-agent': firefox + 'x'.repeat(300) },
      body: JSON.stringify({ identifier, password, client_id: 'till', audience: identity.issuer }),
    })
    const { access, sessionId } = tokensOf(answer)
    identity.clock.advanceMs(1000)
    const other = await signInHere(identity)
    const dayMs = 24 * 3_600_000
    assert.deepEqual(await listed(identity, access), [
      {
        id: other.sessionId,
        current: false,
        bound: false,
        client: 'web',
        network: '127.0.0.1',
        created_at: time(startMs + 1000),
        last_used_at: time(startMs + 1000),
        expires_at: time(startMs + 1000 + 14 * dayMs),
      },
      {
        id: sessionId,
        current: true,
        bound: false,
        client: 'till',
        device: (firefox + 'x'.repeat(300)).slice(0, 256),
        browser: 'Firefox',
        system: 'Linux',
        network: '127.0.0.1',
        created_at: time(startMs),
        last_used_at: time(startMs),
        expires_at: time(startMs + 14 * dayMs),
      },
    ])
    identity.clock.advanceMs(60_000)
    tokensOf(await refreshWith(identity, other.refresh))
    const [lastUsed] = await listed(identity, access)
    assert.equal(lastUsed?.['last_used_at'], time(startMs + 61_000))
  },
)

testOnEngines('a session that has ended or expired is not listed', async (t, engine) => {
  const identity = await start(t, engine)
  const idle = await signInHere(identity)
  const ended = await signInHere(identity)
  positionOf(await call(identity, 'POST /logout', { token: ended.access }))
  identity.clock.advanceMs(14 * 24 * 3_600_000)
  const { access, sessionId } = await signInHere(identity)
  assert.deepEqual(
    (await listed(identity, access)).map(({ id }) => id),
    [sessionId],
  )
  await assertNoRefresh(identity, idle.refresh)
})

testOnEngines(
  'the owner ends one session: it is dead at once, the others live, and twice is once',
  async (t, engine) => {
    const identity = await start(t, engine)
    const caller = await signInHere(identity)
    const lost = await signInHere(identity)
    const before = (await revokedKinds(identity)).length
    const end = (): ReturnType<typeof call> =>
      call(identity, `DELETE /sessions/${lost.sessionId}`, { token: caller.access })
    const position = positionOf(await end())
    assert.ok(!(await isWelcome(identity, lost.access)))
    await assertNoRefresh(identity, lost.refresh)
    assert.deepEqual(positionOf(await end()), position)
    assert.equal((await revokedKinds(identity)).length, before + 1)
    positionOf(
      await call(identity, `DELETE /sessions/${caller.sessionId}`, { token: caller.access }),
    )
    assert.ok(!(await isWelcome(identity, caller.access)), 'one may end the session one is in')
  },
)

testOnEngines(
  "somebody else's session, an unknown and an impossible one are one answer",
  async (t, engine) => {
    const identity = await start(t, engine)
    const { access } = await signInHere(identity)
    const other = await signInHere(identity, bob)
    const bodies = new Set<string>()
    for (const sid of [other.sessionId, 'A'.repeat(22), 'nonsense', '%00', "'--"]) {
      const answer = await call(identity, `DELETE /sessions/${sid}`, { token: access })
      assertProblem(answer, 404, 'not-found')
      bodies.add(answer.body)
    }
    assert.equal(bodies.size, 1)
    assert.ok(await isWelcome(identity, other.access))
  },
)

// ASVS 7.2.1.
testOnEngines(
  'only a token whose sole audience is identity is accepted there, and the refusal says so',
  async (t, engine) => {
    const identity = await start(t, engine)
    const { sessionId } = await signInHere(identity)
    const asMachine = basic(machine.clientId, machine.clientSecret)
    const grant = { grant_type: 'client_credentials', audience: identity.issuer }
    const ofMachine = String((await identity.token(grant, asMachine)).members()['access_token'])
    const tokens = [ofMachine]
    for (const audience of ['orders', ['orders', 'reviews'], undefined]) {
      tokens.push((await signIn(identity, alice, { audience })).access)
    }
    for (const token of tokens) {
      assertChallenged(await call(identity, 'GET /sessions', { token }))
      assertChallenged(await call(identity, `DELETE /sessions/${sessionId}`, { token }))
    }
    assertChallenged(await call(identity, 'GET /sessions'))
    const { identifier, password } = alice
    const both = { identifier, password, audience: ['orders', identity.issuer] }
    assertProblem(await identity.login(both), 400, 'unknown-audience')
  },
)

testOnEngines(
  'a token of a lower generation is refused at once, and the next one is good',
  async (t, engine) => {
    const identity = await start(t, engine)
    const old = await signInHere(identity)
    // Roles were reduced: people stay signed in, their tokens do not.
    await identity.query(
      "UPDATE accounts SET generation = generation + 1 WHERE identifier = 'alice'",
    )
    assert.ok(!(await isWelcome(identity, old.access)))
    const fresh = tokensOf(await refreshWith(identity, old.refresh))
    assert.ok(await isWelcome(identity, fresh.access))
  },
)

testOnEngines(
  'a token of a client that was stopped, or of its lower generation, is refused at once',
  async (t, engine) => {
    const identity = await start(t, engine)
    const old = await signInHere(identity)
    await identity.query("UPDATE clients SET generation = generation + 1 WHERE name = 'web'")
    assert.ok(!(await isWelcome(identity, old.access)))
    const fresh = tokensOf(await refreshWith(identity, old.refresh))
    assert.ok(await isWelcome(identity, fresh.access))
    await identity.query("UPDATE clients SET enabled = 0 WHERE name = 'web'")
    assert.ok(!(await isWelcome(identity, fresh.access)))
    await assertNoRefresh(identity, fresh.refresh)
  },
)
