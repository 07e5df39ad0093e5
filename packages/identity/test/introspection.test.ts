import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import {
  assertOAuthError,
  bystander,
  claimsOfToken,
  exchange,
  exchangedToken,
  introspect,
  isActive,
  machineToken,
  ordersService,
  post,
  reviewsService,
  revoke,
  startWithServices,
} from './calling-services.ts'
import { testOnEngines } from './engines.ts'
import { firstBase } from './first-base.ts'
import { alice, machine } from './running-identity.ts'
import { admin, call, positionOf, refreshWith, signIn, signInHere, tokensOf } from './signed-in.ts'

// RFC 7662 section 2 (2.2).
testOnEngines('an active token is answered with what stands in it', async (t, engine) => {
  const identity = await startWithServices(t, engine)
  const { access } = await signIn(identity)
  const answer = await introspect(identity, access)
  assert.equal(answer.headers['cache-control'], 'no-store')
  assert.match(String(answer.headers['content-type']), /^application\/json\b/)
  const expected = { active: true, token_type: 'Bearer', ...claimsOfToken(access) }
  assert.deepEqual(answer.members(), expected)
  assert.ok(!answer.body.includes(alice.identifier))
  for (const hint of ['access_token', 'refresh_token', 'nonsense']) {
    const form = { token: access, token_type_hint: hint }
    assert.deepEqual((await post(identity, '/introspect', form, ordersService)).members(), expected)
  }
  const exchanged = exchangedToken(await exchange(identity, access))
  const { act } = (await introspect(identity, exchanged, reviewsService)).members()
  assert.deepEqual(act, { sub: ordersService.clientId, cgen: firstBase })
})

// RFC 7662 section 2.2: of what is not active, nothing else is told.
testOnEngines('what was taken back in whatever way is inactive at once', async (t, engine) => {
  const identity = await startWithServices(t, engine)
  const token = (await signInHere(identity, admin)).access
  const endings: readonly ((access: string, id: string) => Promise<unknown>)[] = [
    (access) => revoke(identity, access),
    (access) => call(identity, 'POST /logout', { token: access }),
    (access) => call(identity, 'POST /logout/everywhere', { token: access }),
    (_access, id) =>
      call(identity, `POST /admin/accounts/${id}/block`, { token, body: { reason: 'because' } }),
  ]
  for (const end of endings) {
    const { access, accountId } = await signIn(identity)
    const exchanged = exchangedToken(await exchange(identity, access))
    assert.ok(await isActive(identity, access))
    await end(access, accountId)
    assert.ok(!(await isActive(identity, access)))
    // It stands on the session and not on the token that it came from.
    assert.equal(await isActive(identity, exchanged), end === endings[0])
  }
  const ofMachine = await machineToken(identity)
  assert.ok(await isActive(identity, ofMachine))
  await identity.query("UPDATE clients SET generation = generation + 1 WHERE name = 'machine'")
  assert.ok(!(await isActive(identity, ofMachine)))
})

testOnEngines('a token is active until it ends, and not on that second', async (t, engine) => {
  const identity = await startWithServices(t, engine)
  const { access } = await signIn(identity, alice, { audience: 'orders' })
  const { exp } = claimsOfToken(access)
  identity.clock.advanceMs(exp * 1000 - 1 - identity.clock.now())
  await identity.query(`UPDATE revocation_head SET at = ${identity.clock.now()} WHERE id = 1`)
  assert.ok(await isActive(identity, access))
  identity.clock.advanceMs(1)
  assert.ok(!(await isActive(identity, access)))
})

