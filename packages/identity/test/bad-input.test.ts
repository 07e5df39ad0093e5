import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import type { NewClient } from '../src/index.ts'
import { newClientCredential } from '../src/index.ts'
import type { Database } from '../src/store/database.ts'
import { openDatabase } from '../src/store/open-database.ts'
import type { Engine } from './engines.ts'
import { testOnEngines } from './engines.ts'
import type { Answer } from './http-client.ts'
import type { InertRequest } from './inert-requests.ts'
import { inertRequests } from './inert-requests.ts'
import { createMailbox } from './mailbox.ts'
import type { Variant } from './malformed-requests.ts'
import { hostileTexts, hostileVariants, malformedVariants, marker } from './malformed-requests.ts'
import type { RunningIdentity } from './running-identity.ts'
import { alice, basic, startRunningIdentity } from './running-identity.ts'
import type { ServerRoute } from './server-routes.ts'
import { listServerRoutes } from './server-routes.ts'
import { admin, assertProblem, bob, call, positionOf, signIn, signInHere } from './signed-in.ts'
import { createTemporaryFolder } from './temporary-folder.ts'

/** Whatever is sent to whatever route: the right status, nothing changed, nothing of it in the log. */
const follower: NewClient = {
  ...newClientCredential(),
  name: 'follower',
  audiences: [],
  scopes: ['revocations.read', 'ssf.manage'],
}

const folder = createTemporaryFolder()
let routes: readonly ServerRoute[] = []
test('every route of the server has a request in this file, and that all of its fields', async (t) => {
  routes = await listServerRoutes(t, `sqlite:${folder.path}/routes.db`)
  t.after(folder.remove)
  assert.ok(routes.length >= 34, `only ${routes.length} routes were found`)
  const described = new Set(inertRequests.map(({ route }) => route))
  assert.deepEqual([...described].toSorted(), routes.map(({ name }) => name).toSorted())
  const sent = inertRequests.map(
    (request) => [request.route, Object.keys(request.json ?? {})] as const,
  )
  for (const request of inertRequests) {
    const isSent = (field: string): boolean =>
      sent.some(([route, fields]) => route === request.route && fields.includes(field))
    assert.ok((request.leavesOut ?? []).every(isSent), request.route)
    const { bodyFields, queryFields } = routeOf(request)
    const { json = {}, query = {}, leavesOut = [] } = request
    const fields = [...Object.keys(json), ...leavesOut]
    assert.deepEqual(fields.toSorted(), bodyFields.toSorted(), request.route)
    for (const name of queryFields) assert.ok(name in query, `${request.route}?${name}`)
  }
})

testOnEngines('what has a fault of form is refused, and changes nothing', async (t, engine) => {
  const world = await start(t, engine)
  let asked = 0
  for (const request of inertRequests) {
    const before = await world.contents()
    const perfect = await world.send(request, { name: 'perfect', statuses: [request.status] })
    assert.equal(perfect.status, request.status, `${request.route}: ${perfect.body}`)
    for (const variant of malformedVariants(request, routeOf(request))) {
      asked += 1
      assertRefused(request, variant, await world.send(request, variant))
    }
    assert.deepEqual(await world.contents(), before, request.route)
  }
  assert.ok(asked >= 800, `only ${asked} requests were made`)
  assertUnlogged(world.identity)
})

testOnEngines(
  'what would end a statement, a header or a page is a text like any other, in every field',
  async (t, engine) => {
    const world = await start(t, engine)
    let asked = 0
    for (const request of inertRequests) {
      const before = await world.contents()
      for (const variant of hostileVariants(request)) {
        asked += 1
        const answer = await world.send(request, variant)
        const where = `${request.route}, ${variant.name}: ${answer.status} ${answer.body}`
        assert.ok(variant.statuses.includes(answer.status), where)
        assertUnsplit(answer, where)
        if (answer.status >= 400) assertKind(request, answer, where)
      }
      assert.deepEqual(await world.contents(), before, request.route)
    }
    assert.ok(asked >= 150, `only ${asked} requests were made`)
    assertUnlogged(world.identity)
  },
)

