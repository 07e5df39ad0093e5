import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { ConsoleWorld } from './console-world.ts'
import { startConsoleWorld } from './console-world.ts'

let world: ConsoleWorld

before(async () => {
  world = await startConsoleWorld()
})

after(() => world?.close())

test('from the overview a stolen session is ended in three clicks, and the page tells when every service refuses it', async () => {
  const thief = await world.open('alice', '/my-account')
  const { page, errors, judge } = await world.open('admin')
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
  await judge('overview')

  const row = page.getByRole('row').filter({ hasText: 'alice' }).first()
  await row.getByRole('button', { name: 'End' }).click()
  await judge('end-a-session')
  await page.getByRole('button', { name: 'End the session' }).click()
  await page.getByText(/Every service refuses it, after \d+ ms/).waitFor()
  await judge('session-ended')
  assert.deepEqual(errors, [])

  await thief.page.reload()
  await thief.page.getByRole('button', { name: 'Sign in' }).waitFor()
})

test('who is no operator, and who is nobody, is told what to do', async () => {
  const alice = await world.open('alice')
  await alice.page.getByRole('heading', { name: 'This console is for operators' }).waitFor()
  await alice.judge('not-allowed')
  const nobody = await world.open(undefined)
  await nobody.page.getByRole('link', { name: 'Sign in' }).waitFor()
  await nobody.judge('nobody')
})
