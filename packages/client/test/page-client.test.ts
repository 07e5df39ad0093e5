import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPageClient } from '@portcullis/client'
import { createAdministration } from '@portcullis/client/admin'
import { accessTokenSeconds, admin, alice, startRunningIssuer } from './running-issuer.ts'
import type { RunningIssuer } from './running-issuer.ts'

/** What a browser adds to the requests of a page of this origin, and keeps of their answers. */
function createBrowser(running: RunningIssuer, origin: string = running.issuer) {
  let cookie = ''
  const fetchAsPage = async (url: string, init: RequestInit): Promise<Response> => {
    const headers = new Headers(init.headers)
    headers.set('origin', origin)
    if (init.credentials === 'include' && cookie !== '') headers.set('cookie', cookie)
    const response = await fetch(url, { ...init, headers })
    const [kept] = response.headers.getSetCookie()
    if (init.credentials === 'include' && kept !== undefined) cookie = kept.split(';')[0] ?? ''
    return response
  }
  const signIn = async (credentials: typeof alice): Promise<void> => {
    const answer = await fetchAsPage(`${running.issuer}/login`, {
      method: 'POST',
      credentials: 'include',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...credentials, delivery: 'cookie' }),
    })
    assert.equal(answer.status, 200, await answer.text())
  }
  const { issuer, clock } = running
  const openPage = () => createPageClient({ issuer, fetch: fetchAsPage, now: clock.now })
  return { signIn, openPage, cookie: () => cookie }
}

test('a page acts by the cookie of the issuer, and holds nothing else', async (t) => {
  const running = await startRunningIssuer(t)
  const browser = createBrowser(running)
  await browser.signIn(admin)
  const page = browser.openPage()
  const { identifier, roles, sessionId } = await page.account()
  assert.deepEqual({ identifier, roles }, { identifier: 'admin', roles: ['identity-admin'] })
  const { items } = await createAdministration(page).accounts.page()
  assert.deepEqual(items.map((account) => account.identifier).toSorted(), ['admin', 'alice'])
  const sessions = await createAdministration(page).sessions.page()
  assert.ok(sessions.items.some(({ id }) => id === sessionId))
  assert.equal(running.wire.seenAt('/token').length, 1, 'one token does for all of it')

  const before = browser.cookie()
  running.clock.advanceSeconds(accessTokenSeconds)
  await page.account()
  assert.equal(running.wire.seenAt('/token').length, 2)
  assert.notEqual(browser.cookie(), before, 'the browser has the next one')
})

test('an answer that is lost is asked for once more, and nobody is signed out for it', async (t) => {
  const running = await startRunningIssuer(t)
  const browser = createBrowser(running)
  await browser.signIn(admin)
  const page = browser.openPage()
  running.wire.decideNext('lose-answer')
  await page.account()
  const [first, second] = running.wire.seenAt('/token')
  assert.ok(first !== undefined && first.body === second?.body, 'the same attempt')
})

test('who is not signed in, has left, or has become somebody else is told so', async (t) => {
  const running = await startRunningIssuer(t)
  const browser = createBrowser(running)
  const signedOut = { code: 'signed-out' }
  await assert.rejects(browser.openPage().account(), signedOut)

  await browser.signIn(alice)
  const page = browser.openPage()
  await page.account()
  await browser.signIn(admin)
  running.clock.advanceSeconds(accessTokenSeconds)
  await assert.rejects(page.account(), signedOut, 'the cookie is of another session now')

  const other = browser.openPage()
  await other.account()
  await other.logout()
  assert.match(browser.cookie(), /=$/, 'the cookie is gone')
  await assert.rejects(other.account(), signedOut)
})

test('a page of another origin gets nothing by the cookie', async (t) => {
  const running = await startRunningIssuer(t)
  const browser = createBrowser(running)
  await browser.signIn(admin)
  const foreign = createBrowser(running, 'https://elsewhere.example')
  await assert.rejects(foreign.signIn(admin), /cross-origin/)
  await assert.rejects(foreign.openPage().account(), { code: 'signed-out' })
})
