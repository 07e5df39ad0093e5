import assert from 'node:assert/strict'
import { administratorRole } from '@portcullis/protocol'
import type { TestContext } from 'node:test'
import type { BulkDecision, BulkOutcome } from '../src/domain/account-bulk.ts'
import { administratorOf } from '../src/domain/actors.ts'
import { createBulkAdministration } from '../src/store/account-bulk.ts'
import type { AccountStoreParts } from './account-parts.ts'
import { decision, giveEmail, issueLink, kindsOf, openAccounts } from './account-parts.ts'
import type { Engine } from './engines.ts'
import { testOnEngines } from './engines.ts'
import { alice, startRunningIdentity } from './running-identity.ts'
import {
  admin,
  assertNoRefresh,
  assertProblem,
  bob,
  call,
  isWelcome,
  revokedKinds,
  signInHere,
} from './signed-in.ts'
import { accountIdOf, commandLine, loginWith, sessionOf } from './store-parts.ts'
import { queryStore } from './store-query.ts'

const reason = 'the list was stolen'

testOnEngines(
  'one request ends the sessions of many, and another one blocks them',
  async (t, engine) => {
    const database = await engine.createStore(t)
    const identity = await startRunningIdentity({ database, accounts: [alice, bob, admin] })
    t.after(identity.close)
    const { access: token, accountId: actor } = await signInHere(identity, admin)
    const people = [await signInHere(identity), await signInHere(identity, bob)]
    const ids = people.map(({ accountId }) => accountId)
    const nobody = 'A'.repeat(22)
    const body = { ids: [...ids, nobody, ...ids], reason }
    const ended = await call(identity, 'POST /admin/accounts/logout', { token, body })
    const fates = (known: string): readonly object[] => [
      ...ids.map((id) => ({ id, outcome: known })),
      { id: nobody, outcome: 'unknown' },
    ]
    assert.deepEqual(ended.members()['results'], fates('ended'), ended.body)
    assert.equal((ended.members()['revocation'] as { seq: number }).seq, 2)
    for (const { access, refresh } of people) {
      assert.ok(!(await isWelcome(identity, access)))
      await assertNoRefresh(identity, refresh)
    }
    assert.ok(await isWelcome(identity, token))
    const again = await signInHere(identity)
    const blocked = await call(identity, 'POST /admin/accounts/block', { token, body })
    assert.deepEqual(blocked.members()['results'], fates('blocked'), blocked.body)
    assert.ok(!(await isWelcome(identity, again.access)))
    const { identifier, password } = alice
    assertProblem(await identity.login({ identifier, password }), 403, 'account-blocked')
    // Twice is once: no event and no record more.
    const twice = await call(identity, 'POST /admin/accounts/block', { token, body })
    assert.deepEqual(twice.members(), blocked.members())
    assert.deepEqual(await revokedKinds(identity), ['account', 'account', 'account', 'account'])
    const events = await identity.query(
      'SELECT kind, account_id, actor, reason FROM events WHERE account_id IS NOT NULL ORDER BY id',
    )
    assert.deepEqual(
      events.map((event) => ({ ...event })),
      ['all-sessions-ended', 'account-blocked'].flatMap((kind) =>
        ids.map((account_id) => ({ kind, account_id, actor, reason })),
      ),
    )
    const unblocked = { token, body: { reason } }
    const route = `POST /admin/accounts/${ids[0]}/unblock`
    assert.equal((await call(identity, route, unblocked)).status, 204)
    await signInHere(identity)
  },
)

testOnEngines(
  'ten thousand accounts are one request, and one more is too many',
  async (t, engine) => {
    const database = await engine.createStore(t)
    const identity = await startRunningIdentity({ database, accounts: [admin] })
    t.after(identity.close)
    const { access: token } = await signInHere(identity, admin)
    const ids = Array.from({ length: 10_001 }, (_, at) => `${at}`.padStart(22, 'B'))
    const rows = ids.map((id) => `('${id}', '${id}', 'h', '[]', 0, 0)`)
    await queryStore(
      database,
      `INSERT INTO accounts (id, identifier, password_hash, roles, generation, created_at) VALUES ${rows.join()}`,
    )
    const ask = (body: object): ReturnType<typeof call> =>
      call(identity, 'POST /admin/accounts/block', { token, body })
    assertProblem(await ask({ ids, reason }), 400, 'malformed')
    assertProblem(await ask({ ids: [], reason }), 400, 'malformed')
    const padded = await ask({ ids: ids.slice(1), reason, padding: 'x'.repeat(512 * 1024) })
    assertProblem(padded, 413, 'too-large')
    assert.match(padded.body, /512 KiB/)
    const longest = '\u{1f600}'.repeat(250)
    const answer = await ask({ ids: ids.slice(1), reason: longest })
    assert.equal(
      (answer.members()['revocation'] as { seq: number }).seq,
      10_000,
      answer.body.slice(0, 200),
    )
    const count = async (table: string, where: string): Promise<number> =>
      Number((await identity.query(`SELECT count(*) AS n FROM ${table} WHERE ${where}`))[0]?.['n'])
    assert.equal(await count('accounts', 'blocked_at IS NOT NULL AND login_floor = 1'), 10_000)
    assert.equal(await count('events', "kind = 'account-blocked'"), 10_000)
    assert.equal(await count('revocations', "kind = 'account'"), 10_000)
  },
)

