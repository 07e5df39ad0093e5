import assert from 'node:assert/strict'
import type { AccessTokenClaims } from '@portcullis/protocol'
import { fingerprintOf } from '@portcullis/protocol/revocations'
import {
  accessTokenUrn,
  assertOAuthError,
  bystander,
  claimsOfToken,
  exchange,
  exchangedToken,
  machineToken,
  ordersService,
  post,
  reviewsService,
  revoke,
  startWithServices,
} from './calling-services.ts'
import { decodeToken } from './decoded-token.ts'
import { testOnEngines } from './engines.ts'
import { firstBase } from './first-base.ts'
import { machine } from './running-identity.ts'
import {
  admin,
  assertChallenged,
  call,
  eventKinds,
  positionOf,
  refreshWith,
  revokedKinds,
  signIn,
  signInHere,
} from './signed-in.ts'

/** Everything that a token copies when it is made of another one (protocol, section 2). */
function copied({ sub, sid, gen, cgen, client_id: clientId, ...rest }: AccessTokenClaims): object {
  const { auth_time: authTime, acr, amr } = rest
  return { sub, sid, gen, cgen, clientId, authTime, acr, amr }
}

// RFC 8693 sections 2.2.1 and 4.1.
testOnEngines(
  'a service gets a token for the next service, for the same session, which says who acts',
  async (t, engine) => {
    const identity = await startWithServices(t, engine)
    const { access } = await signIn(identity)
    const subject = claimsOfToken(access)
    assert.deepEqual(subject.roles, ['customer', 'moderator'])
    const answer = await exchange(identity, access)
    const token = exchangedToken(answer)
    const { access_token: _token, ...members } = answer.members()
    assert.deepEqual(members, {
      issued_token_type: accessTokenUrn,
      token_type: 'Bearer',
      expires_in: 300,
      scope: 'reviews:write',
    })
    assert.equal(answer.headers['cache-control'], 'no-store')
    const claims = claimsOfToken(token)
    assert.deepEqual(copied(claims), copied(subject))
    assert.equal(claims.aud, 'reviews')
    assert.equal(claims.scope, 'reviews:write')
    assert.notEqual(claims.jti, subject.jti)
    assert.deepEqual(claims.act, { sub: ordersService.clientId, cgen: firstBase })
    assert.ok(!identity.logged().includes(token))
    assert.deepEqual(await eventKinds(identity), [])
  },
)

// RFC 8693 section 4.1: the outermost acts now, those within it did before.
testOnEngines('each service in a chain is named, four of them at most', async (t, engine) => {
  const identity = await startWithServices(t, engine)
  let token = (await signIn(identity)).access
  const actors: string[] = []
  for (const client of [ordersService, reviewsService, reviewsService, ordersService]) {
    token = exchangedToken(await exchange(identity, token, {}, client))
    actors.unshift(client.clientId)
    const named: unknown[] = []
    for (let { act } = claimsOfToken(token); act !== undefined; act = act['act'] as typeof act) {
      named.push(act['sub'])
      assert.equal(act['cgen'], firstBase)
    }
    assert.deepEqual(named, actors)
  }
  assertOAuthError(await exchange(identity, token), 400, 'invalid_request')
})

testOnEngines('a token is only ever narrowed by an exchange', async (t, engine) => {
  const identity = await startWithServices(t, engine)
  const { access } = await signIn(identity)
  const both = exchangedToken(await exchange(identity, access, { audience: 'orders reviews' }))
  assert.deepEqual(claimsOfToken(both).aud, ['orders', 'reviews'])
  assert.equal(claimsOfToken(both).scope, 'orders:read orders:write reviews:write')
  const scope = { audience: 'orders', scope: 'orders:read' }
  const read = exchangedToken(await exchange(identity, access, scope))
  assert.equal(claimsOfToken(read).scope, 'orders:read')
  assert.deepEqual(claimsOfToken(read).roles, ['customer'])

  // What the first token lacks cannot be had by the second.
  const all = await exchange(identity, read, { audience: 'orders', scope: 'orders:write' })
  assert.equal(claimsOfToken(exchangedToken(all)).scope, undefined)
  assertOAuthError(await exchange(identity, read), 400, 'invalid_target')
  assertOAuthError(await exchange(identity, both, { audience: 'payments' }), 400, 'invalid_target')
  assertOAuthError(
    await exchange(identity, both, { audience: 'orders' }, reviewsService),
    400,
    'invalid_target',
  )
  assertOAuthError(await exchange(identity, both, { scope: 'orders:read' }), 400, 'invalid_scope')
  assertOAuthError(await exchange(identity, both, { scope: 'nonsense' }), 400, 'invalid_scope')
})

