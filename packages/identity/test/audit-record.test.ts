import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { readSourceFiles } from '../../../tools/source-tree.ts'
import { auditVocabulary, loggedVocabulary } from '../src/domain/audit-vocabulary.ts'
import { bootstrap, verifyStoredAudit } from '../src/index.ts'
import type { Engine } from './engines.ts'
import { testOnEngines } from './engines.ts'
import type { RunningIdentity } from './running-identity.ts'
import { alice, startRunningIdentity } from './running-identity.ts'
import { admin, assertProblem, call, refreshWith, signIn, signInHere } from './signed-in.ts'
import { startError } from './start-error.ts'

interface Started {
  readonly identity: RunningIdentity
  readonly token: string
  readonly adminId: string
}

async function start(t: TestContext, engine?: Engine): Promise<Started> {
  const database = engine && { database: await engine.createStore(t) }
  const identity = await startRunningIdentity({ accounts: [alice, admin], ...database })
  t.after(identity.close)
  const { access, accountId } = await signInHere(identity, admin)
  return { identity, token: access, adminId: accountId }
}

type Member = Readonly<Record<string, unknown>>

async function listed({ identity, token }: Started, query = ''): Promise<readonly Member[]> {
  const answer = await call(identity, `GET /admin/audit${query}`, { token })
  assert.equal(answer.status, 200, answer.body)
  return answer.members()['events'] as readonly Member[]
}

async function verified(
  { identity, token }: Started,
  anchors?: readonly string[],
): Promise<Member> {
  const body = anchors && { anchors }
  const answer = await call(identity, 'POST /admin/audit/verify', { token, ...(body && { body }) })
  assert.equal(answer.status, 200, answer.body)
  return answer.members()
}

const reason = 'the laptop was stolen'

testOnEngines(
  'what goes through the routes is in the record, with who, from where and why',
  async (t, engine) => {
    const started = await start(t, engine)
    const { identity, token, adminId } = started
    const { accountId, sessionId, refresh } = await signIn(identity)
    await refreshWith(identity, refresh)
    identity.clock.advanceMs(31_000)
    await refreshWith(identity, refresh)
    const loggedOut = await signInHere(identity)
    await call(identity, 'POST /logout', { token: loggedOut.access })
    for (const [route, more] of [
      ['block', {}],
      ['unblock', {}],
      ['roles', { roles: [] }],
      ['logout', {}],
    ] as const) {
      const body = { reason, ...more }
      const answer = await call(identity, `POST /admin/accounts/${accountId}/${route}`, {
        token,
        body,
      })
      assert.ok(answer.status < 300, answer.body)
    }
    const decided = { account: accountId, actor: adminId, reason, network: '127.0.0.1' }
    assert.partialDeepStrictEqual(await listed(started), [
      { kind: 'all-sessions-ended', ...decided },
      { kind: 'roles-changed', term: 'authz_change', ...decided },
      { kind: 'account-unblocked', ...decided },
      { kind: 'account-blocked', term: 'authn_login_lock', ...decided },
      { kind: 'session-ended', account: accountId, session: loggedOut.sessionId },
      { kind: 'refresh-reuse', account: accountId, session: sessionId, network: '127.0.0.1' },
    ])
    const kinds = (await listed(started)).map(({ kind }) => kind).slice(6)
    const begin = Array.from({ length: 4 }, () => 'client-created')
    assert.deepEqual(kinds, [...begin, 'events-adopted', 'node-started', 'store-bootstrapped'])
    assert.deepEqual(
      (await listed(started, `?account=${accountId}&kind=account-blocked`)).map(({ kind }) => kind),
      ['account-blocked'],
    )
    const whole = await verified(started)
    assert.deepEqual(whole, { ok: true, chains: 1, records: 13 })
    assert.match(identity.logged(), /"auditAnchor":"[\w-]{22}:13:[\w-]{43}"/)

    await identity.query("UPDATE events SET reason = 'none' WHERE kind = 'account-blocked'")
    const bad = await verified(started)
    assert.partialDeepStrictEqual(bad, { ok: false, first_bad: { what: 'changed' } })
    assert.match(identity.logged(), /"what":"changed".*the audit record does not hold/)
  },
)

testOnEngines('each start has its chain, and a stop is in it', async (t, engine) => {
  const started = await start(t, engine)
  const again = await started.identity.restart()
  t.after(again.close)
  const { access } = await signInHere(again, admin)
  const now = { ...started, identity: again, token: access }
  const [newest, before] = await listed(now)
  assert.deepEqual([newest?.['kind'], before?.['kind']], ['node-started', 'node-stopped'])
  assert.notEqual(newest?.['chain'], before?.['chain'])
  assert.partialDeepStrictEqual(await verified(now), { ok: true, chains: 2 })
  await again.query("DELETE FROM events WHERE kind = 'node-stopped'")
  const { chain, seq } = before ?? {}
  assert.deepEqual((await verified(now))['first_bad'], { what: 'missing', chain, seq })
})

