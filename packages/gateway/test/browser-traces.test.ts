import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openBrowser, ownPage, startBrowserWorld } from './browser-world.ts'

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const traceparent = `00-${traceId}-00f067aa0ba902b7-01`

test('identity is told which request of the browser it is asked for, and of which trace', async (t) => {
  const world = await startBrowserWorld(t)
  const browser = openBrowser(await world.startNode({}))
  const headers = ['X-Request-Id', 'visit-1', 'traceparent', traceparent, 'tracestate', 'a=1']
  assert.equal((await browser.signIn(undefined, { page: [...ownPage, ...headers] })).status, 200)
  assert.equal((await browser.ask({ path: '/orders/1', headers })).status, 200)
  for (const asked of ['/login', '/token']) {
    const told = world.wire.seenAt(asked).at(-1)?.headers
    assert.deepEqual(
      [told?.['x-request-id'], told?.['traceparent'], told?.['tracestate']],
      ['visit-1', traceparent, 'a=1'],
    )
  }
  const lines = world
    .logged()
    .split('\n')
    .filter((line) => line.includes('"requestId":"visit-1"') && line.includes(traceId))
  const told = lines.map((line) => {
    const { msg, route = '' } = JSON.parse(line) as Readonly<Record<string, string>>
    return `${msg} ${route}`.trim()
  })
  for (const line of ['login', 'request /login', 'token', 'request /token']) {
    assert.ok(told.includes(line), `${line} is not among ${told.join(', ')}`)
  }
})
