import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { Engine } from './engines.ts'
import { testOnEngines } from './engines.ts'
import type { RunningIdentity } from './running-identity.ts'
import { alice, startRunningIdentity } from './running-identity.ts'
import { admin, assertProblem, bob, call, positionOf, signIn, signInHere } from './signed-in.ts'
import { queryStore } from './store-query.ts'

interface Started {
  readonly identity: RunningIdentity
  readonly token: string
  readonly list: (path: string) => Promise<Page>
}

interface Listed {
  readonly id: string
  readonly identifier: string
}

interface Page {
  readonly accounts: readonly Listed[]
  readonly sessions: readonly (Listed & { readonly live: boolean; readonly account: Listed })[]
  readonly next?: string
}

async function start(t: TestContext, engine: Engine): Promise<Started> {
  const database = await engine.createStore(t)
  const identity = await startRunningIdentity({ database, accounts: [alice, bob, admin] })
  t.after(identity.close)
  const { access: token } = await signInHere(identity, admin)
  const list = async (path: string): Promise<Page> => {
    const answer = await call(identity, `GET ${path}`, { token })
    assert.equal(answer.status, 200, answer.body)
    return answer.members() as unknown as Page
  }
  return { identity, token, list }
}

/** Accounts behind the program's back, each `ms` after 1970 and with an id that is no order. */
async function insert(
  { identity }: Started,
  people: readonly { readonly identifier: string; readonly ms: number; readonly more?: string }[],
): Promise<void> {
  const rows = people.map(({ identifier, ms, more = "'[]', NULL, 0" }) => {
    const id = Buffer.from(identifier).toString('base64url').slice(-22).padStart(22, 'A')
    return `('${id}', '${identifier}', 'secret hash', 0, ${ms}, ${more})`
  })
  await queryStore(
    identity.database,
    `INSERT INTO accounts (id, identifier, password_hash, generation, created_at, roles, blocked_at, unconfirmed)
     VALUES ${rows.join(', ')}`,
  )
}

const namesIn = ({ accounts }: Page): readonly string[] =>
  accounts.map(({ identifier }) => identifier)

const idsIn = ({ sessions }: Page): readonly string[] => sessions.map(({ id }) => id)

const instant = (ms: number): string => new Date(ms).toISOString()

async function namesOf(
  { list }: Started,
  query: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  return namesIn(await list(`/admin/accounts?${new URLSearchParams(query).toString()}`))
}

testOnEngines(
  'pages of accounts show each once, the newest first, whoever comes meanwhile',
  async (t, engine) => {
    const started = await start(t, engine)
    const old = Array.from({ length: 25 }, (_, at) => ({
      identifier: `user-${at}`,
      // Several of one moment.
      ms: 1000 + Math.floor(at / 4),
    }))
    await insert(started, old)
    const seen: string[] = []
    let next: string | undefined
    let pages = 0
    do {
      const after = next === undefined ? '' : `&after=${next}`
      const page = await started.list(`/admin/accounts?identifier_prefix=user-&limit=4${after}`)
      assert.ok(page.accounts.length <= 4)
      seen.push(...namesIn(page))
      next = page.next
      pages += 1
      // One that is newer than the page, and one that would have been on it.
      await insert(started, [
        { identifier: `user-new-${pages}`, ms: 5000 },
        { identifier: `user-late-${pages}`, ms: 1006 },
      ])
    } while (next !== undefined)
    assert.equal(pages, 7)
    const before = old.map(({ identifier }) => identifier)
    assert.deepEqual(seen.toSorted(), before.toSorted())
    const momentOf = (name: string): number => old.find((one) => one.identifier === name)?.ms ?? 0
    assert.deepEqual(
      seen.map(momentOf),
      before.map(momentOf).toSorted((one, other) => other - one),
    )
  },
)

