import assert from 'node:assert/strict'
import { join } from 'node:path'
import axe from 'axe-core'
import type { Page } from 'playwright-core'
import { root } from '../../tools/source-tree.ts'

interface Violation {
  readonly id: string
  readonly impact: string
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[]
}

/** Holds a page against every rule of axe, and against WCAG 2.2, 1.4.10: no scrolling sideways. */
export async function assertAccessible(page: Page, where: string): Promise<void> {
  await page.evaluate(axe.source)
  const { violations, passes } = (await page.evaluate('axe.run(document)')) as {
    readonly violations: readonly Violation[]
    readonly passes: readonly unknown[]
  }
  const found = violations.map(
    ({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map(({ html }) => html).join(' ')}`,
  )
  assert.deepEqual(found, [], where)
  assert.ok(passes.length >= 15, `axe looked at ${passes.length} rules only: ${where}`)
  const wider = 'document.documentElement.scrollWidth - document.documentElement.clientWidth'
  assert.equal(await page.evaluate(wider), 0, `${where} scrolls sideways`)
}

/** For people to look at; nothing is compared. */
export async function keepPicture(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: join(root, 'e2e/browser/pictures', `${name}.png`), fullPage: true })
}
