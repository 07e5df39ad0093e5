import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { Chain } from '@portcullis/protocol/revocations'
import { firstChain, nextChain } from '@portcullis/protocol/revocations'
import { Pool } from 'pg'
import type { Query } from '../src/store/database.ts'
import { testOnPostgres } from './engines.ts'
import { openStoreAt } from './opened-store.ts'

/*
 * Why places in the log come from its head and not from an identity column: a follower reads on from the last place
 * that it has seen, so a place must not become visible behind a higher one.
 */

const connections = 50
const each = 6

/** Of the server, so that a commit really comes later than those of others that began after it. */
async function delay(query: Query, msMax: number): Promise<void> {
  await query('SELECT pg_sleep($1::float8)', [(Math.random() * msMax) / 1000])
}

/** Runs the writers, and meanwhile reads as a follower does, until once after the last of them. */
async function followWhile(writers: Promise<unknown>, read: () => Promise<void>): Promise<number> {
  let isOver = false
  let reads = 0
  const ended = writers.finally(() => (isOver = true))
  for (let wasOver = false; !wasOver; reads += 1) {
    wasOver = isOver
    await read()
  }
  await ended
  return reads
}

function atOnce(work: (connection: number) => Promise<void>): Promise<unknown> {
  return Promise.all(
    Array.from({ length: connections }, async (_, connection) => {
      for (let turn = 0; turn < each; turn += 1) await work(connection)
    }),
  )
}

testOnPostgres(
  'fifty connections that revoke at once and commit late: a follower misses nothing, and the chain holds',
  async (t, engine) => {
    const url = await engine.createStore(t)
    // As many nodes as it takes for so many connections.
    const nodes = await Promise.all(Array.from({ length: 4 }, () => openStoreAt(url)))
    t.after(() => Promise.all(nodes.map(({ database }) => database.close())))
    const [{ log: reader }] = nodes as [(typeof nodes)[number]]
    const { epoch } = await reader.head()
    const acknowledged = new Set<number>()
    const writers = atOnce(async (connection) => {
      const { log } = nodes[connection % nodes.length] ?? assert.fail()
      const { seq } = await log.transaction(async (query, revoke) => {
        await delay(query, 30)
        const key = `${connection} ${Math.random()}`
        const position = await revoke({ kind: 'session', key, floor: 0 })
        await delay(query, 4)
        return position
      })
      assert.ok(!acknowledged.has(seq), 'one place twice')
      acknowledged.add(seq)
    })
    let followed: { seq: number; chain: Chain } = { seq: 0, chain: firstChain(epoch) }
    let steps = 0
    const reads = await followWhile(writers, async () => {
      const acknowledgedBefore = [...acknowledged]
      const { head, records } = await reader.since(followed.seq)
      if (records.length > 0) steps += 1
      for (const [index, record] of records.entries()) {
        assert.equal(record.seq, followed.seq + 1 + index)
      }
      followed = { seq: head.seq, chain: records.reduce(nextChain, followed.chain) }
      assert.equal(followed.chain, head.chain)
      for (const seq of acknowledgedBefore) assert.ok(seq <= head.seq, 'acknowledged, and not read')
    })
    t.diagnostic(`${followed.seq} records in ${steps} of ${reads} reads`)
    assert.ok(steps > 20, 'they did not come one after the other')
    assert.equal(followed.seq, connections * each)
    assert.equal(acknowledged.size, connections * each)
  },
)

async function openPool(t: TestContext, url: string): Promise<Pool> {
  const pool = new Pool({ connectionString: url, max: connections + 1 })
  pool.on('error', () => undefined)
  t.after(() => pool.end())
  return pool
}

testOnPostgres(
  'with an identity column a follower of the same fifty misses some for ever',
  async (t, engine) => {
    const pool = await openPool(t, await engine.createStore(t))
    await pool.query(
      'CREATE TABLE naive_log (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, writer integer)',
    )
    const writers = atOnce(async (connection) => {
      const client = await pool.connect()
      const query: Query = async (sql, parameters = []) =>
        (await client.query<Record<string, unknown>>(sql, [...parameters])).rows
      try {
        await query('BEGIN')
        await delay(query, 30)
        await query('INSERT INTO naive_log (writer) VALUES ($1)', [connection])
        await delay(query, 4)
        await query('COMMIT')
      } finally {
        client.release()
      }
    })
    let last = 0
    let seen = 0
    await followWhile(writers, async () => {
      const { rows } = await pool.query<{ id: string }>(
        'SELECT id FROM naive_log WHERE id > $1 ORDER BY id',
        [last],
      )
      seen += rows.length
      last = Number(rows.at(-1)?.id ?? last)
    })
    const { rowCount } = await pool.query('SELECT id FROM naive_log')
    t.diagnostic(`${connections * each - seen} of ${rowCount} rows were never seen`)
    assert.equal(rowCount, connections * each)
    assert.ok(seen < connections * each, 'nothing was lost, so this shows nothing')
  },
)
