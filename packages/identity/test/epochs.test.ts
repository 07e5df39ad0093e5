import assert from 'node:assert/strict'
import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { fingerprintOf, firstChain, nextChain } from '@portcullis/protocol/revocations'
import { findCaller } from '../src/domain/callers.ts'
import { refresh } from '../src/domain/refresh.ts'
import { createAccountAdministration } from '../src/store/account-administration.ts'
import { pathOfDatabase } from '../src/store/open-database.ts'
import { highWaterAt } from '../src/store/high-water.ts'
import type { ChosenClock } from './chosen-clock.ts'
import { createChosenClock, startMs } from './chosen-clock.ts'
import { testOnEngines, testOnPostgres } from './engines.ts'
import { firstBase } from './first-base.ts'
import { storeIssuer } from './opened-store.ts'
import { startRunningIdentity } from './running-identity.ts'
import { call, isWelcome, positionOf, refreshWith, signInHere } from './signed-in.ts'
import type { StoreParts } from './store-parts.ts'
import { commandLine, endEverywhere, loginWith, openPartsAt } from './store-parts.ts'
import { queryStore } from './store-query.ts'
import { createTemporaryFolder } from './temporary-folder.ts'

const baseStep = 2 ** 20
/** Of an epoch that follows at once: clocks may be 10 s apart. */
const secondBase = Math.floor((startMs + 10_000) / 1000) * baseStep

/** One database that is opened again and again. */
interface Place {
  readonly clock: ChosenClock
  readonly open: () => Promise<StoreParts>
  /** What makes a store that is closed begin a new epoch when it is opened next. */
  readonly raiseDoubt: () => Promise<void>
}

function placeAt(t: TestContext, url: string): Place {
  const clock = createChosenClock()
  return {
    clock,
    open: async () => {
      const store = await openPartsAt(url, clock.now)
      t.after(store.database.close)
      return store
    },
    raiseDoubt: async () => {
      const path = pathOfDatabase(url)
      if (path !== undefined) return rmSync(`${path}.high-water`)
      await queryStore(url, "UPDATE revocation_head SET lineage = 'another server'")
    },
  }
}

/** One that is a file, and what can happen to it while it is closed. */
interface FilePlace extends Place {
  readonly path: string
  readonly markPath: string
  readonly keepCopy: () => void
  readonly putCopyBack: () => void
}

function filePlaceOf(t: TestContext): FilePlace {
  const folder = createTemporaryFolder()
  t.after(folder.remove)
  const path = join(folder.path, 'identity.db')
  const copy = join(folder.path, 'copy.db')
  return {
    ...placeAt(t, `sqlite:${path}`),
    path,
    markPath: `${path}.high-water`,
    keepCopy: () => copyFileSync(path, copy),
    putCopyBack: () => copyFileSync(copy, path),
  }
}

/** Opens, signs in and closes. */
async function signInOnce(place: Place): Promise<Awaited<ReturnType<typeof loginWith>>> {
  const { parts, database } = await place.open()
  const session = await loginWith(parts)
  await database.close()
  return session
}

/** The same, and keeps a copy of that. */
async function openOnce(place: FilePlace): ReturnType<typeof signInOnce> {
  const session = await signInOnce(place)
  place.keepCopy()
  return session
}

async function revokeSomething({ parts, database }: StoreParts): Promise<void> {
  const { sessionId } = await loginWith(parts)
  await parts.sessions.end(sessionId)
  await database.close()
}

function assertRenewed({ epoch }: Pick<StoreParts, 'epoch'>, why: RegExp): void {
  assert.ok(epoch.kind === 'renewed', epoch.kind)
  assert.match(epoch.why, why)
}

