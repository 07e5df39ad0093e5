import assert from 'node:assert/strict'
import { createChosenRepeat } from '../../runtime/test/chosen-repeat.ts'
import { appendEvent, appendEvents } from '../src/store/events.ts'
import { auditedDatabase } from '../src/store/audited-database.ts'
import { startAuditUpkeep } from '../src/jobs/audit-upkeep.ts'
import type { AuditedStore } from './audited-store.ts'
import { openAuditedStore } from './audited-store.ts'
import { createChosenClock } from './chosen-clock.ts'
import { testOnEngines } from './engines.ts'
import { insertAccount } from './opened-store.ts'
import { createLogInMemory } from './running-identity.ts'
import { queryStore } from './store-query.ts'

const dayMs = 24 * 3_600_000

function append({ database }: AuditedStore, accountId: string): Promise<void> {
  return database.transaction((query) => appendEvent(query, { kind: 'account-blocked', accountId }))
}

async function seqsOf({ plain }: AuditedStore, chain: string): Promise<readonly unknown[]> {
  const rows = await plain.read('SELECT seq FROM events WHERE chain = $1 ORDER BY seq', [chain])
  return rows.map(({ seq }) => seq)
}

function upTo(count: number, first = 1): readonly number[] {
  return Array.from({ length: count }, (_, index) => first + index)
}

testOnEngines(
  'many transactions of two nodes at once make two chains without gaps',
  async (t, engine) => {
    const url = await engine.createStore(t)
    const stores = [await openAuditedStore(url), await openAuditedStore(url)] as const
    for (const { database } of stores) t.after(database.close)
    await stores[0].plain.write(insertAccount, ['one', 'alice'])
    await stores[0].plain.write(insertAccount, ['head', 'of the log'])
    const each = 60
    // As a revocation does it: an account, the chain, and last a row that all nodes share.
    const jobs = upTo(each).flatMap((index) =>
      stores.map(({ database }) =>
        database.transaction(async (query) => {
          if (index % 3 === 0) await query("SELECT id FROM accounts WHERE id = 'one' FOR UPDATE")
          await appendEvent(query, { kind: 'account-blocked', accountId: `${index}` })
          await appendEvent(query, { kind: 'session-ended', accountId: `${index}` })
          await query("UPDATE accounts SET generation = generation + 1 WHERE id = 'head'")
        }),
      ),
    )
    await Promise.all(jobs)
    for (const { chain } of stores) {
      assert.deepEqual(await seqsOf(stores[0], chain), upTo(2 * each))
    }
    assert.deepEqual(await stores[0].auditLog.verify(), {
      chains: 2,
      records: 4 * each,
      firstBad: undefined,
    })
    const [row] = await stores[0].plain.read("SELECT generation FROM accounts WHERE id = 'head'")
    assert.equal(row?.['generation'], 2 * each)
  },
)

testOnEngines(
  'what is rolled back leaves no gap, and what stays has its record',
  async (t, engine) => {
    const store = await openAuditedStore(await engine.createStore(t))
    t.after(store.database.close)
    await append(store, 'one')
    const broken = store.database.transaction(async (query) => {
      await appendEvent(query, { kind: 'account-blocked', accountId: 'two' })
      await query(insertAccount, ['two', 'bob'])
      throw new TypeError('broken')
    })
    await assert.rejects(broken, /broken/)
    await append(store, 'three')
    assert.deepEqual(await seqsOf(store, store.chain), [1, 2])
    assert.deepEqual(await store.plain.read('SELECT id FROM accounts'), [])
    assert.deepEqual(await store.auditLog.verify(), { chains: 1, records: 2, firstBad: undefined })
    assert.deepEqual(
      store.heads.map(({ seq }) => seq),
      [1, 2],
    )
  },
)

testOnEngines('an event that is one write is chained as well', async (t, engine) => {
  const store = await openAuditedStore(await engine.createStore(t))
  t.after(store.database.close)
  await appendEvent(store.database.write, { kind: 'login-throttled', accountId: 'one' })
  await store.database.exclusive((query) => appendEvent(query, { kind: 'keys-rotated' }))
  assert.deepEqual(await seqsOf(store, store.chain), [1, 2])
  assert.equal((await store.auditLog.verify()).firstBad, undefined)
})

