import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { Anomaly } from '../src/domain/anomalies/anomalies.ts'
import { rules } from '../src/domain/anomalies/rules.ts'
import type { Turn, TurnParts } from '../src/domain/anomalies/turns.ts'
import { takeTurn } from '../src/domain/anomalies/turns.ts'
import type { At, Looked, Sighting } from '../src/domain/anomalies/sightings.ts'
import { createAnomalyActions } from '../src/store/anomaly-actions.ts'
import { createAnomalyStore } from '../src/store/anomalies.ts'
import { createAnomalyTurns, manyOthers } from '../src/store/anomaly-turns.ts'
import type { Database } from '../src/store/database.ts'
import { appendEvent } from '../src/store/events.ts'
import type { RevokingTransaction } from '../src/store/revocations.ts'
import { createSightingWriter } from '../src/store/sightings.ts'
import { defaultBounds, hourMs, minuteMs } from './anomaly-world.ts'
import { openAuditedStore } from './audited-store.ts'
import type { ChosenClock } from './chosen-clock.ts'
import { createChosenClock } from './chosen-clock.ts'
import type { Engine } from './engines.ts'
import { testOnEngines } from './engines.ts'

interface Node {
  readonly database: Database
  readonly turn: () => Promise<Turn>
  readonly write: (sightings: readonly At<Sighting>[]) => Promise<string>
  readonly list: () => Promise<readonly Anomaly[]>
  readonly chain: string
}

async function startNode(
  t: TestContext,
  url: string,
  clock: ChosenClock,
  look: () => Promise<readonly Looked[]> = async () => [],
): Promise<Node> {
  const { database, chain } = await openAuditedStore(url, clock.now)
  t.after(database.close)
  const judging = { bounds: defaultBounds, placeOf: () => undefined }
  const parts: TurnParts = { turns: createAnomalyTurns(database), look, judging }
  const { list } = createAnomalyStore(database)
  return {
    database,
    chain,
    turn: () => takeTurn(parts),
    write: createSightingWriter(database).write,
    list: async () => (await list({}, { limit: 1000 })).anomalies,
  }
}

async function startNodes(t: TestContext, engine: Engine): Promise<World> {
  const clock = createChosenClock()
  const url = await engine.createStore(t)
  const [one, other] = [await startNode(t, url, clock), await startNode(t, url, clock)]
  return { clock, url, one, other }
}

interface World {
  readonly clock: ChosenClock
  readonly url: string
  readonly one: Node
  readonly other: Node
}

const network = '203.0.113.0/24'

function wrongPasswords(clock: ChosenClock, from: number, until: number): readonly At<Sighting>[] {
  return Array.from({ length: until - from }, (_, number) => ({
    kind: 'wrong-password',
    network,
    target: `account-${from + number}`,
    accountId: undefined,
    times: 1,
    at: clock.now(),
  }))
}

function rulesOf(anomalies: readonly Anomaly[]): readonly string[] {
  return anomalies.map(({ rule, subject }) => `${rule} ${subject}`)
}

testOnEngines(
  'of nodes that judge at once one tells of an anomaly, and counts it once',
  async (t, engine) => {
    const { clock, one, other } = await startNodes(t, engine)
    for (let round = 0; round < 10; round += 1) {
      await one.write(wrongPasswords(clock, round * 10, round * 10 + 10))
      await other.write(wrongPasswords(clock, 500 + round * 10, 510 + round * 10))
    }
    const turns = await Promise.all(
      Array.from({ length: 12 }, (_, number) => (number % 2 === 0 ? one : other).turn()),
    )
    while ((await one.turn()).isMore) continue
    const opened = turns.flatMap((turn) => turn.opened)
    assert.deepEqual(rulesOf(opened), [`credential-stuffing ${network}`])
    const [anomaly, ...more] = await other.list()
    assert.deepEqual(more, [])
    // The first nineteen were not enough.
    assert.equal(anomaly?.count, 200 - 19)
    const left = await one.database.read('SELECT id FROM sightings')
    assert.equal(left.length, 0)
  },
)

