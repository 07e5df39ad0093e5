import assert from 'node:assert/strict'
import { decodeToken } from './decoded-token.ts'
import { testOnEngines } from './engines.ts'
import { firstBase } from './first-base.ts'
import type { Answer } from './http-client.ts'
import { alice } from './running-identity.ts'
import {
  assertChallenged,
  assertProblem,
  call,
  positionOf,
  refreshWith,
  revokedKinds,
  signIn,
  signInHere,
  tokensOf,
} from './signed-in.ts'

import { claimsFor, eventsOf, reason, service, start, tokenStatus } from './administered-clients.ts'

testOnEngines(
  'what is taken away from a client ends its tokens, and what is added does not',
  async (t, engine) => {
    const { identity, ask, make } = await start(t, engine)
    const client = await make({ audiences: ['orders'], scopes: ['orders:read'] })
    const change = (body: object): Promise<Answer> =>
      ask(`PATCH /admin/clients/${client.id}`, { ...body, reason })
    const more = { audiences: ['orders', 'reviews'], scopes: ['orders:read', 'reviews:write'] }
    for (const body of [{}, { description: 'new' }, { description: null }, more, more]) {
      assert.equal((await change(body)).status, 200)
    }
    assert.equal((await claimsFor(identity, client))['cgen'], firstBase)
    assert.deepEqual(await revokedKinds(identity), [])
    // Before it is judged, it is what the client would be as a whole.
    assertProblem(await change({ audiences: ['orders'] }), 400, 'malformed')
    let last = 0
    for (const [body, generation] of [
      [{ scopes: ['orders:read'] }, 1],
      [{ audiences: ['orders'] }, 2],
      [{ grants: ['client_credentials', 'login'] }, 2],
      [{ grants: ['client_credentials'] }, 3],
    ] as const) {
      const answer = await change(body)
      assert.equal(answer.status, 200)
      // What is added takes nothing back, so there is no place in the log where it would stand.
      assert.equal('revocation' in answer.members(), generation > last)
      last = generation
      assert.equal((await claimsFor(identity, client))['cgen'], firstBase + generation)
    }
    assert.deepEqual(await revokedKinds(identity), ['client', 'client', 'client'])
  },
)

testOnEngines(
  'two who change different things of a client at once lose nothing of each other',
  async (t, engine) => {
    const { identity, ask, make } = await start(t, engine)
    const { id } = await make({})
    for (let round = 0; round < 5; round += 1) {
      const description = `round ${round}`
      const scopes = round % 2 === 0 ? ['orders:read'] : service.scopes
      const answers = await Promise.all([
        ask(`PATCH /admin/clients/${id}`, { description, reason }),
        ask(`PATCH /admin/clients/${id}`, { scopes, reason }),
        ask(`POST /admin/clients/${id}/revoke-tokens`, { reason }),
      ])
      assert.deepEqual(
        answers.map(({ status }) => status),
        [200, 200, 200],
      )
      const client = (await ask(`GET /admin/clients/${id}`)).members()
      assert.deepEqual([client['description'], client['scopes']], [description, scopes])
    }
    const [row] = await identity.query(`SELECT generation FROM clients WHERE id = '${id}'`)
    assert.equal((await revokedKinds(identity)).length, Number(row?.['generation']))
  },
)

testOnEngines(
  'a client that is disabled gets no token and refreshes none, until it is enabled again',
  async (t, engine) => {
    const { identity, ask, make } = await start(t, engine)
    const app = await make({
      name: 'app',
      public: true,
      grants: ['login', 'refresh_token'],
      scopes: [],
    })
    const client = await make({})
    const { refresh, access } = await signIn(identity, alice, { client_id: 'app' })
    assert.equal(decodeToken(access).claims['cgen'], firstBase)
    const decide = async (what: string): Promise<readonly Answer[]> => [
      await ask(`POST /admin/clients/${app.id}/${what}`, { reason }),
      await ask(`POST /admin/clients/${client.id}/${what}`, { reason }),
    ]
    for (const answer of await decide('disable')) positionOf(answer)
    for (const answer of await decide('disable')) positionOf(answer)
    assert.deepEqual(await revokedKinds(identity), ['client', 'client'])
    assert.equal(await tokenStatus(identity, client.id, client.secret), 401)
    assert.equal((await refreshWith(identity, refresh)).status, 400)
    const { identifier, password } = alice
    const login = await identity.login({ identifier, password, client_id: 'app' })
    assertProblem(login, 400, 'unknown-client')
    for (const answer of await decide('enable')) assert.deepEqual(answer.members(), {})
    assert.equal((await claimsFor(identity, client))['cgen'], firstBase + 1)
    const fresh = tokensOf(await refreshWith(identity, refresh))
    assert.equal(decodeToken(fresh.access).claims['cgen'], firstBase + 1)
    const kinds = (await eventsOf(identity, app.id)).map((event) => (event as unknown[])[0])
    assert.deepEqual(kinds, ['client-created', 'client-disabled', 'client-enabled'])
  },
)