testOnEngines(
  'accounts are found by all that the query says, and by nothing else',
  async (t, engine) => {
    const started = await start(t, engine)
    await insert(started, [
      { identifier: 'carol', ms: 1000, more: `'["customer"]', 5, 0` },
      { identifier: 'carol_b', ms: 2000, more: `'["Customer"]', NULL, 0` },
      { identifier: 'caro%lx', ms: 3000, more: `'["customers"]', NULL, 1` },
      { identifier: 'carolxb', ms: 4000, more: `'["customer","moderator"]', NULL, 0` },
    ])
    await queryStore(
      started.identity.database,
      "UPDATE accounts SET deleted_at = 1, blocked_at = 1, identifier = 'deleted x' WHERE identifier = 'bob'",
    )
    const find = (query: Readonly<Record<string, string>>): Promise<readonly string[]> =>
      namesOf(started, query)
    const all = ['alice', 'admin', 'carolxb', 'caro%lx', 'carol_b', 'carol']
    assert.deepEqual((await find({})).toSorted(), all.toSorted())
    assert.deepEqual(await find({ identifier: 'ＣAROL' }), ['carol'])
    assert.deepEqual(await find({ identifier_prefix: 'CAROL' }), ['carolxb', 'carol_b', 'carol'])
    assert.deepEqual(await find({ identifier_prefix: 'carol_' }), ['carol_b'])
    assert.deepEqual(await find({ identifier_prefix: 'caro%' }), ['caro%lx'])
    assert.deepEqual(await find({ identifier_prefix: '%' }), [])
    assert.deepEqual(await find({ identifier_prefix: 'deleted' }), [])
    assert.deepEqual(await find({ role: 'customer', created_before: '1970-01-02' }), [
      'carolxb',
      'carol',
    ])
    assert.deepEqual(await find({ role: 'moderator', identifier_prefix: 'c' }), ['carolxb'])
    assert.deepEqual(await find({ role: 'c_stomer' }), [])
    assert.deepEqual(await find({ blocked: 'true' }), ['carol'])
    assert.deepEqual(await find({ unconfirmed: 'true' }), ['caro%lx'])
    assert.deepEqual(await find({ unconfirmed: 'true', blocked: 'true' }), [])
    const between = {
      created_after: '1970-01-01T00:00:01Z',
      created_before: '1970-01-01T00:00:04Z',
    }
    assert.deepEqual(await find(between), ['caro%lx', 'carol_b'])
    assert.deepEqual(await find({ ...between, blocked: 'false', unconfirmed: 'false' }), [
      'carol_b',
    ])
  },
)

testOnEngines(
  'one of many is found page by page, each of them looked for a bounded time',
  async (t, engine) => {
    const started = await start(t, engine)
    const numbers =
      engine.name === 'SQLite'
        ? '(WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 10100) SELECT i FROM s) AS s'
        : 'generate_series(1, 10100) AS s(i)'
    await queryStore(
      started.identity.database,
      `INSERT INTO accounts (id, identifier, password_hash, generation, created_at, roles)
     SELECT 'AAAAAAAAAAAAAAAA' || (100000 + i), 'many-' || i, 'h', 0, i,
            CASE WHEN i = 3 THEN '["auditor"]' ELSE '["customer"]' END FROM ${numbers}`,
    )
    for (const query of ['role=auditor', 'role=auditor&identifier_prefix=many-']) {
      const first = await started.list(`/admin/accounts?${query}`)
      assert.deepEqual(first.accounts, [])
      assert.ok(first.next !== undefined, query)
      const second = await started.list(`/admin/accounts?${query}&after=${first.next}`)
      assert.deepEqual([namesIn(second), second.next], [['many-3'], undefined])
    }
    const wide = await started.list('/admin/accounts?identifier_prefix=many-&limit=2')
    assert.deepEqual(namesIn(wide), ['many-10100', 'many-10099'])
    assert.deepEqual(await namesOf(started, { identifier_prefix: 'many-77', limit: '1' }), [
      'many-7799',
    ])
  },
)

testOnEngines('an account is shown whole, without anything secret', async (t, engine) => {
  const { identity, token, list } = await start(t, engine)
  const { accountId } = await signInHere(identity)
  const [found] = (await list('/admin/accounts?identifier=alice')).accounts
  const created = new Date(identity.clock.now()).toISOString()
  const whole = {
    id: accountId,
    identifier: 'alice',
    email_verified: false,
    roles: alice.roles,
    attributes: {},
    blocked: false,
    unconfirmed: false,
    created_at: created,
  }
  assert.deepEqual(found, whole)
  const one = await call(identity, `GET /admin/accounts/${accountId}`, { token })
  assert.deepEqual(one.members(), { ...whole, last_login_at: created })
  const body = { attributes: { tenant: 'one' }, email: 'alice@mail.example', reason: 'a test' }
  await call(identity, `PATCH /admin/accounts/${accountId}`, { token, body })
  const changed = (await call(identity, `GET /admin/accounts/${accountId}`, { token })).members()
  assert.deepEqual([changed['email'], changed['attributes']], [body.email, body.attributes])
  const nobody = await call(identity, `GET /admin/accounts/${'A'.repeat(22)}`, { token })
  assertProblem(nobody, 404, 'not-found')
  // That its owner never signed in is a fact as well.
  const [unused] = (await list('/admin/accounts?identifier=bob')).accounts
  const bobs = await call(identity, `GET /admin/accounts/${unused?.id}`, { token })
  assert.equal(bobs.members()['last_login_at'], undefined)
})

