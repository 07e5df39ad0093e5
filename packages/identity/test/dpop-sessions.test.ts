import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { decodeToken } from './decoded-token.ts'
import type { Engine } from './engines.ts'
import { testOnEngines, testOnPostgres } from './engines.ts'
import { assertOAuthError, countUsedProofs, createKeyHolder } from './key-holder.ts'
import type { RunningIdentity } from './running-identity.ts'
import { alice, startRunningIdentity } from './running-identity.ts'
import {
  assertNoRefresh,
  call,
  eventKinds,
  refreshWith,
  revokedKinds,
  signIn,
  tokensOf,
} from './signed-in.ts'

const graceMs = 30_000

async function start(t: TestContext, engine: Engine): Promise<RunningIdentity> {
  const identity = await startRunningIdentity({ database: await engine.createStore(t) })
  t.after(identity.close)
  return identity
}

async function rowOf(identity: RunningIdentity, sessionId: string): Promise<object | undefined> {
  const [row] = await identity.query(`SELECT * FROM sessions WHERE id = '${sessionId}'`)
  return { ...(row ?? assert.fail('the session is gone')) }
}

function confirmationOf(accessToken: string): unknown {
  return decodeToken(accessToken).claims['cnf']
}

testOnEngines(
  'a login with a proof opens a session whose tokens are all bound to its key (ASVS 10.4.14)',
  async (t, engine) => {
    const identity = await start(t, engine)
    const owner = createKeyHolder(identity)
    const { access, refresh, sessionId } = await owner.signIn()
    assert.deepEqual(confirmationOf(access), { jkt: owner.key.thumbprint })
    const refreshed = await owner.refresh(refresh)
    assert.equal(refreshed.members()['token_type'], 'DPoP')
    assert.deepEqual(confirmationOf(tokensOf(refreshed).access), { jkt: owner.key.thumbprint })
    const rows = await identity.query('SELECT id, dpop_jkt FROM sessions')
    assert.deepEqual(
      rows.map((row) => ({ ...row })),
      [{ id: sessionId, dpop_jkt: owner.key.thumbprint }],
    )
    assert.equal(await countUsedProofs(identity), 2)

    const plain = await signIn(identity)
    assert.equal(confirmationOf(plain.access), undefined)
    const again = await refreshWith(identity, plain.refresh)
    assert.equal(again.members()['token_type'], 'Bearer')
  },
)

testOnEngines(
  'a stolen refresh token without the key does nothing to its session, old or new, at any time',
  async (t, engine) => {
    const identity = await start(t, engine)
    const owner = createKeyHolder(identity)
    const thief = createKeyHolder(identity)
    let { refresh: current } = await owner.signIn()
    const seen = [current]
    for (const waitMs of [0, graceMs, 10 * graceMs, 24 * 3_600_000]) {
      identity.clock.advanceMs(waitMs)
      for (const stolen of seen) {
        const answers = [
          await refreshWith(identity, stolen),
          await thief.refresh(stolen),
          await thief.refresh(stolen, { attempt: 'of a thief' }),
          await thief.refresh(stolen, {}, `${owner.prove('POST /token').slice(0, -4)}AAAA`),
        ]
        const errors = answers.map((answer) => answer.members()['error'])
        const [grant, proof] = ['invalid_grant', 'invalid_dpop_proof']
        assert.deepEqual(errors, [grant, grant, grant, proof])
      }
      const before = await identity.query('SELECT counter, rotated_at, ended_at FROM sessions')
      await refreshWith(identity, current)
      assert.deepEqual(
        await identity.query('SELECT counter, rotated_at, ended_at FROM sessions'),
        before,
      )
      current = tokensOf(await owner.refresh(current)).refresh
      seen.push(current)
    }
    assert.equal(seen.length, 5)
    assert.deepEqual(await eventKinds(identity), [])
    assert.deepEqual(await revokedKinds(identity), [])
    const refusals = identity.logged().match(/"outcome":"bad-grant"/g) ?? []
    assert.ok(refusals.length >= 30, `${refusals.length} refusals were logged`)
  },
)

testOnEngines(
  'an old refresh token that comes with the key ends the session, as everywhere',
  async (t, engine) => {
    const identity = await start(t, engine)
    const owner = createKeyHolder(identity)
    const { refresh: first } = await owner.signIn()
    const { refresh: second } = tokensOf(await owner.refresh(first))
    identity.clock.advanceMs(graceMs)
    assertOAuthError(await owner.refresh(first), 'invalid_grant')
    assertOAuthError(await owner.refresh(second), 'invalid_grant')
    assert.deepEqual(await eventKinds(identity), ['refresh-reuse'])
  },
)