testOnEngines(
  'a deleted client is over, its name is free, and its id is not',
  async (t, engine) => {
    const { identity, ask, make } = await start(t, engine)
    const app = await make({
      name: 'app',
      public: true,
      grants: ['login', 'refresh_token'],
      scopes: [],
    })
    const { refresh } = await signIn(identity, alice, { client_id: 'app' })
    positionOf(await ask(`DELETE /admin/clients/${app.id}`, { reason }))
    assert.deepEqual(await revokedKinds(identity), ['client'])
    assert.equal((await refreshWith(identity, refresh)).status, 400)
    for (const route of [`GET /admin/clients/${app.id}`, `DELETE /admin/clients/${app.id}`]) {
      const body = route.startsWith('GET') ? undefined : { reason }
      assertProblem(await ask(route, body), 404, 'not-found')
    }
    assertProblem(await ask(`POST /admin/clients/${app.id}/enable`, { reason }), 404, 'not-found')
    assertProblem(
      await ask('POST /admin/clients', { ...service, name: app.id }),
      409,
      'identifier-taken',
    )
    const { id } = await make({ name: 'app' })
    assert.notEqual(id, app.id)
    assert.equal((await refreshWith(identity, refresh)).status, 400)
  },
)

testOnEngines('what a client of the file is, is for the file to say', async (t, engine) => {
  const { identity, ask } = await start(t, engine)
  const { refresh, access } = await signInHere(identity, alice)
  const web = String(decodeToken(access).claims['client_id'])
  for (const [route, body] of [
    [`PATCH /admin/clients/${web}`, { grants: ['login'], reason }],
    [`POST /admin/clients/${web}/rotate-secret`, { reason }],
    [`POST /admin/clients/${web}/disable`, { reason }],
    [`POST /admin/clients/${web}/enable`, { reason }],
    [`DELETE /admin/clients/${web}`, { reason }],
  ] as const) {
    const answer = await ask(route, body)
    assertProblem(answer, 400, 'unknown-client')
    assert.match(answer.body, /the settings file/)
  }
  assert.equal((await ask(`GET /admin/clients/${web}`)).members()['origin'], 'file')
  assert.deepEqual(await revokedKinds(identity), [])
  positionOf(await ask(`POST /admin/clients/${web}/revoke-tokens`, { reason }))
  assertChallenged(await call(identity, 'GET /sessions', { token: access }))
  tokensOf(await refreshWith(identity, refresh))
})

testOnEngines(
  'a session refreshes to what its client may still ask for, and to nothing else',
  async (t, engine) => {
    const { identity, ask, make } = await start(t, engine)
    const app = { name: 'app', public: true, grants: ['login', 'refresh_token'], scopes: [] }
    const { id } = await make(app)
    const { refresh } = await signIn(identity, alice, { client_id: 'app' })
    const narrower = { audiences: ['reviews'], reason }
    positionOf(await ask(`PATCH /admin/clients/${id}`, narrower))
    const { access } = tokensOf(await refreshWith(identity, refresh))
    const { aud, cgen } = decodeToken(access).claims
    assert.deepEqual([aud, cgen], ['reviews', firstBase + 1])
    const asked = await refreshWith(identity, refresh, { audience: 'orders' })
    assert.deepEqual([asked.status, asked.members()['error']], [400, 'invalid_target'])
    await ask(`PATCH /admin/clients/${id}`, { grants: ['login'], reason })
    assert.equal((await refreshWith(identity, refresh)).status, 400)
  },
)