testOnEngines(
  'a node that is asked demands its own last record, so that nobody puts its chain back',
  async (t, engine) => {
    const started = await start(t, engine)
    const { identity } = started
    const tables = ['audit_chains', 'audit_roster']
    for (const table of tables)
      await identity.query(`CREATE TABLE old_${table} AS SELECT * FROM ${table}`)
    const [last] = await identity.query('SELECT max(id) AS id FROM events')
    const { access } = await signInHere(identity)
    await call(identity, 'POST /logout', { token: access })
    const anchors = [...identity.logged().matchAll(/"auditAnchor":"([^"]+)"/g)].map(
      ([, one]) => one ?? '',
    )
    assert.equal((await verified(started, anchors))['ok'], true)
    for (const table of tables) {
      await identity.query(`DELETE FROM ${table}`)
      await identity.query(`INSERT INTO ${table} SELECT * FROM old_${table}`)
    }
    await identity.query(`DELETE FROM events WHERE id > ${Number(last?.['id'])}`)
    const { sealingKey, database } = identity
    const inside = await verifyStoredAudit(database, { sealingKey, anchors: [] })
    assert.equal(inside.firstBad, undefined, 'there is nothing inside that could tell')
    assert.partialDeepStrictEqual(await verified(started), {
      ok: false,
      first_bad: { what: 'anchor' },
    })
  },
)

testOnEngines(
  'the record can be verified without a node, and by nobody without the sealing key',
  async (t, engine) => {
    const { identity } = await start(t, engine)
    const { sealingKey, database } = identity
    const options = { sealingKey, anchors: [] }
    const whole = await verifyStoredAudit(database, options)
    assert.deepEqual([whole.firstBad, whole.chains], [undefined, 1])
    const stranger = verifyStoredAudit(database, { ...options, sealingKey: randomBytes(32) })
    await assert.rejects(stranger, startError(/sealed with another sealing key/))
    await identity.query("DELETE FROM events WHERE kind = 'node-started'")
    assert.partialDeepStrictEqual((await verifyStoredAudit(database, options)).firstBad, {
      what: 'missing',
      seq: 1,
    })
  },
)

testOnEngines(
  'a bootstrap that has the sealing key chains its event at once',
  async (t, engine) => {
    const url = await engine.createStore(t)
    const sealingKey = randomBytes(32)
    const sealingKeys = { sealingKey }
    const request = { database: url, accounts: [admin], clients: [], sealingKeys }
    assert.equal((await bootstrap(request)).kind, 'bootstrapped')
    assert.equal((await bootstrap(request)).kind, 'not-empty')
    const verdict = await verifyStoredAudit(url, { sealingKey, anchors: [] })
    assert.deepEqual(verdict, { chains: 1, records: 1, firstBad: undefined })
  },
)

test('a query that nobody can mean is refused, and nobody else reads or verifies', async (t) => {
  const started = await start(t)
  const { identity, token } = started
  for (const query of [
    'from=2026-02-30T00:00:00Z',
    'to=yesterday',
    'limit=0',
    'limit=501',
    'after=-1',
    "after=1'--",
    'kind=nonsense',
    'account=a%20b',
    'who=me',
  ]) {
    const answer = await call(identity, `GET /admin/audit?${query}`, { token })
    assertProblem(answer, 400, 'malformed')
  }
  assert.equal((await listed(started, '?from=2020-01-01T00:00:00Z&limit=2')).length, 2)
  const body = { anchors: ['nonsense'] }
  assertProblem(await call(identity, 'POST /admin/audit/verify', { token, body }), 400, 'malformed')
  const { access } = await signInHere(identity)
  for (const route of ['GET /admin/audit', 'POST /admin/audit/verify']) {
    assert.equal((await call(identity, route, { token: access })).status, 403)
    assert.equal((await call(identity, route)).status, 401)
  }
})

test('the pages of the list are all of it, each record once', async (t) => {
  const started = await start(t)
  const { identity, token } = started
  const all = await listed(started)
  const seen: Member[] = []
  let query = '?limit=2'
  for (;;) {
    const answer = await call(identity, `GET /admin/audit${query}`, { token })
    const { events, next } = answer.members()
    seen.push(...(events as readonly Member[]))
    if (next === undefined) break
    query = `?limit=2&after=${next as string}`
  }
  assert.ok(seen.length >= 5)
  assert.deepEqual(seen, all)
})

/** The first and the second column of the rows of a table, by the title of the first. */
function tableOf(title: string): readonly (readonly [string, string])[] {
  const page = readFileSync(new URL('../../../docs/audit.md', import.meta.url), 'utf8')
  const lines = page.split('\n')
  const begin = lines.findIndex((line) => line.startsWith(`| ${title} `)) + 2
  const rows = lines.slice(
    begin,
    lines.findIndex((line, at) => at > begin && line === ''),
  )
  return rows.map((row) => {
    const [, first = '', second = ''] = row
      .split('|')
      .map((cell) => cell.trim().replaceAll('`', ''))
    return [first, second]
  })
}

test('docs/audit.md has each kind with its term, and each event of the log, and no others', () => {
  const kinds = tableOf('kind')
  assert.ok(kinds.length >= 25)
  assert.deepEqual(new Map(kinds), new Map(Object.entries(auditVocabulary)))
  const events = tableOf('event in the log').map(([event]) => event)
  assert.deepEqual(events.toSorted(), [...loggedVocabulary].toSorted())
})

test('each kind is written somewhere, and each event of the log, and no others', () => {
  const sources = readSourceFiles().filter(({ path }) => path.startsWith('packages/identity/src/'))
  assert.ok(sources.length > 100)
  const written = sources.filter(({ path }) => !path.endsWith('/audit-vocabulary.ts'))
  const text = written.map((source) => source.text).join('\n')
  for (const kind of Object.keys(auditVocabulary)) {
    assert.ok(text.includes(`'${kind}'`), `nothing writes ${kind}`)
  }
  const terms = text.matchAll(/'((?:authn|authz|excess|user|sys|input|malicious)_[a-z_]+)'/g)
  const logged = new Set([...terms].map(([, term = '']) => term))
  assert.deepEqual([...logged].toSorted(), [...loggedVocabulary].toSorted())
})
