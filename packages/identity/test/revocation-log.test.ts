import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { changePassword } from '../src/domain/password-change.ts'
import { refresh } from '../src/domain/refresh.ts'
import { parseIdentitySettings } from '../src/index.ts'
import { synchroniseClients } from '../src/store/clients.ts'
import { openEpoch } from '../src/store/epochs.ts'
import { appendEvent } from '../src/store/events.ts'
import { highWaterAt } from '../src/store/high-water.ts'
import { createRevocationLog } from '../src/store/revocations.ts'
import { createSessionStore } from '../src/store/sessions.ts'
import type { ChosenClock } from './chosen-clock.ts'
import { createChosenClock, startMs } from './chosen-clock.ts'
import { testOnEngines } from './engines.ts'
import { firstBase } from './first-base.ts'
import { storeIssuer, takeInForce } from './opened-store.ts'
import { ordersAndReviews } from './running-identity.ts'
import type { StoreParts } from './store-parts.ts'
import {
  accountOf,
  claimsOf,
  commandLine,
  endEverywhere,
  loginWith,
  openPartsAt,
  sessionOf,
} from './store-parts.ts'
import { createTemporaryFolder } from './temporary-folder.ts'
import { aboutPeople } from './store-query.ts'

type Opened = StoreParts & { readonly clock: ChosenClock }

async function open(t: TestContext, url: string): Promise<Opened> {
  const clock = createChosenClock()
  const store = await openPartsAt(url, clock.now)
  t.after(store.database.close)
  return { ...store, clock }
}

const lifeMs = (900 + 60) * 1000
const clocksApartMs = 5000

testOnEngines(
  'a record has the place, fingerprint, chain and end of life that the format says',
  async (t, engine) => {
    const { log, parts, clock } = await open(t, await engine.createStore(t))
    const { epoch, seq, chain, at } = await log.checkpoint()
    const first = createHash('sha256').update(`portcullis revocations\0${epoch}`).digest()
    assert.deepEqual([seq, chain, at], [0, first.toString('base64url'), startMs])

    const { sessionId } = await loginWith(parts)
    clock.advanceMs(500)
    assert.deepEqual(await parts.sessions.end(sessionId), { epoch, seq: 1 })
    const { head, records } = await log.since(0)
    const digest = createHash('sha256').update(`${storeIssuer}\0session\0${sessionId}`).digest()
    const until = startMs + 500 + lifeMs
    const fingerprint = digest.readBigUInt64BE()
    assert.deepEqual(records, [{ seq: 1, kind: 'session', fingerprint, floor: 0, until }])
    const bytes = Buffer.alloc(33)
    bytes.writeBigUInt64BE(1n, 0)
    bytes.writeUInt8(1, 8)
    digest.copy(bytes, 9, 0, 8)
    bytes.writeBigUInt64BE(BigInt(until), 25)
    const second = createHash('sha256').update(first).update(bytes).digest('base64url')
    assert.deepEqual([head.seq, head.chain, head.at], [1, second, startMs + 500])
  },
)

testOnEngines(
  'places are dense in the order of the commits, and who reads from one gets what is behind it',
  async (t, engine) => {
    const { log, parts } = await open(t, await engine.createStore(t))
    for (let many = 1; many <= 5; many += 1) {
      const { sessionId } = await loginWith(parts)
      assert.equal((await parts.sessions.end(sessionId)).seq, many)
    }
    const placesSince = async (seq: number): Promise<readonly number[]> =>
      (await log.since(seq)).records.map((record) => record.seq)
    assert.deepEqual(await placesSince(0), [1, 2, 3, 4, 5])
    assert.deepEqual(await placesSince(3), [4, 5])
    assert.deepEqual(await placesSince(5), [])
  },
)