testOnEngines('what is no page, no moment and no filter is refused by name', async (t, engine) => {
  const { identity, token } = await start(t, engine)
  const id = 'A'.repeat(22)
  const refused: readonly (readonly [string, readonly string[]])[] = [
    ['after', ['', '.', `1.${id}'`, `1 OR 1=1.${id}`, `-1.${id}`, `1234567890123456.${id}`]],
    ['limit', ['0', '201', '-1', '1e1', '010']],
    ['created_after', ['yesterday', '2026-13-01', '2026-01-01T25:00:00Z', '1']],
    ['blocked', ['yes', '']],
  ]
  let asked = 0
  for (const [name, values] of refused) {
    for (const value of values) {
      const query = new URLSearchParams({ [name]: value }).toString()
      const answer = await call(identity, `GET /admin/accounts?${query}`, { token })
      assertProblem(answer, 400, 'malformed')
      const [error] = answer.members()['errors'] as readonly { readonly field: string }[]
      assert.equal(error?.field, `/${name}`, value)
      asked += 1
    }
  }
  assert.equal(asked, 17)
  assertProblem(await call(identity, 'GET /admin/accounts?name=x', { token }), 400, 'malformed')
  assertProblem(await call(identity, 'GET /admin/sessions?state=dead', { token }), 400, 'malformed')
})

testOnEngines(
  'an administrator sees where people are signed in, and ends one of it',
  async (t, engine) => {
    const { identity, token, list } = await start(t, engine)
    identity.clock.advanceMs(1000)
    const first = await signIn(identity)
    identity.clock.advanceMs(1000)
    const second = await signIn(identity)
    const other = await signIn(identity, bob)

    const everybody = await list('/admin/sessions')
    assert.equal(everybody.sessions.length, 4)
    assert.equal(everybody.sessions.at(-1)?.account.identifier, 'admin')
    const mine = `/admin/sessions?account=${first.accountId}`
    const [newest] = (await list(mine)).sessions
    const { network, ...shown } = newest as unknown as Readonly<Record<string, unknown>>
    assert.equal(typeof network, 'string')
    assert.deepEqual(shown, {
      id: second.sessionId,
      account: { id: first.accountId, identifier: 'alice' },
      live: true,
      bound: false,
      client: 'web',
      created_at: instant(identity.clock.now()),
      last_used_at: instant(identity.clock.now()),
      expires_at: instant(identity.clock.now() + 14 * 24 * 3_600_000),
    })
    const page = await list(`${mine}&limit=1`)
    const rest = await list(`${mine}&limit=1&after=${page.next ?? ''}`)
    assert.deepEqual([...idsIn(page), ...idsIn(rest)], [second.sessionId, first.sessionId])
    assert.equal(rest.next, undefined)
    assert.equal((await list('/admin/sessions?client=web')).sessions.length, 4)
    assert.deepEqual((await list('/admin/sessions?client=till')).sessions, [])

    const body = { reason: 'the laptop was stolen' }
    const route = `DELETE /admin/sessions/${first.sessionId}`
    const position = positionOf(await call(identity, route, { token, body }))
    assert.deepEqual(positionOf(await call(identity, route, { token, body })), position)
    assert.deepEqual(idsIn(await list(mine)), [second.sessionId])
    const all = (await list(`${mine}&state=all`)).sessions
    assert.deepEqual(
      all.map(({ id, live }) => [id, live]),
      [
        [second.sessionId, true],
        [first.sessionId, false],
      ],
    )
    assert.ok(idsIn(await list('/admin/sessions')).includes(other.sessionId))
    const unknown = await call(identity, `DELETE /admin/sessions/${'A'.repeat(22)}`, {
      token,
      body,
    })
    assertProblem(unknown, 404, 'not-found')
    const events = await identity.query(
      'SELECT kind, account_id, session_id, reason FROM events WHERE account_id IS NOT NULL ORDER BY id',
    )
    const { accountId: account_id, sessionId: session_id } = first
    assert.deepEqual(
      events.map((event) => ({ ...event })),
      [{ kind: 'session-ended', account_id, session_id, ...body }],
    )
    // A block ends the others too, whatever their rows say.
    await call(identity, `POST /admin/accounts/${first.accountId}/block`, { token, body })
    assert.deepEqual((await list(mine)).sessions, [])
  },
)
