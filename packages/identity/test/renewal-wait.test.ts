import assert from 'node:assert/strict'
import { copyFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { openEpoch } from '../src/store/epochs.ts'
import { highWaterAt } from '../src/store/high-water.ts'
import { openDatabase } from '../src/store/open-database.ts'
import type { RenewalWait } from '../src/store/renewal-wait.ts'
import { createRenewalWait, HistoryLostError, openAfterWait } from '../src/store/renewal-wait.ts'
import { integer, text } from '../src/store/columns.ts'
import type { ChosenClock } from './chosen-clock.ts'
import { createChosenClock } from './chosen-clock.ts'
import { storeIssuer } from './opened-store.ts'
import { createTemporaryFolder } from './temporary-folder.ts'

const clocksApartMs = 5_000
const waitMs = 6_000

interface Opened {
  readonly kind: string
  readonly epoch: string
  readonly base: number
}

/** A file that is opened as a start opens it, and whose pauses pass by its clock. */
function fileAt(t: TestContext, clock: ChosenClock) {
  const folder = createTemporaryFolder()
  t.after(folder.remove)
  const path = join(folder.path, 'identity.db')
  let epochs = 0
  const open = async (): Promise<Opened> => {
    const database = await openDatabase(`sqlite:${path}`, { now: clock.now })
    const { permit: permitRenewal } = createRenewalWait(clock.now, () => undefined)
    const options = {
      issuer: storeIssuer,
      highWater: highWaterAt(`${path}.high-water`),
      newEpoch: () => `epoch-${(epochs += 1)}`.padEnd(22, '-'),
      accessTokenSecondsMax: 900,
      permitRenewal,
    }
    const { kind } = await openAfterWait(
      () => openEpoch(database, options),
      async (ms) => clock.advanceMs(ms),
    )
    const [row] = await database.read('SELECT epoch, base FROM revocation_head')
    await database.close()
    assert.ok(row !== undefined)
    return { kind, epoch: text(row, 'epoch'), base: integer(row, 'base') }
  }
  return {
    open,
    copy: () => copyFileSync(path, `${path}.copy`),
    /** As a server elsewhere has it, which knows no mark. */
    putBack: () => {
      copyFileSync(`${path}.copy`, path)
      rmSync(`${path}.high-water`)
    },
  }
}

// Found by the simulation: a failover that lost commits, and then a backup of before it on a server that was behind.
test('an epoch starts above one that was lost in its turn, whose server was ahead', async (t) => {
  const clock = createChosenClock()
  const file = fileAt(t, clock)
  const first = await file.open()
  file.copy()

  file.putBack()
  clock.advanceMs(clocksApartMs)
  const lost = await file.open()
  assert.equal(lost.kind, 'renewed')

  file.putBack()
  clock.advanceMs(-clocksApartMs)
  const last = await file.open()
  assert.equal(last.kind, 'renewed')
  assert.equal(new Set([first.epoch, lost.epoch, last.epoch]).size, 3)
  assert.ok(last.base > lost.base, `${last.base} after ${lost.base}`)
})

test('a start that loses nothing waits for nothing', async (t) => {
  const clock = createChosenClock()
  const file = fileAt(t, clock)
  const begunMs = clock.now()
  assert.equal((await file.open()).kind, 'first')
  assert.equal((await file.open()).kind, 'continued')
  assert.equal(clock.now(), begunMs)
})

test('while it is too early nothing of the loss is written over, so it is found again', async (t) => {
  const clock = createChosenClock()
  const file = fileAt(t, clock)
  await file.open()
  file.copy()
  file.putBack()
  const begunMs = clock.now()
  assert.equal((await file.open()).kind, 'renewed')
  assert.equal(clock.now() - begunMs, waitMs)
})

function isPermitted({ permit }: RenewalWait, epoch: string, lineage: string): boolean {
  try {
    permit({ epoch, lineage, why: 'a copy' })
    return true
  } catch (error) {
    assert.ok(error instanceof HistoryLostError)
    return false
  }
}

test('each loss has a wait of its own, and is told once', () => {
  const clock = createChosenClock()
  const told: string[] = []
  const wait = createRenewalWait(clock.now, ({ lineage }) => told.push(String(lineage)))
  assert.ok(!isPermitted(wait, 'A', '1'))
  clock.advanceMs(4_000)
  assert.ok(!isPermitted(wait, 'A', '2'), 'another server')
  assert.ok(!isPermitted(wait, 'A', '1'))
  clock.advanceMs(waitMs - 4_000)
  assert.ok(isPermitted(wait, 'A', '1'))
  assert.ok(!isPermitted(wait, 'A', '2'))
  clock.advanceMs(4_000)
  assert.ok(isPermitted(wait, 'A', '2'))
  assert.deepEqual(told, ['1', '2'])
})

test('what is found a minute later is another loss', () => {
  const clock = createChosenClock()
  const wait = createRenewalWait(clock.now, () => undefined)
  assert.ok(!isPermitted(wait, 'A', '1'))
  clock.advanceMs(60_001)
  assert.ok(!isPermitted(wait, 'A', '1'))
  clock.advanceMs(waitMs)
  assert.ok(isPermitted(wait, 'A', '1'))
})
