import assert from 'node:assert/strict'
import { createClientKey } from './client-keys.ts'
import { decodeToken } from './decoded-token.ts'
import { testOnEngines } from './engines.ts'
import { firstBase } from './first-base.ts'
import type { Answer } from './http-client.ts'
import { alice, machine } from './running-identity.ts'
import {
  assertChallenged,
  assertProblem,
  call,
  positionOf,
  revokedKinds,
  signIn,
  signInHere,
} from './signed-in.ts'

import { claimsFor, eventsOf, reason, service, start, tokenStatus } from './administered-clients.ts'

testOnEngines(
  'the secret of a new client is shown once, and neither it nor its hash ever again',
  async (t, engine) => {
    const { identity, adminId, ask } = await start(t, engine)
    const made = await ask('POST /admin/clients', { ...service, description: 'makes invoices' })
    assert.equal(made.status, 201, made.body)
    assert.equal(made.headers['cache-control'], 'no-store')
    const { client_id: id, client_secret: secret, name } = made.members()
    assert.match(String(id), /^[A-Za-z0-9_-]{22}$/)
    assert.match(String(secret), /^[A-Za-z0-9_-]{43}$/)
    assert.equal(name, 'billing')
    const claims = await claimsFor(identity, { id: String(id), secret: String(secret) })
    assert.deepEqual([claims['sub'], claims['scope']], [id, 'orders:read reviews:write'])

    const one = await ask(`GET /admin/clients/${String(id)}`)
    const instant = new Date(identity.clock.now()).toISOString()
    assert.deepEqual(one.members(), {
      client_id: id,
      name: 'billing',
      description: 'makes invoices',
      origin: 'store',
      enabled: true,
      public: false,
      authentication: 'client_secret',
      grants: ['client_credentials'],
      audiences: ['orders', 'reviews'],
      scopes: ['orders:read', 'reviews:write'],
      created_at: instant,
      secret_made_at: instant,
    })
    const rows = await identity.query(`SELECT secret_hash FROM clients WHERE id = '${String(id)}'`)
    const hash = String(rows[0]?.['secret_hash'])
    const shown = [one.body, (await ask('GET /admin/clients')).body, identity.logged()].join('')
    for (const hidden of [String(secret), hash]) assert.ok(!shown.includes(hidden))
    assert.deepEqual(await eventsOf(identity, String(id)), [['client-created', adminId, reason]])
  },
)

testOnEngines(
  'clients are listed by name, page by page, whoever declared them',
  async (t, engine) => {
    const { ask, make } = await start(t, engine)
    for (const name of ['b-1', 'b-2', 'b-3']) await make({ name })
    const names: string[] = []
    let next: string | undefined
    do {
      const after = next === undefined ? '' : `&after=${next}`
      const page = (await ask(`GET /admin/clients?limit=2${after}`)).members()
      const clients = page['clients'] as readonly { name: string; origin: string }[]
      assert.ok(clients.length <= 2)
      names.push(...clients.map(({ name, origin }) => `${name} of ${origin}`))
      next = page['next'] as typeof next
    } while (next !== undefined)
    assert.deepEqual(names, [
      'b-1 of store',
      'b-2 of store',
      'b-3 of store',
      'closed of file',
      'machine of store',
      'portcullis-pages of file',
      'till of file',
      'web of file',
    ])
    const named = async (name: string): Promise<readonly unknown[]> => {
      const page = (await ask(`GET /admin/clients?name=${name}`)).members()
      assert.equal(page['next'], undefined)
      return (page['clients'] as readonly { name: string }[]).map((client) => client.name)
    }
    assert.deepEqual(await named('b-2'), ['b-2'])
    // Exactly so, and of nobody else.
    for (const other of ['b-', 'B-2', 'b-4']) assert.deepEqual(await named(other), [], other)
    assertProblem(await ask('GET /admin/clients?name=b%202'), 400, 'malformed')
  },
)

testOnEngines(
  'what is declared is held against the settings, all of it at once',
  async (t, engine) => {
    const { identity, ask } = await start(t, engine)
    const wrong: readonly (readonly [object, readonly string[]])[] = [
      [{ audiences: ['nowhere'], scopes: ['orders:read'] }, ['/audiences', '/scopes']],
      [{ audiences: ['orders', 'payments'], scopes: [] }, ['/audiences']],
      [{ audiences: [identity.issuer], scopes: [] }, ['/audiences']],
      [{ audiences: ['orders'], scopes: ['payments:make'] }, ['/scopes']],
      [{ public: true, audiences: ['orders'], scopes: [] }, ['/grants']],
      [{ grants: ['password'] }, ['/grants/0']],
      [{ grants: [] }, ['/grants']],
      [{ name: 'a name' }, ['/name']],
      [{ name: 'x'.repeat(65) }, ['/name']],
      [{ public: true, grants: ['login'], jwks: { keys: [createClientKey().jwk] } }, ['/jwks']],
      [{ jwks: { keys: [{ kty: 'oct', k: 'AAAA' }] } }, ['/jwks']],
      // CVE-2026-1180: a key set is given, and never fetched.
      [{ jwks_uri: 'https://169.254.169.254/' }, ['/jwks_uri']],
    ]
    for (const [members, fields] of wrong) {
      const answer = await ask('POST /admin/clients', { ...service, ...members })
      assertProblem(answer, 400, 'malformed')
      const errors = answer.members()['errors'] as readonly { field: string }[]
      assert.deepEqual([...new Set(errors.map(({ field }) => field))], fields, answer.body)
    }
    const feed = { ...service, name: 'follower', audiences: [], scopes: ['revocations.read'] }
    assert.equal((await ask('POST /admin/clients', feed)).status, 201)
    // A name is taken whoever has it, and no name is somebody's id.
    for (const name of ['follower', 'web', machine.clientId]) {
      assertProblem(await ask('POST /admin/clients', { ...service, name }), 409, 'identifier-taken')
    }
  },
)

