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

test('who signs out leaves nothing behind, also when somebody else has ended the session before', async () => {
  const { page, context, errors } = await world.open('admin')
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
  const other = await context.newPage()
  await other.goto(`${world.system.endpoints.identity}/my-account`)
  await other.getByRole('button', { name: 'Sign out', exact: true }).click()
  await other.waitForURL('**/sign-in*')
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.waitForURL('**/sign-in?return_to=**')
  await page.goBack()
  await page.getByRole('link', { name: 'Sign in' }).waitFor()
  assert.equal(await page.getByRole('table').count(), 0)
  assert.deepEqual(
    errors.filter((error) => !/status of 40[01]/.test(error)),
    [],
  )
})