testOnEngines(
  'record and cause are one step: a throw behind them leaves neither',
  async (t, engine) => {
    const { log, parts, database } = await open(t, await engine.createStore(t))
    const before = await log.checkpoint()
    let heard = 0
    log.onRevoked(() => (heard += 1))
    const failing = log.transaction(async (query, revoke) => {
      await appendEvent(query, { kind: 'session-ended', accountId: 'someone' })
      await revoke({ kind: 'session', key: 'some session', floor: 0 })
      throw new Error('the disk is full')
    })
    await assert.rejects(failing, /the disk is full/)
    assert.deepEqual(await log.since(0), { head: before, records: [] })
    assert.deepEqual(await database.read(`SELECT * FROM events WHERE ${aboutPeople}`), [])
    assert.equal(heard, 0)
    const { sessionId } = await loginWith(parts)
    assert.equal((await parts.sessions.end(sessionId)).seq, 1)
    assert.equal(heard, 1)
  },
)

test('the mark beside the database is as far as the log before a revoke is acknowledged', async (t) => {
  const folder = createTemporaryFolder()
  t.after(folder.remove)
  const path = join(folder.path, 'identity.db')
  const { log, parts } = await open(t, `sqlite:${path}`)
  const { sessionId } = await loginWith(parts)
  const marks: (number | undefined)[] = []
  log.onRevoked(() => marks.push(highWaterAt(`${path}.high-water`).read()?.seq))
  await parts.sessions.end(sessionId)
  assert.deepEqual(marks, [1])
})

testOnEngines(
  'followers hear of a revocation whose mark cannot be written, and nobody is told that it is safe',
  async (t, engine) => {
    const { database, parts } = await open(t, await engine.createStore(t))
    const highWater = { raise: () => Promise.reject(new Error('the disk is full')) }
    const log = createRevocationLog(database, { issuer: storeIssuer, highWater })
    const heard: number[] = []
    log.onRevoked(() => heard.push(1))
    const { sessionId } = await loginWith(parts)
    const ending = createSessionStore(database, log.transaction).end(sessionId)
    await assert.rejects(ending, /the disk is full/)
    assert.deepEqual(heard, [1])
    const { records } = await log.since(0)
    assert.deepEqual(
      records.map(({ kind }) => kind),
      ['session'],
    )
  },
)

testOnEngines(
  'theft writes its record and its event in the step that ends the session',
  async (t, engine) => {
    const { log, parts, database, clock } = await open(t, await engine.createStore(t))
    const first = await loginWith(parts)
    const refreshed = await refresh(parts, { refreshToken: first.refresh })
    assert.equal(refreshed.kind, 'refreshed')
    clock.advanceMs(30_000)
    const stolen = await refresh(parts, { refreshToken: first.refresh })
    assert.equal(stolen.kind, 'refused')
    const kinds = async (): Promise<unknown> => (await log.since(0)).records.map(({ kind }) => kind)
    assert.deepEqual(await kinds(), ['session'])
    const events = await database.read(`SELECT kind, session_id FROM events WHERE ${aboutPeople}`)
    assert.deepEqual(
      events.map((event) => ({ ...event })),
      [{ kind: 'refresh-reuse', session_id: first.sessionId }],
    )
    await refresh(parts, { refreshToken: first.refresh })
    await parts.sessions.end(first.sessionId)
    assert.deepEqual(await kinds(), ['session'], 'what has ended is not ended again')
  },
)

testOnEngines(
  'a decision about an account is one record, however many sessions it has',
  async (t, engine) => {
    const store = await open(t, await engine.createStore(t))
    const { log, parts } = store
    let caller = await loginWith(parts)
    for (let many = 0; many < 20; many += 1) caller = await loginWith(parts)
    const { id } = await accountOf(store)
    const passwords = { current: 'alice-password', new: 'another password' }
    const changed = await changePassword(parts, await sessionOf(parts, caller.sessionId), passwords)
    assert.ok(changed.kind === 'changed' && changed.tokens !== undefined)
    const decision = { accountId: id, actor: commandLine, reason: 'theft' }
    await endEverywhere(parts, id)
    await parts.accounts.block(decision)
    await parts.accounts.block(decision)
    const { records } = await log.since(0)
    assert.deepEqual(
      records.map(({ kind, floor }) => [kind, floor]),
      [
        ['account', firstBase + 1],
        ['account', firstBase + 2],
        ['account', firstBase + 3],
      ],
    )
    assert.equal(claimsOf(changed.tokens.token.accessToken).gen, firstBase + 1)
  },
)

