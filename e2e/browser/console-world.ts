import assert from 'node:assert/strict'
import { createClient } from '@portcullis/client'
import type { Administration } from '@portcullis/client/admin'
import { createAdministration } from '@portcullis/client/admin'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import type { RunningSystem } from '../running-system.ts'
import { newFolder, removeFolder, startSystem } from '../running-system.ts'
import { assertAccessible, keepPicture } from './accessible-pages.ts'
import { launchBrowser } from './launched-browser.ts'

/** The whole of `npm start`, and a browser that looks at its console. */
export interface ConsoleWorld {
  readonly system: RunningSystem
  /** A tab of a browser of its own, where somebody is signed in at the console, or nobody. */
  readonly open: (
    identifier: string | undefined,
    path?: string,
    options?: TabOptions,
  ) => Promise<ConsoleTab>
  /** The admin API, by a session of its own. */
  readonly administer: () => Promise<Administration>
  readonly close: () => Promise<void>
}

export interface TabOptions {
  /** Of an account that is not one of `npm start`. */
  readonly password?: string
  /** Where whoever looks is. */
  readonly timezoneId?: string
  /** The page's time can be put forward. */
  readonly hasClock?: boolean
}

export interface ConsoleTab {
  readonly page: Page
  readonly context: BrowserContext
  /** Errors that the page has left in the console of the browser, or thrown. */
  readonly errors: readonly string[]
  /** Keeps a picture of the page, and fails where axe finds something or the page scrolls sideways. */
  readonly judge: (name: string) => Promise<void>
  /** Another tab of the same browser, where the same one is signed in. */
  readonly another: (path: string) => Promise<ConsoleTab>
}

/** With options of `portcullis dev`. */
export async function startConsoleWorld(options: readonly string[] = []): Promise<ConsoleWorld> {
  const browser = await launchBrowser()
  const system = await startSystem(newFolder(), options)
  return {
    system,
    open: (identifier, path = '/console/', tab = {}) =>
      openTab(browser, system, { identifier, path, ...tab }),
    administer: () => administer(system),
    close: async () => {
      await browser.close()
      await system.stop()
      removeFolder(system.folder)
    },
  }
}

interface OpenedPage {
  readonly identifier: string | undefined
  readonly path: string
}

async function openTab(
  browser: Browser,
  system: RunningSystem,
  { timezoneId, ...opened }: TabOptions & OpenedPage,
): Promise<ConsoleTab> {
  const context = await browser.newContext(timezoneId === undefined ? {} : { timezoneId })
  return tabIn(context, system, opened)
}

async function tabIn(
  context: BrowserContext,
  system: RunningSystem,
  { identifier, path, hasClock, password }: TabOptions & OpenedPage,
): Promise<ConsoleTab> {
  const page = await context.newPage()
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text())
  })
  if (hasClock === true) await page.clock.install()
  if (identifier !== undefined) {
    await page.goto(`${system.endpoints.identity}/sign-in`)
    await signIn(page, identifier, password ?? passwordOf(system, identifier))
    await page.waitForURL('**/my-account')
  }
  await page.goto(`${system.endpoints.identity}${path}`)
  return {
    page,
    context,
    errors,
    judge: (name) => judge(page, name),
    another: (there) => tabIn(context, system, { identifier: undefined, path: there }),
  }
}

/** At the hosted page, as people do. */
export async function signIn(page: Page, identifier: string, password: string): Promise<void> {
  await page.locator('input[autocomplete="username"]').fill(identifier)
  await page.locator('input[autocomplete="current-password"]').fill(password)
  await page.keyboard.press('Enter')
}

function passwordOf({ credentials }: RunningSystem, identifier: string): string {
  const account = credentials.accounts.find((one) => one.identifier === identifier)
  assert.ok(account !== undefined, `there is no ${identifier}`)
  return account.password
}

async function administer(system: RunningSystem): Promise<Administration> {
  const issuer = system.endpoints.identity
  const client = createClient({ issuer, audience: issuer })
  await client.login({ identifier: 'admin', password: passwordOf(system, 'admin') })
  return createAdministration(client)
}

async function judge(page: Page, name: string): Promise<void> {
  await keepPicture(page, name)
  await assertAccessible(page, name)
}
