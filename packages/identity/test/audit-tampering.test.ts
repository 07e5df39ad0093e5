import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { TestContext } from 'node:test'
import {
  assert as assertProperty,
  asyncProperty,
  boolean,
  constantFrom,
  integer,
  record,
} from 'fast-check'
import type { AuditFault, AuditVerdict } from '../src/domain/audit.ts'
import { createSealer } from '../src/domain/sealing.ts'
import { createAuditLog } from '../src/store/audit-log.ts'
import { appendEvent, appendEvents } from '../src/store/events.ts'
import type { AuditedStore } from './audited-store.ts'
import { auditSealer, openAuditedStore } from './audited-store.ts'
import type { Engine } from './engines.ts'
import { testOnEngines } from './engines.ts'
import { queryStore } from './store-query.ts'

const recordsEach = 8

interface TwoChains {
  readonly url: string
  readonly first: AuditedStore
  readonly second: AuditedStore
}

/** Two nodes that have written in turns, every column of every record filled. */
async function openTwoChains(t: TestContext, engine: Engine): Promise<TwoChains> {
  const url = await engine.createStore(t)
  const first = await openAuditedStore(url)
  const second = await openAuditedStore(url)
  t.after(first.database.close)
  t.after(second.database.close)
  for (let index = 0; index < recordsEach; index += 1) {
    for (const { database } of [first, second]) {
      await database.transaction((query) =>
        appendEvent(query, {
          kind: 'account-blocked',
          accountId: `account ${index}`,
          sessionId: `session ${index}`,
          clientId: `client ${index}`,
          actor: `actor ${index}`,
          reason: `“${index}” \ud83d\udc4d \ud800`,
          network: '192.0.2.1',
          details: { index },
        }),
      )
    }
  }
  return { url, first, second }
}

class Undone extends Error {}

/** What the store says of itself after these statements, all of which are undone then. */
async function whatIsSaid(
  { first: { plain, key } }: TwoChains,
  ...statements: readonly string[]
): Promise<AuditVerdict> {
  let verdict: AuditVerdict | undefined
  const undone = plain.transaction(async (query) => {
    for (const statement of statements) await query(statement)
    const parts = { key, sealer: auditSealer, ownAnchor: () => undefined }
    // What is not committed is looked for in the rows alone; hidden-records.test.ts is about the tables.
    const inside = { ...plain, read: query, tableFault: async () => undefined }
    verdict = await createAuditLog(inside, parts).verify()
    throw new Undone()
  })
  await assert.rejects(undone, Undone)
  assert.ok(verdict !== undefined)
  return verdict
}

function faultOf({ firstBad }: AuditVerdict): AuditFault | undefined {
  return firstBad
}

testOnEngines('what nobody has touched holds, and is counted', async (t, engine) => {
  const stores = await openTwoChains(t, engine)
  const whole = { chains: 2, records: 2 * recordsEach, firstBad: undefined }
  assert.deepEqual(await stores.first.auditLog.verify(), whole)
  assert.deepEqual(await whatIsSaid(stores, 'UPDATE events SET at = at'), whole)
  assert.deepEqual(await stores.second.auditLog.verify(), whole)
})

const columns: readonly (readonly [name: string, value: string])[] = [
  ['at', 'at + 1'],
  ['kind', "'account-unblocked'"],
  ['account_id', "'another'"],
  ['account_id', 'NULL'],
  ['session_id', "'another'"],
  ['client_id', "'another'"],
  ['actor', "'another'"],
  ['actor', 'NULL'],
  ['reason', "'because'"],
  ['network', "'192.0.2.2'"],
  ['details', "'{}'"],
  ['kid', "'another'"],
  ['adopted', '1'],
  ['mac', "'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'"],
  ['mac', 'NULL'],
]

testOnEngines(
  'a changed column of a record is found, in the first one that is',
  async (t, engine) => {
    const stores = await openTwoChains(t, engine)
    const { chain } = stores.second
    const rows = await stores.first.plain.read('SELECT * FROM events LIMIT 1')
    const known = new Set([...columns.map(([name]) => name), 'id', 'chain', 'seq'])
    assert.deepEqual(Object.keys(rows[0] ?? {}).toSorted(), [...known].toSorted())
    for (const [name, value] of columns) {
      for (const seq of [1, 4, recordsEach]) {
        const verdict = await whatIsSaid(
          stores,
          `UPDATE events SET ${name} = ${value} WHERE chain = '${chain}' AND seq >= ${seq}`,
        )
        const { what, ...where } = faultOf(verdict) ?? {}
        assert.equal(what, 'changed', `${name} of ${seq}`)
        assert.partialDeepStrictEqual(where, { chain, seq }, name)
      }
    }
  },
)