testOnEngines(
  'the first epoch has a base by the clock, and a store that lost nothing goes on in it',
  async (t, engine) => {
    const place = placeAt(t, await engine.createStore(t))
    const first = await place.open()
    assert.deepEqual(first.epoch, { kind: 'first' })
    const { sessionId, refresh: refreshToken, claims } = await loginWith(first.parts)
    assert.equal(claims.gen, firstBase)
    const head = await first.log.checkpoint()
    await first.database.close()
    place.clock.advanceMs(1000)
    const second = await place.open()
    assert.deepEqual(second.epoch, { kind: 'continued' })
    const at = place.clock.now()
    assert.deepEqual(await second.log.since(0), { head: { ...head, at }, records: [] })
    assert.ok((await findCaller(second.parts.sessions, claims)) !== undefined)
    const refreshed = await refresh(second.parts, { refreshToken })
    assert.ok(refreshed.kind === 'refreshed' && refreshed.session.id === sessionId)
  },
)

test('after an older copy was put back nothing from before is worth anything, and life goes on', async (t) => {
  const place = filePlaceOf(t)
  const old = await openOnce(place)
  const before = await place.open()
  const { epoch: oldEpoch } = await before.log.checkpoint()
  const forgotten = await loginWith(before.parts)
  await revokeSomething(before)
  place.putCopyBack()

  const restored = await place.open()
  assertRenewed(restored, /older than its mark/)
  const { parts, log } = restored
  const now = place.clock.now()
  for (const { claims, refresh: refreshToken } of [old, forgotten]) {
    assert.equal(await findCaller(parts.sessions, claims), undefined)
    assert.equal((await refresh(parts, { refreshToken })).kind, 'refused')
  }
  const { head, records } = await log.since(0)
  assert.notEqual(head.epoch, oldEpoch)
  const fingerprint = fingerprintOf(storeIssuer, 'all', '')
  const until = now + 960_000
  const all = { seq: 1, kind: 'all', fingerprint, floor: secondBase, until } as const
  assert.deepEqual(records, [all])
  assert.equal(head.chain, nextChain(firstChain(head.epoch), all))

  const fresh = await loginWith(parts)
  assert.deepEqual([fresh.claims.gen, fresh.claims.cgen], [secondBase, secondBase])
  assert.ok((await findCaller(parts.sessions, fresh.claims)) !== undefined)
  assert.equal((await refresh(parts, { refreshToken: fresh.refresh })).kind, 'refreshed')
})

testOnEngines('revocations of a later epoch have floors above its base', async (t, engine) => {
  const place = placeAt(t, await engine.createStore(t))
  await signInOnce(place)
  await place.raiseDoubt()
  const { parts, log, database } = await place.open()
  const { claims } = await loginWith(parts)
  await endEverywhere(parts, claims.sub)
  const { records } = await log.since(1)
  assert.deepEqual(
    records.map(({ seq, floor }) => [seq, floor]),
    [[2, secondBase + 1]],
  )
  assert.equal(await findCaller(parts.sessions, claims), undefined)
  await database.close()
  const again = await place.open()
  assert.deepEqual(again.epoch, { kind: 'continued' })
  assert.equal((await loginWith(again.parts)).claims.gen, secondBase + 1)
})

test('two restores of one copy never use a base twice', async (t) => {
  const place = filePlaceOf(t)
  await openOnce(place)
  await revokeSomething(await place.open())
  const bases: unknown[] = []
  for (let restore = 0; restore < 3; restore += 1) {
    place.putCopyBack()
    const store = await place.open()
    assertRenewed(store, restore === 0 ? /older/ : /another epoch/)
    bases.push((await loginWith(store.parts)).claims.gen)
    await store.database.close()
  }
  assert.deepEqual(bases, [secondBase, secondBase + baseStep, secondBase + 2 * baseStep])
})

test('without a mark two restores of one copy never use a base twice either', async (t) => {
  const place = filePlaceOf(t)
  await openOnce(place)
  await revokeSomething(await place.open())
  const bases: number[] = []
  for (let restore = 0; restore < 2; restore += 1) {
    place.clock.advanceMs(60_000)
    place.putCopyBack()
    rmSync(place.markPath)
    const store = await place.open()
    bases.push((await loginWith(store.parts)).claims.gen ?? 0)
    await store.database.close()
  }
  const [first = 0, second = 0] = bases
  assert.ok(second > first + 1000, `${first}, then ${second}`)
})