testOnEngines(
  'inside the window a thief of an unbound token shares the successor, and of a bound one gets nothing',
  async (t, engine) => {
    const identity = await start(t, engine)
    const unbound = await signIn(identity)
    const { refresh: shared } = tokensOf(await refreshWith(identity, unbound.refresh))
    const stolen = await refreshWith(identity, unbound.refresh)
    assert.equal(stolen.members()['refresh_token'], shared)

    const owner = createKeyHolder(identity)
    const { refresh, sessionId } = await owner.signIn()
    const { refresh: successor } = tokensOf(await owner.refresh(refresh))
    for (const token of [refresh, successor]) await assertNoRefresh(identity, token)
    const [proofs, session] = [await countUsedProofs(identity), await rowOf(identity, sessionId)]
    const repeated = await owner.refresh(refresh)
    assert.equal(repeated.members()['refresh_token'], successor)
    // Once more costs the row of its proof, and changes nothing of the session.
    assert.equal(await countUsedProofs(identity), proofs + 1)
    assert.deepEqual(await rowOf(identity, sessionId), session)
  },
)

testOnEngines(
  'refreshes that race with proofs of their own converge, and one proof sent often counts once',
  async (t, engine) => {
    const identity = await start(t, engine)
    const owner = createKeyHolder(identity)
    const { refresh } = await owner.signIn()
    const racing = await Promise.all(Array.from({ length: 8 }, () => owner.refresh(refresh)))
    const successors = new Set(racing.map((answer) => tokensOf(answer).refresh))
    assert.equal(successors.size, 1)

    identity.clock.advanceMs(graceMs)
    const [current = ''] = successors
    const proof = owner.prove('POST /token')
    const used = await countUsedProofs(identity)
    const same = await Promise.all(
      Array.from({ length: 8 }, () => owner.refresh(current, {}, proof)),
    )
    const [won, ...others] = same.toSorted((one, other) => one.status - other.status)
    assert.ok(won !== undefined)
    const { refresh: next } = tokensOf(won)
    for (const answer of others) assertOAuthError(answer, 'invalid_dpop_proof', /used before/)
    assert.equal(await countUsedProofs(identity), used + 1)
    identity.clock.advanceMs(graceMs)
    tokensOf(await owner.refresh(next))
    assert.deepEqual(await eventKinds(identity), [])
  },
)

testOnEngines(
  'a proof that was used stays used after a restart, until it is too old by itself',
  async (t, engine) => {
    const identity = await start(t, engine)
    const owner = createKeyHolder(identity)
    const proof = owner.prove('POST /login')
    tokensOf(await owner.login({}, proof))
    const restarted = await identity.restart()
    t.after(restarted.close)
    const again = createKeyHolder(restarted)
    for (const waitMs of [0, 59_000]) {
      restarted.clock.advanceMs(waitMs)
      const replayed = await again.login({}, proof)
      assert.deepEqual([replayed.status, replayed.members()['code']], [401, 'invalid-dpop-proof'])
      assert.match(String(replayed.members()['detail']), /used before/)
    }
    restarted.clock.advanceMs(2000)
    assert.match(String((await again.login({}, proof)).members()['detail']), /too old/)
    tokensOf(await again.login({}))
  },
)

testOnPostgres('a proof that one node has taken is refused by every other', async (t, engine) => {
  const identity = await start(t, engine)
  const other = await identity.startNode()
  const owner = createKeyHolder(identity)
  const elsewhere = createKeyHolder(other)
  const { refresh } = await owner.signIn()
  const proof = owner.prove('POST /token')
  const { refresh: next } = tokensOf(await owner.refresh(refresh, {}, proof))
  assertOAuthError(await elsewhere.refresh(next, {}, proof), 'invalid_dpop_proof', /used before/)
  tokensOf(await elsewhere.refresh(next, {}, owner.prove('POST /token')))
  await other.close()
})