// Of the domain: vouched-readings.test.ts.
testOnEngines(
  'a store that has written nothing for half a minute cannot tell what is active, and can what is not',
  async (t, engine) => {
    const identity = await startWithServices(t, engine)
    const { access } = await signIn(identity)
    const ended = (await signIn(identity)).access
    await call(identity, 'POST /logout', { token: ended })
    const statusOf = async (token: string): Promise<number> => {
      // A beat writes down anew what is taken back here.
      await identity.query('UPDATE revocation_head SET at = at - 40000 WHERE id = 1')
      const { status, headers } = await post(identity, '/introspect', { token }, ordersService)
      if (status === 503) assert.equal(headers['retry-after'], '2')
      return status
    }
    let tries = 0
    for (; (await statusOf(access)) !== 503; tries += 1) assert.ok(tries < 20, 'never 503')
    assert.equal(await statusOf(ended), 200)
  },
)

testOnEngines(
  'a client sees the current refresh token of a session of its own, and no other',
  async (t, engine) => {
    const identity = await startWithServices(t, engine)
    assert.ok(!(await isActive(identity, (await signIn(identity, alice)).refresh)))
    await identity.query(
      `UPDATE clients SET grants = '["login","refresh_token"]' WHERE name = 'orders-service'`,
    )
    const { clientId, clientSecret } = ordersService
    const asClient = { client_id: clientId, client_secret: clientSecret }
    const first = await signIn(identity, alice, { scope: 'orders:read', ...asClient })
    const { exp, ...members } = (await introspect(identity, first.refresh)).members()
    assert.deepEqual(members, {
      active: true,
      iss: identity.issuer,
      sub: first.accountId,
      client_id: clientId,
      sid: first.sessionId,
      auth_time: Math.floor(identity.clock.now() / 1000),
      scope: 'orders:read',
    })
    assert.equal(exp, Math.floor(identity.clock.now() / 1000) + 14 * 86_400)
    assert.ok(!(await isActive(identity, first.refresh, machine)))
    const second = tokensOf(await refreshWith(identity, first.refresh, asClient))
    assert.ok(!(await isActive(identity, first.refresh)))
    assert.ok(await isActive(identity, second.refresh))
    const body = { refresh_token: second.refresh }
    positionOf(await call(identity, 'POST /logout', { body }))
    assert.ok(!(await isActive(identity, second.refresh)))
  },
)

const identity = await startWithServices({ after })

test('a client sees tokens of its own and those for its audiences, and nothing of others', async () => {
  const { access, refresh } = await signIn(identity, alice, { audience: 'orders' })
  const own = (await signInHere(identity, admin)).access
  const ofBystander = await machineToken(identity, bystander)
  assert.ok(await isActive(identity, access, ordersService))
  assert.ok(await isActive(identity, ofBystander, bystander))
  for (const [token, client] of [
    [access, bystander],
    [access, reviewsService],
    [refresh, ordersService],
    [ofBystander, ordersService],
    // Every client may ask for the issuer as an audience, and that makes no token for it theirs.
    [own, ordersService],
    ['nonsense', ordersService],
    [`${access.slice(0, -8)}AAAAAAAA`, ordersService],
  ] as const) {
    assert.ok(!(await isActive(identity, token, client)))
  }
})

// RFC 7662 section 2.1: the endpoint must not be open, or it would tell good tokens from bad for anybody.
test('only a client with a secret may ask', async () => {
  const { access } = await signIn(identity)
  assert.ok(await isActive(identity, access))
  const wrong = { ...ordersService, clientSecret: machine.clientSecret }
  assertOAuthError(await introspect(identity, access, wrong), 401, 'invalid_client')
  for (const form of [{}, { client_id: 'web' }, { client_id: ordersService.clientId }]) {
    const answer = await post(identity, '/introspect', { token: access, ...form })
    assertOAuthError(answer, 401, 'invalid_client')
  }
  assertOAuthError(await post(identity, '/introspect', {}, ordersService), 400, 'invalid_request')
  const headers = { authorization: `Bearer ${access}` }
  const bearer = await identity.ask({ method: 'POST', path: '/introspect', headers })
  assertOAuthError(bearer, 401, 'invalid_client')
})