test('a base that everybody was ended with is not used again by a copy from before', async (t) => {
  const place = filePlaceOf(t)
  await openOnce(place)
  rmSync(place.markPath)
  await signInOnce(place)
  place.keepCopy()
  const before = await place.open()
  const administration = createAccountAdministration(before.database, before.log.transaction)
  await administration.logOutEverybody({ actor: commandLine, reason: 'a test' })
  const { claims } = await loginWith(before.parts)
  await before.database.close()
  place.clock.advanceMs(10_000)
  place.putCopyBack()
  rmSync(place.markPath)
  const restored = await place.open()
  assertRenewed(restored, /missing/)
  const [all] = (await restored.log.since(0)).records
  const { gen = Infinity } = claims
  assert.ok(all !== undefined && gen < all.floor, `${gen} is not below ${all?.floor}`)
})

testOnEngines(
  'a clock that was once far ahead costs an epoch, and not all the time until then',
  async (t, engine) => {
    const place = placeAt(t, await engine.createStore(t))
    const { claims } = await signInOnce(place)
    const yearMs = 365 * 24 * 3600 * 1000
    place.clock.advanceMs(yearMs)
    const ahead = await place.open()
    await ahead.log.checkpoint()
    await ahead.database.close()
    place.clock.advanceMs(-yearMs)
    const store = await place.open()
    assertRenewed(store, /from the future/)
    assert.equal((await store.log.checkpoint()).at, place.clock.now())
    assert.equal(await findCaller(store.parts.sessions, claims), undefined)
  },
)

test('a copy from which no revocation is missing is noticed by its time alone', async (t) => {
  const place = filePlaceOf(t)
  await openOnce(place)
  place.clock.advanceMs(800)
  const store = await place.open()
  await store.log.checkpoint()
  await store.database.close()
  place.putCopyBack()
  assertRenewed(await place.open(), /older than its mark/)
})

test('a mark that is missing, unreadable or of another epoch may hide a loss', async (t) => {
  const spoiled: readonly (readonly [(path: string) => void, RegExp])[] = [
    [(path) => rmSync(path), /missing/],
    [(path) => writeFileSync(path, ''), /missing/],
    [(path) => writeFileSync(path, 'nonsense\n'), /missing/],
    [(path) => writeFileSync(path, readFileSync(path, 'utf8').slice(0, -1)), /missing/],
    [(path) => writeFileSync(path, `${'A'.repeat(22)} 0 0 0\n`), /another epoch/],
  ]
  for (const [spoil, why] of spoiled) {
    const place = filePlaceOf(t)
    const { claims } = await openOnce(place)
    spoil(place.markPath)
    const store = await place.open()
    assertRenewed(store, why)
    assert.equal(await findCaller(store.parts.sessions, claims), undefined)
  }
})

test('a fresh database beside an old mark begins above it', async (t) => {
  const place = filePlaceOf(t)
  await openOnce(place)
  rmSync(place.path)
  const store = await place.open()
  assertRenewed(store, /the database is new and its mark is not/)
  assert.equal((await loginWith(store.parts)).claims.gen, secondBase)
})

test('a crash between the commit and the mark loses nothing: the epoch goes on', async (t) => {
  const place = filePlaceOf(t)
  await openOnce(place)
  const mark = readFileSync(place.markPath)
  await revokeSomething(await place.open())
  writeFileSync(place.markPath, mark)
  // Torn by the crash, and not yet renamed.
  writeFileSync(`${place.markPath}.new`, 'half a')
  const store = await place.open()
  assert.deepEqual(store.epoch, { kind: 'continued' })
  assert.equal((await store.log.since(0)).records.length, 1)
  assert.equal(highWaterAt(place.markPath).read()?.seq, 1, 'the mark has caught up')
})

