import assert from 'node:assert/strict'
import { fingerprintOf } from '@portcullis/protocol/revocations'
import { breakWrites } from './broken-store.ts'
import {
  assertOAuthError,
  bystander,
  claimsOfToken,
  exchange,
  exchangedToken,
  isActive,
  machineToken,
  ordersService,
  post,
  revoke,
  startWithServices,
} from './calling-services.ts'
import { startMs } from './chosen-clock.ts'
import { testOnEngines } from './engines.ts'
import { machine } from './running-identity.ts'
import {
  admin,
  assertChallenged,
  assertNoRefresh,
  call,
  eventKinds,
  isWelcome,
  positionOf,
  refreshWith,
  revokedKinds,
  signIn,
  signInHere,
  tokensOf,
} from './signed-in.ts'

const leewayAndLifeMs = 905_000

// RFC 7009 section 2 (2.1): access tokens too.
testOnEngines(
  'an access token is taken back by itself: its session goes on, and there is one record of it',
  async (t, engine) => {
    const identity = await startWithServices(t, engine)
    const { access, refresh, sessionId, accountId } = await signInHere(identity)
    const position = positionOf(await revoke(identity, access))
    assert.equal(position.seq, 1)
    assert.ok(!(await isWelcome(identity, access)))
    assert.ok(await isWelcome(identity, (await signInHere(identity)).access))
    const next = tokensOf(await refreshWith(identity, refresh, { audience: identity.issuer }))
    assert.ok(await isWelcome(identity, next.access))

    assert.deepEqual((await revoke(identity, access)).members(), {})
    const { jti } = claimsOfToken(access)
    const records = await identity.query('SELECT * FROM revocations')
    assert.equal(records.length, 1)
    const fingerprint = fingerprintOf(identity.issuer, 'token', jti).toString(16).padStart(16, '0')
    assert.equal(records[0]?.['kind'], 'token')
    assert.equal(records[0]?.['fingerprint'], fingerprint)
    assert.equal(Number(records[0]?.['until']), startMs + 960_000)
    const [event] = await identity.query("SELECT * FROM events WHERE kind = 'token-revoked'")
    assert.deepEqual(
      [event?.['kind'], event?.['account_id'], event?.['session_id']],
      ['token-revoked', accountId, sessionId],
    )
  },
)

// RFC 7009 section 2.1: with a refresh token, everything that came out of the same grant.
testOnEngines(
  'a refresh token ends its session, whichever hint came with it',
  async (t, engine) => {
    const identity = await startWithServices(t, engine)
    const hints = ['refresh_token', 'access_token', 'nonsense', '']
    for (const [at, hint] of hints.entries()) {
      const { access, refresh } = await signInHere(identity)
      const { seq } = positionOf(await revoke(identity, refresh, { token_type_hint: hint }))
      assert.equal(seq, at + 1)
      assert.ok(!(await isWelcome(identity, access)))
      await assertNoRefresh(identity, refresh)
      assert.equal(positionOf(await revoke(identity, refresh)).seq, at + 1)
    }
    const { access } = await signInHere(identity)
    await revoke(identity, access, { token_type_hint: 'refresh_token' })
    assert.ok(!(await isWelcome(identity, access)))
    assert.deepEqual(await revokedKinds(identity), [...hints.map(() => 'session'), 'token'])
  },
)

testOnEngines('a refresh token that was superseded long ago is theft', async (t, engine) => {
  const identity = await startWithServices(t, engine)
  const { refresh } = await signIn(identity)
  let current = refresh
  for (let times = 0; times < 2; times += 1) {
    identity.clock.advanceMs(60_000)
    current = tokensOf(await refreshWith(identity, current)).refresh
  }
  positionOf(await revoke(identity, refresh))
  await assertNoRefresh(identity, current)
  assert.deepEqual(await eventKinds(identity), ['refresh-reuse'])
})

// RFC 7009 section 2.2: a client cannot handle such an error in a reasonable way.
testOnEngines('what nobody could use any more is fine, and writes nothing', async (t, engine) => {
  const identity = await startWithServices(t, engine)
  const { access, refresh } = await signIn(identity)
  const over = await signIn(identity)
  positionOf(await call(identity, 'POST /logout', { token: over.access }))
  const [head, claims] = access.split('.')
  const nothing = [
    'nonsense',
    `${head}.${claims}.AAAA`,
    refresh.replace(/\.[^.]+$/, `.${'A'.repeat(43)}`),
    over.access,
  ]
  for (const token of nothing) {
    const answer = await revoke(identity, token)
    assert.deepEqual([answer.status, answer.members()], [200, {}])
    assert.equal(answer.headers['cache-control'], 'no-store')
  }
  identity.clock.advanceMs(leewayAndLifeMs)
  assert.deepEqual((await revoke(identity, access)).members(), {})
  assert.deepEqual(await revokedKinds(identity), ['session'])
})