testOnEngines(
  'a node that is stopped in the middle of an attack forgets nothing of it',
  async (t, engine) => {
    const { clock, url, one } = await startNodes(t, engine)
    await one.write(wrongPasswords(clock, 0, 12))
    assert.deepEqual((await one.turn()).opened, [])
    await one.write(wrongPasswords(clock, 12, 24))
    await one.database.close()
    const next = await startNode(t, url, clock)
    const { opened } = await next.turn()
    assert.deepEqual(rulesOf(opened), [`credential-stuffing ${network}`])
    assert.deepEqual(opened[0]?.evidence, {
      networks: [network],
      counts: { accounts: 24, wrong_passwords: 24, logins: 0 },
    })
  },
)

testOnEngines(
  'what goes on is one anomaly, and what comes back later is another',
  async (t, engine) => {
    const { clock, one } = await startNodes(t, engine)
    const theft = (): Promise<void> =>
      one.database.transaction((query) =>
        appendEvent(query, { kind: 'refresh-reuse', accountId: 'alice', sessionId: 'stolen' }),
      )
    await theft()
    assert.deepEqual(rulesOf((await one.turn()).opened), ['refresh-reuse alice'])
    clock.advanceMs((rules['refresh-reuse'].sameMinutes - 1) * minuteMs)
    await theft()
    assert.deepEqual((await one.turn()).opened, [])
    clock.advanceMs(rules['refresh-reuse'].sameMinutes * minuteMs)
    await theft()
    assert.equal((await one.turn()).opened.length, 1)
    const [later, first] = await one.list()
    assert.deepEqual([later?.count, first?.count], [1, 2])
    assert.equal(first?.evidence.records?.length, 2)
    assert.match(first.evidence.records[0] ?? '', /^[\w-]{22}:\d+$/)
  },
)

testOnEngines(
  'tokens that a service refuses are one anomaly for each reason, and those go on apart',
  async (t, engine) => {
    const { clock, one } = await startNodes(t, engine)
    const refuse = async (reason: 'bad-signature' | 'unknown-key'): Promise<readonly string[]> => {
      await one.write([refusal(reason, clock.now())])
      const { opened } = await one.turn()
      clock.advanceMs(minuteMs)
      return opened.map(({ subject, evidence }) => `${subject} ${evidence.reason}`)
    }
    // What is reported once is not believed.
    const tried = ['bad-signature', 'unknown-key'] as const
    for (const reason of [...tried, ...tried]) assert.deepEqual(await refuse(reason), [])
    assert.deepEqual(await refuse('bad-signature'), ['orders bad-signature'])
    assert.deepEqual(await refuse('unknown-key'), ['orders unknown-key'])
    assert.deepEqual(await refuse('bad-signature'), [])
    assert.deepEqual(await refuse('unknown-key'), [])
    const counts = (await one.list()).map(({ evidence, count }) => [evidence.reason, count])
    assert.deepEqual(counts, [
      ['unknown-key', 2],
      ['bad-signature', 2],
    ])
    // Of both at once each is told by itself.
    clock.advanceMs(2 * hourMs)
    const both = tried.flatMap((reason) =>
      reportedAt(clock.now()).map((at) => ({ ...refusal(reason, at), times: 4000 })),
    )
    await one.write(both)
    const { database } = one
    const judging = { bounds: defaultBounds, placeOf: () => undefined }
    const turns = createAnomalyTurns(database, () => ['alert'])
    assert.equal((await takeTurn({ turns, look: async () => [], judging })).opened.length, 2)
    const alone: RevokingTransaction = (steps) =>
      database.transaction((query) => steps(query, () => assert.fail('nothing is revoked')))
    await createAnomalyActions(database, alone, 10).actOnWaiting()
    const told = await database.read(
      "SELECT details FROM events WHERE kind = 'anomaly-told' ORDER BY id",
    )
    const reasons = told.map(({ details }) => (JSON.parse(String(details)) as Told).reason)
    assert.deepEqual(reasons, ['bad-signature', 'unknown-key'])
  },
)

