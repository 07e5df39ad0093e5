import assert from 'node:assert/strict'
import { copyFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createAccountAdministration } from '../src/store/account-administration.ts'
import { createChosenClock } from './chosen-clock.ts'
import type { StoreParts } from './store-parts.ts'
import { commandLine, loginWith, openPartsAt } from './store-parts.ts'
import { createTemporaryFolder } from './temporary-folder.ts'

// Found by the simulation: the server of the copy was 5 s behind the one that was lost, and less had passed since.
test('what was minted above a base that was lost is void, also where a clock ahead had taken it', async (t) => {
  const folder = createTemporaryFolder()
  t.after(folder.remove)
  const path = join(folder.path, 'identity.db')
  const clock = createChosenClock()
  const open = (): Promise<StoreParts> => openPartsAt(`sqlite:${path}`, clock.now)
  await (await open()).database.close()
  copyFileSync(path, `${path}.copy`)

  const aheadMs = 5_000
  clock.advanceMs(aheadMs)
  const lost = await open()
  const { logOutEverybody } = createAccountAdministration(lost.database, lost.log.transaction)
  await logOutEverybody({ actor: commandLine, reason: 'a theft' })
  const { claims } = await loginWith(lost.parts)
  await lost.database.close()

  clock.advanceMs(1_000 - aheadMs)
  copyFileSync(`${path}.copy`, path)
  rmSync(`${path}.high-water`)
  const restored = await open()
  t.after(restored.database.close)
  assert.equal(restored.epoch.kind, 'renewed')
  const [all] = (await restored.log.since(0)).records
  assert.equal(all?.kind, 'all')
  assert.ok((claims.gen ?? 0) < all.floor)
})