// RFC 7009 section 2.1: "If this validation fails, the request is refused".
testOnEngines(
  "another client's token is refused and stays good, whichever kind it is",
  async (t, engine) => {
    const identity = await startWithServices(t, engine)
    const { access, refresh } = await signIn(identity)
    const exchanged = exchangedToken(await exchange(identity, access))
    const ofMachine = await machineToken(identity)
    for (const token of [access, refresh, ofMachine]) {
      const answer = await post(identity, '/revoke', { token }, ordersService)
      assertOAuthError(answer, 400, 'invalid_grant')
    }
    for (const token of [exchanged, ofMachine]) {
      assertOAuthError(await revoke(identity, token), 400, 'invalid_grant')
    }
    for (const client_id of ['till', 'closed']) {
      assertOAuthError(await revoke(identity, refresh, { client_id }), 400, 'invalid_grant')
    }
    assert.deepEqual(await revokedKinds(identity), [])
    assert.ok(await isActive(identity, access))
    // Those that may: a token that was exchanged is of whoever exchanged it.
    positionOf(await post(identity, '/revoke', { token: exchanged }, ordersService))
    positionOf(await post(identity, '/revoke', { token: ofMachine }, machine))
    assert.ok(!(await isActive(identity, exchanged)))
    assert.ok(!(await isActive(identity, ofMachine)))
    assert.ok(await isActive(identity, access))
    positionOf(await revoke(identity, refresh))
    assert.ok(!(await isActive(identity, access)))
    assert.deepEqual(await revokedKinds(identity), ['token', 'token', 'session'])
  },
)

// RFC 7009 section 2.1: the client authenticates first.
testOnEngines('whoever is not known to be the client revokes nothing', async (t, engine) => {
  const identity = await startWithServices(t, engine)
  const { access } = await signIn(identity)
  const ofMachine = await machineToken(identity)
  const wrong = { ...machine, clientSecret: bystander.clientSecret }
  assertOAuthError(
    await post(identity, '/revoke', { token: ofMachine }, wrong),
    401,
    'invalid_client',
  )
  for (const form of [
    {},
    { client_id: machine.clientId },
    { client_id: 'nobody' },
    { client_id: 'web', client_secret: 'something' },
  ]) {
    const answer = await post(identity, '/revoke', { token: ofMachine, ...form })
    assertOAuthError(answer, 401, 'invalid_client')
    assert.match(String(answer.headers['www-authenticate']), /^Basic /)
  }
  assertOAuthError(await post(identity, '/revoke', {}, machine), 400, 'invalid_request')
  assertOAuthError(await post(identity, '/revoke', { client_id: 'web' }), 400, 'invalid_request')
  const twice = `token=${access}&token=${access}&client_id=web`
  const type = { 'content-type': 'application/x-www-form-urlencoded' }
  const answer = await identity.ask({ method: 'POST', path: '/revoke', headers: type, body: twice })
  assertOAuthError(answer, 400, 'invalid_request')
  assert.deepEqual(await revokedKinds(identity), [])
  const credentials = { client_id: machine.clientId, client_secret: machine.clientSecret }
  positionOf(await post(identity, '/revoke', { token: ofMachine, ...credentials }))
})

// CVE-2020-15223: an error of the store was answered by success.
testOnEngines(
  'a store that fails is 503 and never success, and the token is good as before',
  async (t, engine) => {
    const identity = await startWithServices(t, engine)
    const { access, refresh } = await signIn(identity)
    const mend = await breakWrites(identity, 'INSERT ON revocations')
    for (const token of [access, refresh]) {
      const answer = await revoke(identity, token)
      assert.ok(answer.status >= 500, answer.body)
      assert.ok(
        ['temporarily_unavailable', 'server_error'].includes(String(answer.members()['error'])),
      )
    }
    assert.ok(await isActive(identity, access))
    await mend()
    assert.deepEqual(await eventKinds(identity), [])
    positionOf(await revoke(identity, access))
    assert.ok(!(await isActive(identity, access)))
  },
)