testOnEngines(
  'records that are taken away are found, with the place of the first',
  async (t, engine) => {
    const stores = await openTwoChains(t, engine)
    const { chain } = stores.first
    for (const seq of [1, 4, recordsEach]) {
      const one = `DELETE FROM events WHERE chain = '${chain}' AND seq = ${seq}`
      assert.deepEqual(faultOf(await whatIsSaid(stores, one)), { what: 'missing', chain, seq })
      const rest = `DELETE FROM events WHERE chain = '${chain}' AND seq >= ${seq}`
      assert.deepEqual(faultOf(await whatIsSaid(stores, rest)), { what: 'missing', chain, seq })
    }
  },
)

testOnEngines('records that change places are found as such', async (t, engine) => {
  const stores = await openTwoChains(t, engine)
  const { chain } = stores.first
  const at = (seq: number): string => `WHERE chain = '${chain}' AND seq = ${seq}`
  const swapped = await whatIsSaid(
    stores,
    `UPDATE events SET seq = 99 ${at(3)}`,
    `UPDATE events SET seq = 3 ${at(5)}`,
    `UPDATE events SET seq = 5 ${at(99)}`,
  )
  assert.partialDeepStrictEqual(faultOf(swapped), { what: 'out-of-order', chain, seq: 3 })
  const renumbered = await whatIsSaid(
    stores,
    `DELETE FROM events ${at(3)}`,
    ...[4, 5, 6, 7, 8].map((seq) => `UPDATE events SET seq = ${seq - 1} ${at(seq)}`),
  )
  assert.partialDeepStrictEqual(faultOf(renumbered), { what: 'changed', chain, seq: 3 })
  const [last] = await stores.first.plain.read('SELECT max(id) AS id FROM events')
  for (const seq of [2, recordsEach]) {
    const id = Number(last?.['id']) + 1
    const moved = await whatIsSaid(stores, ...moveRow(engine, id, at(seq)))
    assert.ok(faultOf(moved) !== undefined, `another id of ${seq} was not found`)
  }
})

/** The ids of PostgreSQL cannot be changed, but a row can be written again with another one. */
function moveRow({ name }: Engine, id: number, where: string): readonly string[] {
  if (name === 'SQLite') return [`UPDATE events SET id = ${id} ${where}`]
  const others =
    'at, kind, account_id, session_id, client_id, actor, reason, network, details, chain, seq, mac, adopted'
  return [
    `CREATE TABLE moved AS SELECT * FROM events ${where}`,
    `DELETE FROM events ${where}`,
    `INSERT INTO events (id, ${others}) OVERRIDING SYSTEM VALUE SELECT ${id}, ${others} FROM moved`,
    'DROP TABLE moved',
  ]
}

function insertRow(place: string): string {
  return `INSERT INTO events (at, kind, chain, seq, mac) VALUES (1, 'account-unblocked', ${place})`
}

testOnEngines(
  'a row that no node has written is found, whatever it says of itself',
  async (t, engine) => {
    const stores = await openTwoChains(t, engine)
    const { chain } = stores.first
    const mac = `'${'A'.repeat(43)}'`
    for (const place of [
      'NULL, NULL, NULL',
      `NULL, 1, ${mac}`,
      `'${chain}', NULL, ${mac}`,
      `'${chain}', 0, ${mac}`,
      `'${chain}', ${recordsEach + 1}, ${mac}`,
      `'unknown', 1, ${mac}`,
      `'', 1, ${mac}`,
    ]) {
      assert.equal(faultOf(await whatIsSaid(stores, insertRow(place)))?.what, 'not-ours', place)
    }
  },
)

testOnEngines(
  'a second record in the place of one is found, wherever it stands',
  async (t, engine) => {
    const url = await engine.createStore(t)
    const only = await openAuditedStore(url)
    t.after(only.database.close)
    const events = Array.from({ length: 1100 }, (_, at) => ({
      kind: 'account-blocked' as const,
      accountId: `account ${at}`,
    }))
    await only.database.transaction((query) => appendEvents(query, events))
    const stores = { url, first: only, second: only }
    assert.equal(faultOf(await whatIsSaid(stores)), undefined)
    // Among them the last and the first of those that are read together.
    for (const seq of [1, 499, 500, 501, 1000, 1001, 1100]) {
      const verdict = await whatIsSaid(
        stores,
        'DROP INDEX events_in_chain',
        insertRow(`'${only.chain}', ${seq}, '${'A'.repeat(43)}'`),
      )
      assert.equal(faultOf(verdict)?.what, 'not-ours', `beside ${seq}`)
    }
  },
)

