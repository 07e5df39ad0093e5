import assert from 'node:assert/strict'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import type { RunningSystem } from '../running-system.ts'
import { newFolder, removeFolder, startSystem } from '../running-system.ts'
import { assertAccessible, keepPicture } from './accessible-pages.ts'
import { launchBrowser } from './launched-browser.ts'

/** The whole of `npm start`, and a browser that looks at its console. */
export interface ConsoleWorld {
  readonly system: RunningSystem
  /** A tab of a browser of its own, where somebody is signed in at the console, or nobody. */
  readonly open: (identifier: string | undefined, path?: string) => Promise<ConsoleTab>
  readonly close: () => Promise<void>
}

export interface ConsoleTab {
  readonly page: Page
  readonly context: BrowserContext
  /** Errors that the page has left in the console of the browser, or thrown. */
  readonly errors: readonly string[]
  /** Keeps a picture of the page, and fails where axe finds something or the page scrolls sideways. */
  readonly judge: (name: string) => Promise<void>
}

export async function startConsoleWorld(): Promise<ConsoleWorld> {
  const browser = await launchBrowser()
  const system = await startSystem(newFolder())
  return {
    system,
    open: (identifier, path = '/console/') => openTab(browser, system, identifier, path),
    close: async () => {
      await browser.close()
      await system.stop()
      removeFolder(system.folder)
    },
  }
}

async function openTab(
  browser: Browser,
  system: RunningSystem,
  identifier: string | undefined,
  path: string,
): Promise<ConsoleTab> {
  const context = await browser.newContext()
  const page = await context.newPage()
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text())
  })
  if (identifier !== undefined) await signIn(page, system, identifier)
  await page.goto(`${system.endpoints.identity}${path}`)
  return { page, context, errors, judge: (name) => judge(page, name) }
}

/** By the hosted page, as people do. */
async function signIn(page: Page, system: RunningSystem, identifier: string): Promise<void> {
  const account = system.credentials.accounts.find((one) => one.identifier === identifier)
  assert.ok(account !== undefined, `there is no ${identifier}`)
  await page.goto(`${system.endpoints.identity}/sign-in`)
  await page.locator('input[autocomplete="username"]').fill(identifier)
  await page.locator('input[autocomplete="current-password"]').fill(account.password)
  await page.keyboard.press('Enter')
  await page.waitForURL('**/my-account')
}

async function judge(page: Page, name: string): Promise<void> {
  await keepPicture(page, name)
  await assertAccessible(page, name)
}