interface Told {
  readonly reason: string
}

function refusal(reason: 'bad-signature' | 'unknown-key', at: number): At<Sighting> {
  return { kind: 'tokens-refused', clientId: 'orders', reason, times: 300, at }
}

/** Reports that go on for long enough to be believed, until then. */
function reportedAt(at: number): readonly number[] {
  return [at - 4 * minuteMs, at - 2 * minuteMs, at]
}

function write({ database }: Node, count: number, from: string): Promise<void> {
  return database.transaction(async (query) => {
    for (let number = 0; number < count; number += 1) {
      await appendEvent(query, { kind: 'refresh-reuse', accountId: `${from}-${number}` })
      await appendEvent(query, { kind: 'session-ended', accountId: `${from}-${number}` })
    }
  })
}

testOnEngines(
  'what is recorded while a turn reads is judged by a later one, however much it is',
  async (t, engine) => {
    const clock = createChosenClock()
    const { database } = await openAuditedStore(await engine.createStore(t), clock.now)
    t.after(database.close)
    const record = (count: number, from: string): Promise<void> =>
      database.transaction(async (query) => {
        for (let number = 0; number < count; number += 1) {
          await appendEvent(query, { kind: 'refresh-reuse', accountId: `${from}-${number}` })
        }
      })
    await record(3, 'before')
    let isInterrupted = false
    const interrupted: Database = {
      ...database,
      read: async (sql, parameters) => {
        const rows = await database.read(sql, parameters)
        if (!isInterrupted && sql.startsWith('SELECT audit_chains.chain')) {
          isInterrupted = true
          await record(250, 'between')
        }
        return rows
      },
    }
    const judging = { bounds: defaultBounds, placeOf: () => undefined }
    const turns = createAnomalyTurns(interrupted)
    for (let turn = 0; turn < 5; turn += 1) await takeTurn({ turns, look: async () => [], judging })
    assert.ok(isInterrupted)
    const { anomalies } = await createAnomalyStore(database).list({}, { limit: 1000 })
    assert.equal(
      anomalies.reduce((sum, { count }) => sum + count, 0),
      253,
    )
  },
)

testOnEngines(
  'records of every chain are judged once, however many there are',
  async (t, engine) => {
    const { one, other } = await startNodes(t, engine)
    // More than one turn reads.
    await write(one, 130, 'one')
    await write(other, 130, 'other')
    const opened: Anomaly[] = []
    for (;;) {
      const turn = await one.turn()
      opened.push(...turn.opened)
      if (!turn.isMore) break
    }
    // Beyond two hundred within an hour they are told together.
    assert.equal(opened.length, 201)
    assert.equal(opened.at(-1)?.subject, manyOthers)
    const counted = (await other.list()).reduce((sum, { count }) => sum + count, 0)
    assert.equal(counted, 260)
    await write(other, 1, 'late')
    assert.deepEqual((await other.turn()).opened, [])
    const others = (await one.list()).find(({ subject }) => subject === manyOthers)
    assert.equal(others?.count, 61)
  },
)