testOnEngines(
  'a record outlives the longest token that was ever minted, also after it was shortened',
  async (t, engine) => {
    const { database, log, parts, highWater } = await open(t, await engine.createStore(t))
    for (const [seconds, longest] of [
      [3600, 3600],
      [30, 3600],
    ] as const) {
      await openEpoch(database, {
        issuer: storeIssuer,
        highWater,
        permitRenewal: () => undefined,
        newEpoch: () => 'A'.repeat(22),
        accessTokenSecondsMax: seconds,
      })
      const { sessionId } = await loginWith(parts)
      const { seq } = await parts.sessions.end(sessionId)
      const [record] = (await log.since(seq - 1)).records
      assert.equal(record?.until, startMs + (longest + 60) * 1000)
    }
  },
)

testOnEngines(
  'the time of the log never goes back, and a record lives as long as tokens of before',
  async (t, engine) => {
    const { log, parts, clock } = await open(t, await engine.createStore(t))
    const { sessionId, claims } = await loginWith(parts)
    assert.equal((await log.checkpoint()).at, startMs)
    clock.advanceMs(-3_600_000)
    assert.equal((await log.checkpoint()).at, startMs)
    await parts.sessions.end(sessionId)
    const { head, records } = await log.since(0)
    assert.equal(head.at, startMs)
    const [record] = records
    assert.ok((record?.until ?? 0) > claims.exp * 1000, 'forgotten while its token lives')
    clock.advanceMs(3_600_000 + 1)
    assert.equal((await takeInForce(log)).records.length, 1)
    assert.equal((await log.checkpoint()).at, startMs + 1)
  },
)

testOnEngines(
  'what is past its life is not in force any more, and stays in the history',
  async (t, engine) => {
    const { log, parts, clock } = await open(t, await engine.createStore(t))
    const { sessionId } = await loginWith(parts)
    await parts.sessions.end(sessionId)
    clock.advanceMs(lifeMs + clocksApartMs - 1)
    await log.checkpoint()
    assert.equal((await takeInForce(log)).records.length, 1)
    clock.advanceMs(1)
    await log.checkpoint()
    const { head, records } = await takeInForce(log)
    assert.deepEqual([head.seq, records], [1, []])
    assert.equal((await log.since(0)).records.length, 1)
  },
)

testOnEngines(
  'a client that leaves the file is stopped by a record, once, and comes back as a newer one',
  async (t, engine) => {
    const { log, parts } = await open(t, await engine.createStore(t))
    const { sessionId, refresh: refreshToken } = await loginWith(parts)
    const { registry } = parseIdentitySettings(ordersAndReviews, 'the test')
    const all = [...registry.clients].map(([name, declaration]) => {
      return { ...declaration, name, newId: `new ${name}` }
    })
    const others = all.filter(({ name }) => name !== 'web')
    await synchroniseClients(log.transaction, others)
    await synchroniseClients(log.transaction, others)
    const { records } = await log.since(0)
    const digest = createHash('sha256').update(`${storeIssuer}\0client\0${'web'.padEnd(22, 'A')}`)
    assert.deepEqual(
      records.map(({ kind, fingerprint, floor }) => [kind, fingerprint, floor]),
      [['client', digest.digest().readBigUInt64BE(), firstBase + 1]],
    )
    assert.equal((await refresh(parts, { refreshToken })).kind, 'refused')
    assert.equal(await parts.clients.find('web'), undefined)

    await synchroniseClients(log.transaction, all)
    const back = await parts.clients.find('web')
    assert.deepEqual([back?.id, back?.generation], ['web'.padEnd(22, 'A'), firstBase + 1])
    assert.equal((await parts.sessions.find(sessionId))?.client.generation, firstBase + 1)
    assert.equal((await log.since(0)).records.length, 1)
  },
)