testOnEngines(
  'nobody but an administrator learns of clients, or changes one',
  async (t, engine) => {
    const { identity, make } = await start(t, engine)
    const { id } = await make({})
    const person = (await signInHere(identity, alice)).access
    const routes: readonly (readonly [string, object | undefined])[] = [
      ['GET /admin/clients', undefined],
      [`GET /admin/clients/${id}`, undefined],
      ['POST /admin/clients', { ...service, name: 'another' }],
      [`PATCH /admin/clients/${id}`, { grants: ['login'], reason }],
      [`POST /admin/clients/${id}/rotate-secret`, { reason }],
      ...['revoke-tokens', 'disable', 'enable'].map(
        (what) => [`POST /admin/clients/${id}/${what}`, { reason }] as const,
      ),
      [`DELETE /admin/clients/${id}`, { reason }],
    ]
    const before = await identity.query('SELECT * FROM clients ORDER BY id')
    for (const [route, body] of routes) {
      const asked = body === undefined ? {} : { body }
      assertChallenged(await call(identity, route, asked))
      assertProblem(
        await call(identity, route, { ...asked, token: person }),
        403,
        'insufficient-scope',
      )
    }
    assert.deepEqual(await identity.query('SELECT * FROM clients ORDER BY id'), before)
  },
)

testOnEngines('while a secret is exchanged two are good, and never three', async (t, engine) => {
  const { identity, adminId, ask, make } = await start(t, engine)
  const { id, secret: first } = await make({})
  const rotate = (body: object): Promise<Answer> =>
    ask(`POST /admin/clients/${id}/rotate-secret`, { reason, ...body })
  const rotated = await rotate({ overlap_seconds: 600 })
  const { client_secret: second, former_secret_until: until } = rotated.members()
  assert.equal(until, new Date(identity.clock.now() + 600_000).toISOString())
  const both = [first, String(second)]
  for (const secret of both) assert.equal(await tokenStatus(identity, id, secret), 200)
  const early = await rotate({})
  assertProblem(early, 409, 'too-early')
  assert.equal(early.headers['retry-after'], '600')
  for (const secret of both) assert.equal(await tokenStatus(identity, id, secret), 200)

  identity.clock.advanceMs(599_999)
  assert.equal(await tokenStatus(identity, id, first), 200)
  identity.clock.advanceMs(1)
  assert.equal(await tokenStatus(identity, id, first), 401)
  assert.equal(await tokenStatus(identity, id, String(second)), 200)
  const { former_secret_until: none } = (await ask(`GET /admin/clients/${id}`)).members()
  assert.equal(none, undefined)
  assert.deepEqual(await revokedKinds(identity), [])
  assert.deepEqual(await eventsOf(identity, id), [
    ['client-created', adminId, reason],
    ['client-secret-rotated', adminId, reason],
  ])
})

testOnEngines(
  'a secret that leaked ends at once, with that before it and every token of the client',
  async (t, engine) => {
    const { identity, adminId, ask, make } = await start(t, engine)
    const { id, secret: first } = await make({})
    assert.equal((await claimsFor(identity, { id, secret: first }))['cgen'], firstBase)
    const path = `POST /admin/clients/${id}/rotate-secret`
    const second = String((await ask(path, { reason })).members()['client_secret'])
    const answer = await ask(path, { overlap_seconds: 0, reason: 'it was in a log' })
    positionOf(answer)
    const third = String(answer.members()['client_secret'])
    for (const old of [first, second]) assert.equal(await tokenStatus(identity, id, old), 401)
    assert.equal((await claimsFor(identity, { id, secret: third }))['cgen'], firstBase + 1)
    assert.deepEqual(await revokedKinds(identity), ['client'])
    assert.deepEqual((await eventsOf(identity, id)).at(-1), [
      'client-secret-revoked',
      adminId,
      'it was in a log',
    ])
  },
)

testOnEngines('a client without a secret has none to exchange', async (t, engine) => {
  const { identity, ask, make } = await start(t, engine)
  const keys = [createClientKey(), createClientKey()]
  const [present, next] = keys.map(({ jwk }) => jwk)
  const { id } = await make({ name: 'signer', jwks: { keys: [present] } })
  const open = await make({ name: 'app', public: true, grants: ['login'], scopes: [] })
  for (const one of [id, open.id]) {
    const answer = await ask(`POST /admin/clients/${one}/rotate-secret`, { reason })
    assertProblem(answer, 400, 'unknown-client')
  }
  const jwks = { keys: [present, next] }
  const changed = await ask(`PATCH /admin/clients/${id}`, { jwks, reason })
  const kids = (changed.members()['jwks'] as typeof jwks).keys.map((key) => key?.['kid'])
  assert.deepEqual(
    kids,
    keys.map(({ kid }) => kid),
  )
  assertProblem(await ask(`PATCH /admin/clients/${open.id}`, { jwks, reason }), 400, 'malformed')
  const { access } = await signIn(identity, alice, { client_id: 'app' })
  assert.equal(decodeToken(access).claims['client_id'], open.id)
})