async function open(
  t: TestContext,
  engine: Engine,
  people: readonly string[],
): Promise<{
  readonly store: AccountStoreParts
  readonly block: (decided: BulkDecision) => Promise<BulkOutcome>
}> {
  const store = await openAccounts(t, engine, people)
  for (const person of people) {
    if (!person.startsWith('admin')) continue
    const accountId = accountIdOf(person)
    await store.administration.setRoles({ ...decision, accountId }, [administratorRole])
  }
  return { store, block: createBulkAdministration(store.log.transaction).block }
}

function fatesOf(outcome: BulkOutcome): Readonly<Record<string, string>> {
  assert.ok(outcome.kind === 'decided')
  return Object.fromEntries(outcome.fates)
}

testOnEngines(
  'of all administrators one stays who can decide: whoever does this, in whatever order',
  async (t, engine) => {
    const { store, block } = await open(t, engine, ['admin-a', 'admin-b', 'admin-c', 'dave'])
    const [a, b, c, dave] = ['admin-a', 'admin-b', 'admin-c', 'dave'].map(accountIdOf)
    assert.ok(a !== undefined && b !== undefined && c !== undefined && dave !== undefined)
    const { sessionId } = await loginWith(store.parts, 'admin-b')
    const actor = administratorOf(await sessionOf(store.parts, sessionId))
    const first = fatesOf(await block({ accountIds: [c, b, dave, a], actor, reason }))
    assert.deepEqual(first, {
      [c]: 'blocked',
      [b]: 'last-administrator',
      [dave]: 'blocked',
      [a]: 'blocked',
    })
    assert.deepEqual(fatesOf(await block({ accountIds: [b], actor, reason })), {
      [b]: 'last-administrator',
    })
    await store.parts.accounts.unblock({ ...decision, accountId: c })
    // Where another one is left he may go himself, and with him his right.
    assert.deepEqual(fatesOf(await block({ accountIds: [b], actor, reason })), { [b]: 'blocked' })
    assert.deepEqual(await block({ accountIds: [c], actor, reason }), { kind: 'superseded' })
    const last = fatesOf(await block({ accountIds: [c, a], actor: commandLine, reason }))
    assert.deepEqual(last, { [c]: 'last-administrator', [a]: 'blocked' })
  },
)

testOnEngines(
  'administrators who block one another at once, all of them, leave one who can decide',
  async (t, engine) => {
    const people = ['admin-a', 'admin-b', 'admin-c', 'admin-d']
    const { store, block } = await open(t, engine, people)
    const accountIds = people.map(accountIdOf)
    const actors = []
    for (const person of people) {
      const { sessionId } = await loginWith(store.parts, person)
      actors.push(administratorOf(await sessionOf(store.parts, sessionId)))
    }
    const outcomes = await Promise.all(
      actors.map((actor, at) =>
        // Each in an order of its own.
        block({ accountIds: [...accountIds.slice(at), ...accountIds.slice(0, at)], actor, reason }),
      ),
    )
    assert.deepEqual(outcomes.map(({ kind }) => kind).toSorted(), [
      'decided',
      ...Array.from({ length: 3 }, () => 'superseded'),
    ])
    const left = await store.query('SELECT id FROM accounts WHERE blocked_at IS NULL')
    assert.equal(left.length, 1)
    assert.deepEqual(
      (await kindsOf(store, 'events')).filter((kind) => kind === 'account-blocked').length,
      3,
    )
  },
)

testOnEngines(
  'a decision about many takes their links along, and is all or nothing',
  async (t, engine) => {
    const { store, block } = await open(t, engine, ['alice', 'bob'])
    const alices = await giveEmail(store, 'alice@mail.example')
    await issueLink(store, alices)
    const bobs = accountIdOf('bob')
    const before = await kindsOf(store, 'events')
    // The place of the second record is taken, so that the last step of all fails.
    await store.database.write('UPDATE revocation_head SET seq = 9000000000000000')
    await store.database.write(
      `INSERT INTO revocations (seq, kind, fingerprint, floor, at) VALUES (9000000000000002, 'all', '0', 0, 0)`,
    )
    await assert.rejects(block({ accountIds: [bobs, alices], actor: commandLine, reason }))
    const blocked = 'SELECT id FROM accounts WHERE blocked_at IS NOT NULL OR login_floor > 0'
    assert.deepEqual(await store.query(blocked), [])
    assert.equal((await store.query('SELECT token_hash FROM account_links')).length, 1)
    assert.deepEqual(await kindsOf(store, 'events'), before)
    await store.database.write('DELETE FROM revocations WHERE seq = 9000000000000002')
    const { kind } = await block({ accountIds: [bobs, alices], actor: commandLine, reason })
    assert.equal(kind, 'decided')
    assert.equal((await store.query(blocked)).length, 2)
    assert.deepEqual(await store.query('SELECT token_hash FROM account_links'), [])
  },
)