testOnEngines(
  'nobody gets to the API of identity by an exchange, neither to it nor from it',
  async (t, engine) => {
    const identity = await startWithServices(t, engine)
    const { access } = await signIn(identity)
    const own = (await signInHere(identity, admin)).access
    for (const [token, audience] of [
      [access, identity.issuer],
      [own, identity.issuer],
      [own, 'orders'],
      [access, `orders ${identity.issuer}`],
    ] as const) {
      assertOAuthError(await exchange(identity, token, { audience }), 400, 'invalid_target')
    }
  },
)

testOnEngines('roles that were taken away since are not passed on', async (t, engine) => {
  const identity = await startWithServices(t, engine)
  const { access } = await signIn(identity)
  const before = claimsOfToken(exchangedToken(await exchange(identity, access)))
  assert.deepEqual(before.roles, ['customer', 'moderator'])
  // As by a statement of an operator: the generation stays, so the token is good still.
  await identity.query(`UPDATE accounts SET roles = '["moderator","admin"]'`)
  const after = claimsOfToken(exchangedToken(await exchange(identity, access)))
  assert.deepEqual(after.roles, ['moderator'])
  assert.equal(after.scope, undefined)
})

testOnEngines(
  'an exchanged token does not outlive the one that it came from',
  async (t, engine) => {
    const identity = await startWithServices(t, engine)
    const { access } = await signIn(identity, undefined, { audience: 'orders' })
    const { exp, iat } = claimsOfToken(access)
    assert.equal(exp - iat, 900)
    identity.clock.advanceMs(800_000)
    // Something is written down, as by each beat of the feed: an exchange is vouched for by the last such moment.
    const { access: another } = await signIn(identity, undefined, { audience: 'orders' })
    await call(identity, 'POST /logout', { token: another })
    const answer = await exchange(identity, access, { audience: 'orders' })
    assert.equal(answer.members()['expires_in'], 100)
    assert.equal(claimsOfToken(exchangedToken(answer)).exp, exp)
    // Not even within the leeway that services grant to clocks that are behind.
    identity.clock.advanceMs(100_000)
    const late = await exchange(identity, access, { audience: 'orders' })
    assertOAuthError(late, 400, 'invalid_request')
  },
)

// CVE-2026-9097: a token that was revoked was taken in an exchange. CVE-2026-1609: one of a disabled user was.
testOnEngines('what was taken back cannot be exchanged', async (t, engine) => {
  const identity = await startWithServices(t, engine)
  const token = (await signInHere(identity, admin)).access
  const reason = 'because'
  const endings: Readonly<Record<string, (access: string, accountId: string) => Promise<unknown>>> =
    {
      'revoked by itself': (access) => revoke(identity, access),
      'logged out': (access) => call(identity, 'POST /logout', { token: access }),
      'logged out everywhere': (access) =>
        call(identity, 'POST /logout/everywhere', { token: access }),
      'blocked by an administrator': (_access, id) =>
        call(identity, `POST /admin/accounts/${id}/block`, { token, body: { reason } }),
    }
  for (const [name, end] of Object.entries(endings)) {
    const { access, accountId } = await signIn(identity)
    exchangedToken(await exchange(identity, access))
    await end(access, accountId)
    assertOAuthError(await exchange(identity, access), 400, 'invalid_request')
    assert.ok(!identity.logged().includes(access), name)
  }
  assert.deepEqual(await revokedKinds(identity), ['token', 'session', 'account', 'account'])
})

testOnEngines(
  'a client that was stopped acts no more: neither the one that asks, nor one that acted before',
  async (t, engine) => {
    const identity = await startWithServices(t, engine)
    const { access } = await signIn(identity)
    const chained = exchangedToken(await exchange(identity, access))
    exchangedToken(await exchange(identity, chained, {}, reviewsService))
    const stop = (name: string, what: string): Promise<unknown> =>
      identity.query(`UPDATE clients SET ${what} WHERE name = '${name}'`)

    await stop('orders-service', 'generation = generation + 1')
    assertOAuthError(await exchange(identity, chained, {}, reviewsService), 400, 'invalid_request')
    // Its secret is good still, and what it gets now is of the new generation.
    const anew = exchangedToken(await exchange(identity, access))
    assert.deepEqual(claimsOfToken(anew).act, { sub: ordersService.clientId, cgen: firstBase + 1 })
    exchangedToken(await exchange(identity, anew, {}, reviewsService))

    await stop('orders-service', 'enabled = 0')
    assertOAuthError(await exchange(identity, access), 401, 'invalid_client')
    assertOAuthError(await exchange(identity, anew, {}, reviewsService), 400, 'invalid_request')
    exchangedToken(await exchange(identity, access, {}, reviewsService))

    await stop('web', 'generation = generation + 1')
    const ofOldClient = await exchange(identity, access, {}, reviewsService)
    assertOAuthError(ofOldClient, 400, 'invalid_request')
  },
)