test('the mark can be read by its owner only, is replaced whole and leaves nothing beside it', async (t) => {
  const place = filePlaceOf(t)
  const store = await place.open()
  const firstFile = statSync(place.markPath)
  assert.equal(firstFile.mode & 0o777, 0o600)
  await revokeSomething(store)
  const { epoch, seq, ...others } = highWaterAt(place.markPath).read() ?? assert.fail()
  assert.deepEqual([seq, others], [1, { base: firstBase, at: place.clock.now() }])
  assert.equal(
    readFileSync(place.markPath, 'utf8'),
    `${epoch} ${firstBase} 1 ${place.clock.now()}\n`,
  )
  assert.notEqual(statSync(place.markPath).ino, firstFile.ino, 'it was written in place')
  assert.deepEqual(readdirSync(dirname(place.path)).toSorted(), [
    'identity.db',
    'identity.db.high-water',
  ])
})

testOnPostgres(
  'a store that goes on on another server begins an epoch, and one of an unknown server does not',
  async (t, engine) => {
    const url = await engine.createStore(t)
    const place = placeAt(t, url)
    const { claims, refresh: refreshToken } = await signInOnce(place)
    const lineageOf = async (): Promise<unknown> =>
      (await queryStore(url, 'SELECT lineage FROM revocation_head'))[0]?.['lineage']
    const lineage = await lineageOf()
    assert.match(String(lineage), /^\d+\/[0-9A-F]{8}$/)
    await queryStore(url, 'UPDATE revocation_head SET lineage = NULL')
    const unknown = await place.open()
    assert.deepEqual(unknown.epoch, { kind: 'continued' })
    assert.ok((await findCaller(unknown.parts.sessions, claims)) !== undefined)
    await unknown.database.close()
    assert.equal(await lineageOf(), lineage)

    await place.raiseDoubt()
    const { epoch, parts, log } = await place.open()
    assertRenewed({ epoch }, /somewhere else than before/)
    assert.equal(await findCaller(parts.sessions, claims), undefined)
    assert.equal((await refresh(parts, { refreshToken })).kind, 'refused')
    assert.deepEqual(
      (await log.since(0)).records.map(({ kind, floor }) => [kind, floor]),
      [['all', secondBase]],
    )
    assert.equal(await lineageOf(), lineage)
    assert.deepEqual((await place.open()).epoch, { kind: 'continued' })
  },
)

testOnPostgres(
  'of nodes that start together behind a failover one begins the epoch, and all go on in it',
  async (t, engine) => {
    const place = placeAt(t, await engine.createStore(t))
    await signInOnce(place)
    await place.raiseDoubt()
    const nodes = await Promise.all([place.open(), place.open(), place.open()])
    const kinds = nodes.map(({ epoch }) => epoch.kind)
    assert.deepEqual(kinds.toSorted(), ['continued', 'continued', 'renewed'])
    const epochs = new Set<string>()
    for (const { log, parts } of nodes) {
      epochs.add((await log.head()).epoch)
      assert.equal((await loginWith(parts)).claims.gen, secondBase)
    }
    assert.equal(epochs.size, 1)
  },
)

test('an issuer over a restored database asks everybody to sign in again, and says why', async (t) => {
  const identity = await startRunningIdentity()
  const old = await signInHere(identity)
  const path = pathOfDatabase(identity.database) ?? assert.fail()
  const copy = `${path}.copy`
  let running = await identity.restart(() => copyFileSync(path, copy))
  t.after(() => running.close())
  assert.ok(await isWelcome(running, old.access), 'a restart alone ends nothing')
  const { epoch } = positionOf(await call(running, 'POST /logout', { token: old.access }))
  running = await running.restart(() => {
    assert.ok(!existsSync(`${path}-wal`))
    copyFileSync(copy, path)
  })
  assert.match(running.logged(), /a new epoch began/)
  assert.ok(!(await isWelcome(running, old.access)))
  assert.equal((await refreshWith(running, old.refresh)).status, 400)
  const fresh = await signInHere(running)
  assert.ok(await isWelcome(running, fresh.access))
  const position = positionOf(await call(running, 'POST /logout', { token: fresh.access }))
  assert.notEqual(position.epoch, epoch)
  assert.equal(position.seq, 2)
})