testOnEngines(
  'what people may say in their own words is kept letter by letter',
  async (t, engine) => {
    const { identity, tokens } = await start(t, engine)
    const token = tokens.administrator
    const victim = await signIn(identity, bob)
    const path = `/admin/accounts/${victim.accountId}`
    for (const text of hostileTexts) {
      assert.equal(
        (await call(identity, `POST ${path}/block`, { token, body: { reason: text } })).status,
        200,
      )
      const unblocked = { token, body: { reason: text } }
      assert.equal((await call(identity, `POST ${path}/unblock`, unblocked)).status, 204)
      const body = { attributes: { tenant: text }, reason: text }
      const changed = await call(identity, `PATCH ${path}`, { token, body })
      assert.deepEqual(changed.members()['attributes'], { tenant: text })
      // Node would not send what is no Latin-1, and no client can send a line break.
      const device = text.replaceAll(/[^\x20-\x7e]/g, '').trim()
      const { access } = await signInFrom(identity, device)
      const { sessions } = (
        await call(identity, 'GET /sessions?limit=1', { token: access })
      ).members()
      assert.equal((sessions as { device: string }[])[0]?.device, device)
    }
    const kept = await identity.query(
      'SELECT reason FROM events WHERE reason IS NOT NULL ORDER BY id',
    )
    const reasons = new Set(kept.map(({ reason }) => reason))
    assert.deepEqual(reasons, new Set(hostileTexts))
    const change = { current: alice.password, new: hostileTexts[0] }
    const changed = await call(identity, 'POST /account/password', {
      token: tokens.person,
      body: change,
    })
    positionOf(changed)
    const { identifier } = alice
    assert.equal((await identity.login({ identifier, password: change.new })).status, 200)
    assertUnlogged(identity)
  },
)

// As of GHSA-r9w3-57w2-gch2 and GO-2026-4801, where a forged page token became SQL.
testOnEngines('a forged cursor shows nobody what is not theirs', async (t, engine) => {
  const { identity, tokens } = await start(t, engine)
  const other = await signIn(identity, bob)
  const token = tokens.person
  const session = 'A'.repeat(22)
  const refused = [
    '',
    '.',
    `1.${session}' OR '1'='1`,
    `1.${'A'.repeat(21)}'`,
    `1 OR 1=1.${session}`,
    `-1.${session}`,
    `1e9.${session}`,
    `0x1.${session}`,
    `1.5.${session}`,
    `1234567890123456.${session}`,
    `NaN.${session}`,
    ` 1.${session}`,
    `1.${session}\n`,
    `١.${session}`,
    Buffer.from(JSON.stringify({ at: 1, id: session })).toString('base64url'),
  ]
  for (const after of refused) {
    const query = new URLSearchParams({ after }).toString()
    const answer = await call(identity, `GET /sessions?${query}`, { token })
    assertProblem(answer, 400, 'malformed')
    assert.deepEqual(fieldsOf(answer), ['/after'], after)
  }
  for (const limit of ['0', '101', '-1', '1e1', '1.0', ' 1', '1;', '010']) {
    const query = new URLSearchParams({ limit }).toString()
    const answer = await call(identity, `GET /sessions?${query}`, { token })
    assertProblem(answer, 400, 'malformed')
    assert.deepEqual(fieldsOf(answer), ['/limit'], limit)
  }
  for (const after of [`999999999999999.${session}`, `0.${session}`, `1.${other.sessionId}`]) {
    const answer = await call(identity, `GET /sessions?after=${after}`, { token })
    assert.equal(answer.status, 200, answer.body)
    assert.ok(!answer.body.includes(other.sessionId))
  }
  for (const after of ['', ':', session, `${session}:`, `${session}:-1`, `${session}:1'`, ':1']) {
    const query = new URLSearchParams({ after }).toString()
    const answer = await call(identity, `GET /revocations/stream?${query}`, {
      token: tokens.follower,
    })
    assertProblem(answer, 400, 'malformed')
  }
})

interface World {
  readonly identity: RunningIdentity
  readonly tokens: Readonly<Record<NonNullable<InertRequest['caller']>, string>>
  readonly send: (request: InertRequest, variant: Variant) => Promise<Answer>
  /** Every row of every table, but the counters of logins, which any try may change. */
  readonly contents: () => Promise<Readonly<Record<string, readonly string[]>>>
}

async function start(t: TestContext, engine: Engine): Promise<World> {
  const database = await engine.createStore(t)
  const identity = await startRunningIdentity({
    database,
    accounts: [alice, bob, admin],
    clients: [follower],
    mailer: createMailbox(),
    file: {
      accounts: { selfRegistration: 'open' },
      // The tries of this file are not what is tested.
      loginProtection: { freeTries: 100 },
    },
  })
  t.after(identity.close)
  const form = { grant_type: 'client_credentials', audience: identity.issuer }
  const granted = await identity.token(form, basic(follower.clientId, follower.clientSecret))
  const tokens = {
    person: (await signInHere(identity, alice)).access,
    administrator: (await signInHere(identity, admin)).access,
    follower: String(granted.members()['access_token']),
  }
  const store = await openDatabase(database, { now: identity.clock.now })
  t.after(store.close)
  return {
    identity,
    tokens,
    send: (request, variant) => send(identity, tokens, request, variant),
    contents: () => contentsOf(store, engine),
  }
}