testOnEngines(
  'what is beyond the bound of a rule is written once in a turn, and does not grow',
  async (t, engine) => {
    const { clock, one } = await startNodes(t, engine)
    const refuse = async (from: number): Promise<void> => {
      for (let row = 0; row < 5; row += 1) {
        const refused = Array.from({ length: 70 }, (_, number) => {
          const clientId = `client-${from + row * 70 + number}`
          return reportedAt(clock.now()).map((at) => ({
            ...refusal('bad-signature', at),
            clientId,
          }))
        })
        await one.write(refused.flat())
      }
    }
    await refuse(0)
    await one.turn()
    let written = 0
    const { database } = one
    const counting: Database = {
      ...database,
      transaction: (steps) =>
        database.transaction((query) =>
          steps((sql, parameters) => {
            if (sql.startsWith('UPDATE anomalies')) written += 1
            return query(sql, parameters)
          }),
        ),
    }
    await refuse(5000)
    const turns = createAnomalyTurns(counting)
    const judging = { bounds: defaultBounds, placeOf: () => undefined }
    await takeTurn({ turns, look: async () => [], judging })
    assert.equal(written, 1)
    const anomalies = await one.list()
    assert.equal(anomalies.length, 201)
    const others = anomalies.find(({ subject }) => subject === manyOthers)
    assert.equal(others?.count, 500)
    assert.deepEqual(others.evidence, {})
  },
)

testOnEngines(
  'evidence that an earlier release let grow without bound is told in part',
  async (t, engine) => {
    const { one } = await startNodes(t, engine)
    const counts = Object.fromEntries(Array.from({ length: 9000 }, (_, name) => [`r${name}`, 1000]))
    await one.database.write(
      `INSERT INTO anomalies (rule, severity, about, subject, evidence, first_at, last_at, times)
       VALUES ('refused-tokens', 'warning', 'client', 'others', $1, 1, 2, 1) RETURNING id`,
      [JSON.stringify({ counts })],
    )
    const [anomaly] = await one.list()
    assert.equal(Object.keys(anomaly?.evidence.counts ?? {}).length, 16)
  },
)

testOnEngines('keys and followers are looked at by one node, twice a minute', async (t, engine) => {
  const clock = createChosenClock()
  const url = await engine.createStore(t)
  let looks = 0
  const look = async (): Promise<readonly Looked[]> => {
    looks += 1
    return [{ kind: 'key-overdue', kid: 'old', overdueMs: 25 * hourMs }]
  }
  const one = await startNode(t, url, clock, look)
  const other = await startNode(t, url, clock, look)
  assert.deepEqual(rulesOf((await one.turn()).opened), ['key-overdue old'])
  for (const node of [one, other]) assert.deepEqual((await node.turn()).opened, [])
  assert.equal(looks, 1)
  clock.advanceMs(30_000)
  for (const node of [one, other]) assert.deepEqual((await node.turn()).opened, [])
  assert.equal(looks, 2)
})

testOnEngines(
  'what is over is taken away: states at their end, anomalies with the records',
  async (t, engine) => {
    const { clock, one } = await startNodes(t, engine)
    const { forget } = createAnomalyTurns(one.database)
    await one.write(wrongPasswords(clock, 0, 30))
    await one.turn()
    const rowsIn = async (table: string): Promise<number> =>
      (await one.database.read(`SELECT * FROM ${table}`)).length
    assert.equal(await forget(24 * hourMs), false)
    assert.deepEqual([await rowsIn('anomaly_states'), await rowsIn('anomalies')], [1, 1])
    clock.advanceMs(3 * hourMs)
    await forget(24 * hourMs)
    assert.deepEqual([await rowsIn('anomaly_states'), await rowsIn('anomalies')], [0, 1])
    clock.advanceMs(22 * hourMs)
    await forget(24 * hourMs)
    assert.equal(await rowsIn('anomalies'), 0)
  },
)

testOnEngines('where nobody judges, what is seen takes a bounded room', async (t, engine) => {
  const { clock, one } = await startNodes(t, engine)
  for (let row = 0; row < 1000; row += 100)
    await Promise.all(Array.from({ length: 100 }, () => one.write(wrongPasswords(clock, 0, 1))))
  assert.equal(await one.write(wrongPasswords(clock, 0, 1)), 'full')
  assert.equal((await one.turn()).isMore, true)
  assert.equal(await one.write(wrongPasswords(clock, 0, 1)), 'written')
})