testOnEngines('who revokes the same token at once writes one record', async (t, engine) => {
  const identity = await startWithServices(t, engine)
  const { access } = await signIn(identity)
  const ofMachine = await machineToken(identity)
  const answers = await Promise.all(
    Array.from({ length: 8 }, (_, at) =>
      at % 2 === 0
        ? revoke(identity, access)
        : post(identity, '/revoke', { token: ofMachine }, machine),
    ),
  )
  for (const { status } of answers) assert.equal(status, 200)
  assert.deepEqual(await revokedKinds(identity), ['token', 'token'])
})

testOnEngines(
  'every account pays for the tokens that it revokes, and every service for its own',
  async (t, engine) => {
    const identity = await startWithServices(t, engine)
    const far = startMs + 3_600_000
    const { access } = await signIn(identity)
    const exchanged = exchangedToken(await exchange(identity, access))
    const others = (await signIn(identity, admin)).access
    await identity.query(
      `UPDATE accounts SET revocations_paid_until = ${far} WHERE identifier = 'alice'`,
    )
    // A thief who revokes token after token has used nothing up of what the owner ends sessions with.
    const { sessionId } = await signIn(identity)
    const token = (await signInHere(identity)).access
    assert.equal((await call(identity, `DELETE /sessions/${sessionId}`, { token })).status, 200)
    const refused = await revoke(identity, access)
    // RFC 7009 section 2.2.1.
    assertOAuthError(refused, 503, 'temporarily_unavailable')
    assert.ok(Number(refused.headers['retry-after']) > 0)
    positionOf(await revoke(identity, others))
    positionOf(await post(identity, '/revoke', { token: exchanged }, ordersService))

    const [ofMachine, another] = [await machineToken(identity), await machineToken(identity)]
    positionOf(await post(identity, '/revoke', { token: another }, machine))
    await identity.query(
      `UPDATE clients SET revocations_paid_until = ${far} WHERE name = 'machine'`,
    )
    const asMachine = await post(identity, '/revoke', { token: ofMachine }, machine)
    assertOAuthError(asMachine, 503, 'temporarily_unavailable')
    // What has its record already costs nothing.
    assert.equal((await post(identity, '/revoke', { token: another }, machine)).status, 200)
    const onlyForMachine = await machineToken(identity, bystander)
    positionOf(await post(identity, '/revoke', { token: onlyForMachine }, bystander))
    identity.clock.advanceMs(3_600_000)
    // Something is written down, as by each beat of the feed: by its moment a token of a machine is dated.
    positionOf(await revoke(identity, (await signIn(identity)).access))
    const late = await machineToken(identity)
    positionOf(await post(identity, '/revoke', { token: late }, machine))
  },
)

testOnEngines(
  'a token that was taken back is refused by identity at once, wherever it is shown',
  async (t, engine) => {
    const identity = await startWithServices(t, engine)
    const person = await signInHere(identity)
    const decider = await signInHere(identity, admin)
    const follower = await machineToken(identity, bystander, { audience: identity.issuer })
    assert.deepEqual(
      await Promise.all([
        call(identity, 'GET /account', { token: person.access }),
        call(identity, 'GET /admin/keys', { token: decider.access }),
        call(identity, 'GET /revocations/snapshot', { token: follower }),
      ]).then((answers) => answers.map(({ status }) => status)),
      [200, 200, 200],
    )
    positionOf(await revoke(identity, person.access))
    positionOf(await revoke(identity, decider.access))
    positionOf(await post(identity, '/revoke', { token: follower }, bystander))
    for (const route of [
      'GET /account',
      'GET /sessions',
      'POST /logout',
      'POST /logout/everywhere',
    ]) {
      assertChallenged(await call(identity, route, { token: person.access }))
    }
    for (const route of [
      'GET /account',
      'GET /admin/keys',
      'GET /admin/accounts?identifier=alice',
    ]) {
      assertChallenged(await call(identity, route, { token: decider.access }))
    }
    const reason = 'because'
    const path = `/admin/accounts/${person.accountId}/block`
    const blocked = await call(identity, `POST ${path}`, {
      token: decider.access,
      body: { reason },
    })
    assertChallenged(blocked)
    assertChallenged(await call(identity, 'GET /revocations/snapshot', { token: follower }))
  },
)