function send(
  identity: RunningIdentity,
  tokens: World['tokens'],
  request: InertRequest,
  { body = bodyOf(request), query, pathParameter = 'nobody', ...variant }: Variant,
): Promise<Answer> {
  const [method = '', pattern = ''] = request.route.split(' ')
  const type = 'type' in variant ? variant.type : typeOf(request)
  const asked = query ?? new URLSearchParams(request.query).toString()
  const path = pattern.replace(/:[a-z]+/, pathParameter)
  return identity.ask({
    method,
    path: asked === '' ? path : `${path}?${asked}`,
    headers: {
      ...(request.caller && { authorization: `Bearer ${tokens[request.caller]}` }),
      ...(type !== undefined && { 'content-type': type }),
      ...(body !== undefined && { 'content-length': String(Buffer.byteLength(body)) }),
      ...request.headers,
      ...variant.headers,
    },
    ...(body !== undefined && { body }),
  })
}

function bodyOf({ json, form }: InertRequest): string | undefined {
  if (json !== undefined) return JSON.stringify(json)
  return form === undefined ? undefined : new URLSearchParams(form).toString()
}

function typeOf({ json, form }: InertRequest): string | undefined {
  if (json !== undefined) return 'application/json'
  return form === undefined ? undefined : 'application/x-www-form-urlencoded'
}

const tablesOf = {
  SQLite: "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'",
  PostgreSQL: 'SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema()',
}

async function contentsOf(
  store: Database,
  { name }: Engine,
): Promise<Readonly<Record<string, readonly string[]>>> {
  const tables = (await store.read(tablesOf[name])).map((row) => String(row['name'])).toSorted()
  assert.ok(tables.length >= 8, `only ${tables.length} tables were found`)
  const kept = tables.filter((table) => !/^(?:login_|anomal|sightings$|activity$)/.test(table))
  const rows = await Promise.all(kept.map((table) => store.read(`SELECT * FROM ${table}`)))
  return Object.fromEntries(
    kept.map((table, index) => [
      table,
      (rows[index] ?? []).map((row) => JSON.stringify(row)).toSorted(),
    ]),
  )
}

function routeOf({ route }: InertRequest): ServerRoute {
  return routes.find(({ name }) => name === route) ?? assert.fail(`there is no ${route}`)
}

function assertRefused(request: InertRequest, variant: Variant, answer: Answer): void {
  const where = `${request.route}, ${variant.name}: ${answer.status} ${answer.body}`
  assert.ok(variant.statuses.includes(answer.status), where)
  assertUnsplit(answer, where)
  // What is not found has no route that would answer in its own way.
  if (answer.status >= 400 && answer.status !== 404) assertKind(request, answer, where)
  const { field } = variant
  if (field === undefined) return
  assert.ok(
    fieldsOf(answer).some((named) => named === field || named.startsWith(`${field}/`)),
    where,
  )
}

/** In the way of its route: a problem document, an error of OAuth, or a page without anything foreign. */
function assertKind({ answers = 'problem' }: InertRequest, answer: Answer, where: string): void {
  const type = String(answer.headers['content-type'])
  if (answers === 'page') assert.match(type, /^text\/html/, where)
  if (answers === 'oauth') assert.equal(typeof answer.members()['error'], 'string', where)
  if (answers !== 'problem') return
  assert.match(type, /^application\/problem\+json/, where)
  assert.equal(answer.members()['status'], answer.status, where)
}

function assertUnsplit(answer: Answer, where: string): void {
  assert.equal(answer.headers['set-cookie'], undefined, where)
  assert.ok(!JSON.stringify(answer.headers).includes(marker), where)
  const isPage = String(answer.headers['content-type']).startsWith('text/html')
  // The page has one of its own, which says what it is.
  if (isPage) assert.ok(!answer.body.includes('<script>'), where)
}

function assertUnlogged(identity: RunningIdentity): void {
  const logged = identity.logged()
  assert.ok(logged.includes('"request"'), 'nothing was logged')
  assert.ok(!logged.toLowerCase().includes(marker), 'something hostile was logged')
  assert.doesNotMatch(logged, /"level":[56]0/, 'an error was logged')
}

function fieldsOf(answer: Answer): readonly string[] {
  const errors = (answer.members()['errors'] ?? []) as readonly { readonly field: string }[]
  return errors.map(({ field }) => field)
}

async function signInFrom(
  identity: RunningIdentity,
  device: string,
): Promise<{ readonly access: string }> {
  const { identifier, password } = bob
  const answer = await identity.ask({
    method: 'POST',
    path: '/login',
    headers: { 'content-type': 'application/json', 'user-agent': device },
    body: JSON.stringify({ identifier, password, audience: identity.issuer }),
  })
  assert.equal(answer.status, 200, answer.body)
  return { access: String(answer.members()['access_token']) }
}