testOnEngines(
  'an end that is put back is found, with the records behind it or without',
  async (t, engine) => {
    const stores = await openTwoChains(t, engine)
    const { chain } = stores.second
    const [fifth] = await stores.first.plain.read(
      `SELECT id, mac FROM events WHERE chain = '${chain}' AND seq = 5`,
    )
    const head = `seq = 5, mac = '${String(fifth?.['mac'])}', last_id = ${Number(fifth?.['id'])}`
    const lower = `UPDATE audit_chains SET ${head} WHERE chain = '${chain}'`
    const tail = `DELETE FROM events WHERE chain = '${chain}' AND seq > 5`
    assert.deepEqual(faultOf(await whatIsSaid(stores, lower, tail)), {
      what: 'head',
      chain,
      seq: 5,
    })
    assert.deepEqual(faultOf(await whatIsSaid(stores, lower)), { what: 'head', chain, seq: 5 })
    // As retention would do it, by somebody who lacks the key.
    const begin = `pruned_seq = 5, pruned_mac = '${String(fifth?.['mac'])}', pruned_id = ${Number(fifth?.['id'])}`
    const pruned = await whatIsSaid(
      stores,
      `UPDATE audit_chains SET ${begin} WHERE chain = '${chain}'`,
      `DELETE FROM events WHERE chain = '${chain}' AND seq <= 5`,
    )
    assert.deepEqual(faultOf(pruned), { what: 'head', chain, seq: recordsEach })
    for (const [column, value] of [
      ['seq', '0'],
      ['mac', "'x'"],
      ['last_id', '0'],
      ['pruned_seq', '1'],
      ['pruned_mac', "'x'"],
      ['pruned_id', '7'],
      ['seal', "'x'"],
      ['chain', "'x'"],
      ['number', '9'],
      ['opened_at', '9'],
      ['opening_mac', "'x'"],
    ]) {
      const changed = `UPDATE audit_chains SET ${column} = ${value} WHERE chain = '${chain}'`
      const fault = faultOf(await whatIsSaid(stores, changed))
      assert.ok(fault !== undefined, `a changed ${column} was not found`)
    }
  },
)

testOnEngines('a whole chain that is gone is found, and one too many', async (t, engine) => {
  const stores = await openTwoChains(t, engine)
  for (const { chain } of [stores.first, stores.second]) {
    const gone = [
      `DELETE FROM events WHERE chain = '${chain}'`,
      `DELETE FROM audit_chains WHERE chain = '${chain}'`,
    ]
    assert.equal(faultOf(await whatIsSaid(stores, ...gone))?.what, 'roster')
    const counted = 'UPDATE audit_roster SET chains = 1'
    assert.equal(faultOf(await whatIsSaid(stores, ...gone, counted))?.what, 'roster')
    const noRoster = 'DELETE FROM audit_roster'
    assert.equal(faultOf(await whatIsSaid(stores, ...gone, noRoster))?.what, 'roster')
  }
  const forged = `INSERT INTO audit_chains SELECT number + 1, 'forged', opened_at, opening_mac, seq, mac,
    last_id, pruned_seq, pruned_mac, pruned_id, seal FROM audit_chains WHERE number = 2`
  assert.equal(faultOf(await whatIsSaid(stores, forged))?.what, 'roster')
})

testOnEngines('another key in the place of the sealed one is found', async (t, engine) => {
  const stores = await openTwoChains(t, engine)
  const sealed = createSealer(randomBytes(32), randomBytes).seal('another', 'audit-key')
  const replaced = await whatIsSaid(stores, `UPDATE sealed_secrets SET sealed = '${sealed}'`)
  // Whether a node has rolled the sealing key or somebody has taken the key away: nothing can be said yet.
  assert.deepEqual(faultOf(replaced), { what: 'sealing-key' })
  for (const one of [auditSealer.seal('another', 'audit-key'), 'v0.no seal']) {
    const other = await whatIsSaid(stores, `UPDATE sealed_secrets SET sealed = '${one}'`)
    assert.deepEqual(faultOf(other), { what: 'key' })
  }
  assert.deepEqual(faultOf(await whatIsSaid(stores, 'DELETE FROM sealed_secrets')), { what: 'key' })
})

