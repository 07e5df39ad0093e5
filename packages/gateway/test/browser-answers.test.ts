import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  accessTokenSeconds,
  admin,
  openBrowser,
  setCookieOf,
  startBrowserWorld,
} from './browser-world.ts'

const others = [
  '"cache"',
  '"clientHints"',
  '"executionContexts"',
  '"prefetchCache"',
  '"prerenderCache"',
  '"storage"',
].join(', ')

test('a service cannot have the browser forget the cookie, and may clear everything else', async (t) => {
  let said: readonly string[] = []
  const world = await startBrowserWorld(t, {
    service: (request, response) => {
      request.resume()
      response.writeHead(200, [...said]).end()
    },
  })
  const browser = openBrowser(await world.startNode())
  assert.equal((await browser.signIn()).status, 200)
  for (const [value, expected] of [
    ['"cookies"', undefined],
    ['"COOKIES", cookies', undefined],
    ['"cache", "cookies","storage"', '"cache", "storage"'],
    ['"*"', others],
    ['"cache", "*"', others],
  ] as const) {
    said = ['Clear-Site-Data', value]
    for (const path of ['/orders/1', '/public/1', '/optional/1']) {
      const answer = await browser.ask({ path })
      assert.deepEqual([answer.status, answer.headers['clear-site-data']], [200, expected])
    }
  }
  assert.equal((await browser.logout()).headers['clear-site-data'], '"cache"')
})

test('an answer that comes when somebody else has signed in at the browser leaves it the new cookie', async (t) => {
  const asked = Promise.withResolvers<void>()
  const signedIn = Promise.withResolvers<void>()
  const world = await startBrowserWorld(t, {
    service: (request, response) => {
      request.resume()
      asked.resolve()
      void signedIn.promise.then(() => response.end('for alice'))
    },
  })
  const browser = openBrowser(await world.startNode())
  assert.equal((await browser.signIn()).status, 200)
  world.advanceSeconds(accessTokenSeconds)
  const slow = browser.ask({ path: '/orders/1' })
  await asked.promise
  const { identifier, password } = admin
  assert.equal((await browser.signIn({ identifier, password })).status, 200)
  signedIn.resolve()
  const answer = await slow
  assert.deepEqual([answer.status, setCookieOf(answer)], [200, undefined])
  assert.equal((await browser.session()).json()['signed_in'], true)
})