testOnEngines(
  'a login that fails uses no proof up and leaves no row, and the same proof is good for the next try',
  async (t, engine) => {
    const identity = await start(t, engine)
    const owner = createKeyHolder(identity)
    const proof = owner.prove('POST /login')
    const failed = [
      await owner.login({ password: 'a wrong password' }, proof),
      await owner.login({ identifier: 'nobody' }, proof),
      await owner.login({ client_id: 'nobody' }, proof),
      await owner.login({ audience: 'nowhere' }, proof),
    ]
    assert.deepEqual(
      failed.map(({ status }) => status),
      [401, 401, 400, 400],
    )
    assertOAuthError(await owner.refresh('unknown', {}, proof), 'invalid_grant')
    assert.equal(await countUsedProofs(identity), 0)
    assert.equal(await identity.countRows('sessions'), 0)
    tokensOf(await owner.login({}, proof))
    assert.equal(await countUsedProofs(identity), 1)
  },
)

testOnEngines(
  'when it cannot be told whether a proof was used, nothing is handed out and nothing moves',
  async (t, engine) => {
    const identity = await start(t, engine)
    const owner = createKeyHolder(identity)
    const { access, refresh } = await owner.signIn({ audience: identity.issuer })
    await identity.query('ALTER TABLE used_proofs RENAME TO out_of_reach')
    const login = await owner.login()
    assert.deepEqual([login.status, login.members()['code']], [503, 'store-unavailable'])
    assert.ok(login.headers['retry-after'] !== undefined)
    const refused = await owner.refresh(refresh)
    assert.deepEqual([refused.status, refused.members()['error']], [503, 'temporarily_unavailable'])
    const read = await owner.call('GET /account', access)
    assert.deepEqual([read.status, read.members()['code']], [503, 'proofs-unavailable'])
    const [row] = await identity.query('SELECT count(*) AS count, max(counter) AS n FROM sessions')
    assert.deepEqual([Number(row?.['count']), Number(row?.['n'])], [1, 0])
    await identity.query('ALTER TABLE out_of_reach RENAME TO used_proofs')
    tokensOf(await owner.refresh(refresh))
  },
)

testOnEngines(
  'an unbound session stays unbound: each access token that it gets with a proof is bound to that key',
  async (t, engine) => {
    const identity = await start(t, engine)
    const { refresh } = await signIn(identity)
    let current = refresh
    for (const holder of [createKeyHolder(identity), createKeyHolder(identity)]) {
      const pair = tokensOf(await holder.refresh(current))
      assert.deepEqual(confirmationOf(pair.access), { jkt: holder.key.thumbprint })
      current = pair.refresh
    }
    const plain = tokensOf(await refreshWith(identity, current))
    assert.equal(confirmationOf(plain.access), undefined)
    const rows = await identity.query('SELECT dpop_jkt FROM sessions')
    assert.deepEqual(
      rows.map((row) => ({ ...row })),
      [{ dpop_jkt: null }],
    )
  },
)

testOnEngines('a refresh that asks for too much uses no proof up', async (t, engine) => {
  const identity = await start(t, engine)
  const owner = createKeyHolder(identity)
  const { refresh } = await owner.signIn()
  const proof = owner.prove('POST /token')
  const used = await countUsedProofs(identity)
  assertOAuthError(await owner.refresh(refresh, { scope: 'nonsense' }, proof), 'invalid_scope')
  assertOAuthError(await owner.refresh(refresh, { client_id: 'till' }, proof), 'invalid_grant')
  assert.equal(await countUsedProofs(identity), used)
  tokensOf(await owner.refresh(refresh, {}, proof))
})

testOnEngines(
  'a refresh token alone ends its bound session, and to end the others it takes the key',
  async (t, engine) => {
    const identity = await start(t, engine)
    const owner = createKeyHolder(identity)
    const [leaving, staying] = [await owner.signIn(), await owner.signIn()]
    const body = { refresh_token: leaving.refresh }
    const refused = await call(identity, 'POST /logout/everywhere', { body })
    assert.deepEqual([refused.status, refused.members()['code']], [401, 'invalid-dpop-proof'])
    tokensOf(await owner.refresh(staying.refresh))
    assert.equal((await call(identity, 'POST /logout', { body })).status, 200)
    assertOAuthError(await owner.refresh(leaving.refresh), 'invalid_grant')
    assert.deepEqual(await revokedKinds(identity), ['session'])

    const everywhere = await identity.ask({
      method: 'POST',
      path: '/logout/everywhere',
      headers: {
        'content-type': 'application/json',
        dpop: owner.prove('POST /logout/everywhere'),
      },
      body: JSON.stringify({ refresh_token: staying.refresh }),
    })
    assert.equal(everywhere.status, 200, everywhere.body)
    assertOAuthError(await owner.refresh(staying.refresh), 'invalid_grant')
    assert.equal((await identity.login({ ...alice, roles: undefined })).status, 200)
  },
)