testOnEngines('the next start of a node makes nothing whole that was not', async (t, engine) => {
  const stores = await openTwoChains(t, engine)
  const { url, second } = stores
  await queryStore(url, `DELETE FROM events WHERE chain = '${second.chain}'`)
  await queryStore(url, `DELETE FROM audit_chains WHERE chain = '${second.chain}'`)
  const [kept] = await stores.first.plain.read('SELECT opening_mac FROM audit_chains')
  await queryStore(
    url,
    `UPDATE audit_roster SET chains = 1, mac = '${String(kept?.['opening_mac'])}'`,
  )
  const third = await openAuditedStore(url)
  t.after(third.database.close)
  await third.adopt()
  assert.equal((await third.auditLog.verify()).firstBad?.what, 'roster')
})

testOnEngines('a node that goes on makes nothing whole that was not', async (t, engine) => {
  for (const how of ['with an end of their own', 'with one that was sealed']) {
    const { url, first } = await openTwoChains(t, engine)
    const { chain, database, auditLog } = first
    const append = (): Promise<void> =>
      database.transaction((query) => appendEvent(query, { kind: 'account-blocked' }))
    const where = `WHERE chain = '${chain}'`
    await queryStore(
      url,
      `CREATE TABLE kept AS SELECT seq, mac, last_id, seal FROM audit_chains ${where}`,
    )
    await append()
    await append()
    await queryStore(url, `DELETE FROM events ${where} AND seq > ${recordsEach}`)
    const seal = how === 'with one that was sealed' ? ', seal = (SELECT seal FROM kept)' : ''
    const back = ['seq', 'mac', 'last_id'].map((name) => `${name} = (SELECT ${name} FROM kept)`)
    await queryStore(url, `UPDATE audit_chains SET ${back.join(', ')}${seal} ${where}`)
    for (let count = 1; count <= 4; count += 1) {
      await append()
      const seq = recordsEach + count
      assert.deepEqual((await auditLog.verify()).firstBad, { what: 'head', chain, seq }, how)
    }
  }
})

testOnEngines(
  'what was put back to an older state is found by what was noted elsewhere',
  async (t, engine) => {
    const stores = await openTwoChains(t, engine)
    const { first } = stores
    const { chain, heads } = first
    const [noted, latest] = [heads.at(2), heads.at(-1)]
    assert.ok(noted !== undefined && latest !== undefined)
    const anchors = [noted, latest].map(({ seq, mac }) => ({ chain, seq, mac }))
    assert.equal((await first.auditLog.verify(anchors)).firstBad, undefined)
    const [row] = anchors
    const forged = { chain, seq: 4, mac: row?.mac ?? '' }
    assert.deepEqual((await first.auditLog.verify([forged])).firstBad, {
      what: 'anchor',
      chain,
      seq: 4,
    })
    const later = { ...forged, seq: recordsEach + 1 }
    assert.equal((await first.auditLog.verify([later])).firstBad?.what, 'anchor')
    const elsewhere = { ...forged, chain: 'A'.repeat(22) }
    assert.equal((await first.auditLog.verify([elsewhere])).firstBad?.what, 'anchor')
  },
)

testOnEngines('whatever is done to one row at random is found', async (t, engine) => {
  const stores = await openTwoChains(t, engine)
  const place = record({
    seq: integer({ min: 1, max: recordsEach }),
    isFirst: boolean(),
    other: integer({ min: 1, max: recordsEach }),
    how: constantFrom('delete', 'copy', 'at', 'reason', 'kind', 'swap-chain'),
    by: integer({ min: 1, max: 1_000_000 }),
  })
  await assertProperty(
    asyncProperty(place, async ({ seq, isFirst, other, how, by }) => {
      const { chain } = isFirst ? stores.first : stores.second
      const where = `WHERE chain = '${chain}' AND seq = ${seq}`
      const statements = {
        delete: `DELETE FROM events ${where}`,
        copy: `UPDATE events SET mac = (SELECT mac FROM events AS one WHERE one.chain = '${chain}' AND one.seq = ${
          other === seq ? (seq % recordsEach) + 1 : other
        }) ${where}`,
        at: `UPDATE events SET at = at - ${by} ${where}`,
        reason: `UPDATE events SET reason = reason || '${by}' ${where}`,
        kind: `UPDATE events SET kind = kind || '${by}' ${where}`,
        'swap-chain': `UPDATE events SET chain = 'chain ${by}' ${where}`,
      }
      const fault = faultOf(await whatIsSaid(stores, statements[how]))
      assert.partialDeepStrictEqual(fault, { chain, seq }, how)
    }),
    { numRuns: 25 },
  )
})