testOnEngines('what was there before is adopted, and says so', async (t, engine) => {
  const url = await engine.createStore(t)
  const first = await openAuditedStore(url)
  t.after(first.database.close)
  for (const id of upTo(600)) {
    await first.plain.write(
      "INSERT INTO events (at, kind, account_id) VALUES (1, 'account-blocked', $1)",
      [`${id}`],
    )
  }
  const [account, ...rest] = [insertAccount, 'stranger', 'bob']
  await first.plain.write(account ?? '', rest)
  await first.plain.write("UPDATE accounts SET unconfirmed = 1 WHERE id = 'stranger'")
  await first.plain.write(
    "INSERT INTO events (at, kind, account_id) VALUES (1, 'account-created', 'stranger')",
  )
  assert.equal((await first.auditLog.verify()).firstBad?.what, 'not-ours')
  assert.equal(await first.adopt(), 600)
  const whole = await first.auditLog.verify()
  assert.deepEqual(whole, { chains: 1, records: 603, firstBad: undefined })
  const { records } = await first.auditLog.list({ kind: 'events-adopted' }, { limit: 10 })
  const details = records.map(({ details: text }) => JSON.parse(text ?? '') as { count: number })
  assert.deepEqual(
    details.map(({ count }) => count),
    [100, 250, 250],
  )
  assert.deepEqual(details.at(-1), { count: 250, ids: ['1-250'] })
  const [adopted] = (await first.auditLog.list({ accountId: '7' }, { limit: 10 })).records
  assert.equal(adopted?.isAdopted, true)
  assert.deepEqual(
    (await first.auditLog.list({ accountId: 'stranger' }, { limit: 10 })).records,
    [],
  )

  const [row] = await queryStore(url, 'SELECT max(id) AS id FROM events')
  assert.equal(await first.adopt(), 0)
  assert.deepEqual(await queryStore(url, 'SELECT max(id) AS id FROM events'), [row])
  await queryStore(url, "UPDATE events SET account_id = '8' WHERE account_id = '7'")
  assert.partialDeepStrictEqual((await first.auditLog.verify()).firstBad, {
    what: 'changed',
    seq: 7,
  })
})

testOnEngines('what is too old is taken away in steps, and the rest holds', async (t, engine) => {
  const clock = createChosenClock()
  const store = await openAuditedStore(await engine.createStore(t), clock.now)
  t.after(store.database.close)
  for (const index of upTo(700)) await append(store, `old ${index}`)
  clock.advanceMs(30 * dayMs)
  assert.deepEqual(await store.auditLog.prune(31 * dayMs), { pruned: 0, broken: [] })
  await append(store, 'new')
  clock.advanceMs(1)
  assert.deepEqual(await store.auditLog.prune(30 * dayMs), { pruned: 500, broken: [] })
  assert.equal((await store.auditLog.verify()).firstBad, undefined)
  assert.deepEqual(await store.auditLog.prune(30 * dayMs), { pruned: 200, broken: [] })
  assert.deepEqual(await seqsOf(store, store.chain), [701])
  const whole = { chains: 1, records: 1, firstBad: undefined }
  assert.deepEqual(await store.auditLog.verify(), whole)
  await append(store, 'newer')
  const { chain, heads } = store
  const [early, latest] = [heads[3], heads.at(-1)]
  assert.ok(early !== undefined && latest !== undefined)
  const anchors = [early, latest].map(({ seq, mac }) => ({ chain, seq, mac }))
  assert.deepEqual(await store.auditLog.verify(anchors), { ...whole, records: 2 })
})

testOnEngines('what does not hold is kept, and said aloud', async (t, engine) => {
  const clock = createChosenClock()
  const url = await engine.createStore(t)
  const store = await openAuditedStore(url, clock.now)
  t.after(store.database.close)
  for (const index of upTo(5)) await append(store, `old ${index}`)
  await queryStore(url, "UPDATE events SET account_id = 'another' WHERE seq = 3")
  clock.advanceMs(40 * dayMs)
  const { log, logged } = createLogInMemory()
  const { repeat, step } = createChosenRepeat()
  const stop = startAuditUpkeep(store.auditLog, 30, log, repeat)
  await step()
  await stop()
  assert.match(logged(), /"broken":\["[\w-]{22}"\].*run audit verify/)
  assert.deepEqual(await seqsOf(store, store.chain), upTo(5))
  assert.partialDeepStrictEqual((await store.auditLog.verify()).firstBad, {
    what: 'changed',
    seq: 3,
  })
})