testOnEngines(
  'a token that was signed by a key in the log of what is taken back is not exchanged',
  async (t, engine) => {
    const identity = await startWithServices(t, engine)
    const { access } = await signIn(identity)
    const kid = String(decodeToken(access).header['kid'])
    exchangedToken(await exchange(identity, access))
    const fingerprint = fingerprintOf(identity.issuer, 'key', kid).toString(16).padStart(16, '0')
    await identity.query(
      `INSERT INTO revocations (seq, kind, fingerprint, floor, until, at)
       VALUES (1000, 'key', '${fingerprint}', 0, NULL, 0)`,
    )
    assertOAuthError(await exchange(identity, access), 400, 'invalid_request')
  },
)

testOnEngines('a machine may be acted for as well', async (t, engine) => {
  const identity = await startWithServices(t, engine)
  const access = await machineToken(identity)
  const token = exchangedToken(await exchange(identity, access))
  const claims = claimsOfToken(token)
  assert.deepEqual(
    [claims.sub, claims.client_id, claims.sid, claims.gen, claims.scope, claims.roles],
    [machine.clientId, machine.clientId, undefined, undefined, 'reviews:write', undefined],
  )
  assert.deepEqual(claims.act, { sub: ordersService.clientId, cgen: firstBase })
  await post(identity, '/revoke', { token: access }, machine)
  assertOAuthError(await exchange(identity, access), 400, 'invalid_request')
  const another = await machineToken(identity)
  await identity.query("UPDATE clients SET enabled = 0 WHERE name = 'machine'")
  assertOAuthError(await exchange(identity, another), 400, 'invalid_request')
})

testOnEngines('a service that acts for a person is not that person', async (t, engine) => {
  const identity = await startWithServices(t, engine)
  const { access } = await signIn(identity)
  const token = exchangedToken(await exchange(identity, access))
  for (const route of ['POST /logout', 'POST /logout/everywhere', 'GET /sessions']) {
    assertChallenged(await call(identity, route, { token }))
  }
  positionOf(await call(identity, 'POST /logout', { token: access }))
})

testOnEngines('who asks is a client with a secret and with this grant', async (t, engine) => {
  const identity = await startWithServices(t, engine)
  const { access, refresh } = await signIn(identity)
  for (const client of [machine, bystander]) {
    assertOAuthError(await exchange(identity, access, {}, client), 400, 'unauthorized_client')
  }
  const wrong = { ...ordersService, clientSecret: machine.clientSecret }
  assertOAuthError(await exchange(identity, access, {}, wrong), 401, 'invalid_client')
  const form = {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: access,
    subject_token_type: accessTokenUrn,
    audience: 'reviews',
  }
  assertOAuthError(await identity.token({ ...form, client_id: 'web' }), 401, 'invalid_client')
  assertOAuthError(await identity.token(form), 401, 'invalid_client')
  assert.equal((await refreshWith(identity, refresh)).status, 200)
})

// RFC 8693 section 2 (2.1), and 2.2.2 for the names of the errors.
testOnEngines('what cannot be had is refused by name, and never left out', async (t, engine) => {
  const identity = await startWithServices(t, engine)
  const { access, refresh } = await signIn(identity)
  const refused: readonly (readonly [Readonly<Record<string, string>>, string])[] = [
    [{ audience: '' }, 'invalid_request'],
    [{ subject_token: '' }, 'invalid_request'],
    [{ subject_token: 'nonsense' }, 'invalid_request'],
    [{ subject_token: refresh }, 'invalid_request'],
    [{ subject_token: `${access.slice(0, -8)}AAAAAAAA` }, 'invalid_request'],
    [{ subject_token_type: '' }, 'invalid_request'],
    [{ subject_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' }, 'invalid_request'],
    [{ requested_token_type: 'urn:ietf:params:oauth:token-type:id_token' }, 'invalid_request'],
    [{ actor_token: access, actor_token_type: accessTokenUrn }, 'invalid_request'],
    [{ actor_token_type: accessTokenUrn }, 'invalid_request'],
    [{ resource: 'https://reviews.example' }, 'invalid_target'],
  ]
  for (const [more, error] of refused) {
    assertOAuthError(await exchange(identity, access, more), 400, error)
  }
  const jwt = { subject_token_type: 'urn:ietf:params:oauth:token-type:jwt' }
  exchangedToken(await exchange(identity, access, jwt))
  exchangedToken(await exchange(identity, access, { requested_token_type: accessTokenUrn }))
})