testOnEngines(
  'a list goes on where its page ended, whatever is written meanwhile',
  async (t, engine) => {
    const clock = createChosenClock()
    const store = await openAuditedStore(await engine.createStore(t), clock.now)
    t.after(store.database.close)
    for (const index of upTo(7)) {
      clock.advanceMs(1000)
      await append(store, `${index}`)
    }
    const seen: unknown[] = []
    let after: number | undefined
    do {
      const page = await store.auditLog.list({}, { limit: 3, after })
      seen.push(...page.records.map(({ accountId }) => accountId))
      after = page.next
      await append(store, 'meanwhile')
    } while (after !== undefined)
    assert.deepEqual(seen, ['7', '6', '5', '4', '3', '2', '1'])
    const from = clock.now() - 3000
    const between = await store.auditLog.list({ from, to: clock.now() - 1000 }, { limit: 10 })
    assert.deepEqual(
      between.records.map(({ accountId }) => accountId),
      ['5', '4'],
    )
    const none = await store.auditLog.list({ actor: 'nobody' }, { limit: 10 })
    assert.deepEqual(none, { records: [], next: undefined })
  },
)

testOnEngines(
  'events about a thousand accounts are chained in their order, by a few statements',
  async (t, engine) => {
    const { plain, auditLog, chain, key } = await openAuditedStore(await engine.createStore(t))
    t.after(plain.close)
    const accounts = upTo(1000).map((index) => `${index}`)
    let statements = 0
    const counting: typeof plain.transaction = (steps) =>
      plain.transaction((query) =>
        steps(async (sql, parameters) => {
          statements += 1
          return query(sql, parameters)
        }),
      )
    const own = { chain, key, onHead: () => undefined, known: () => undefined }
    const audited = auditedDatabase({ ...plain, transaction: counting }, own)
    await audited.transaction(async (query) => {
      await appendEvent(query, { kind: 'session-ended', accountId: 'before' })
      await appendEvents(query, [])
      await appendEvents(
        query,
        accounts.map((accountId) => ({ kind: 'account-blocked', accountId, reason: 'ein ü' })),
      )
      await appendEvent(query, { kind: 'session-ended', accountId: 'behind' })
    })
    assert.ok(statements < 20, `${statements} statements`)
    const rows = await plain.read('SELECT seq, account_id, at FROM events ORDER BY seq')
    assert.deepEqual(
      rows.map((row) => [row['seq'], row['account_id']]),
      ['before', ...accounts, 'behind'].map((accountId, index) => [index + 1, accountId]),
    )
    assert.deepEqual(new Set(rows.map((row) => row['at'])).size, 1)
    assert.equal((await auditLog.verify()).firstBad, undefined)
    await plain.write("UPDATE events SET reason = 'another' WHERE seq = 500")
    assert.deepEqual(await auditLog.verify().then(({ firstBad }) => firstBad?.seq), 500)
  },
)

testOnEngines(
  'many events that a command writes without a chain wait to be adopted',
  async (t, engine) => {
    const { plain, adopt, auditLog } = await openAuditedStore(await engine.createStore(t))
    t.after(plain.close)
    const events = upTo(3).map((index) => ({ kind: 'key-withdrawn', kid: `${index}` }) as const)
    await plain.transaction((query) => appendEvents(query, events))
    assert.deepEqual((await auditLog.verify()).firstBad?.what, 'not-ours')
    assert.equal(await adopt(), 3)
    assert.equal((await auditLog.verify()).firstBad, undefined)
    const { records } = await auditLog.list({ kind: 'key-withdrawn' }, { limit: 10 })
    assert.deepEqual(
      records.map(({ kid }) => kid),
      ['3', '2', '1'],
    )
  },
)
