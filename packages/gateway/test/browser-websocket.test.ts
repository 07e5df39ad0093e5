import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { WebSocket } from 'undici'
import type { Browser, BrowserWorld, Node } from './browser-world.ts'
import {
  accessTokenSeconds,
  cookieName,
  host,
  openBrowser,
  startBrowserWorld,
} from './browser-world.ts'
import { openSocket, readUntil } from './http-client.ts'
import { farewellOf, handshake, serveSockets } from './socket-world.ts'

const origin = `https://${host}`

interface SocketWorld extends BrowserWorld {
  readonly node: Node
  readonly browser: Browser
  /** What the gateway answers to a handshake, up to the end of its header. */
  readonly shake: (fields: Readonly<Record<string, string>>) => Promise<string>
}

async function startSockets(t: TestContext): Promise<SocketWorld> {
  const world = await startBrowserWorld(t)
  const upgrade = ['websocket']
  const to = [world.service.origin]
  const node = await world.startNode({
    routes: [
      { match: '/live', to, upgrade, allowedOrigins: ['https://app.shop.example'] },
      { match: '/maybe', to, upgrade, auth: { mode: 'optional' } },
    ],
  })
  serveSockets(world, (socket) => socket.send('hello'))
  const browser = openBrowser(node)
  assert.equal((await browser.signIn()).status, 200)
  const shake: SocketWorld['shake'] = async (fields) => {
    const client = await openSocket(node.port)
    const Cookie = `${cookieName}=${browser.cookie()}`
    client.write(handshake('/live', { Cookie, ...fields }))
    const answer = await readUntil(client, '\r\n\r\n')
    client.destroy()
    return answer
  }
  return { ...world, node, browser, shake }
}

test('a page opens a WebSocket by its cookie, and gets the next one with the answer', async (t) => {
  const { shake, browser, service } = await startSockets(t)
  const handshakes: string[][] = []
  service.server.on('upgrade', ({ rawHeaders }) => handshakes.push(rawHeaders))
  const answer = await shake({ Origin: origin, 'Sec-Fetch-Site': 'same-origin' })
  assert.match(answer, /^HTTP\/1\.1 101 /)
  const [, cookie] = /^Set-Cookie: __Host-portcullis_refresh=(\S+); Max-Age=/m.exec(answer) ?? []
  assert.ok(cookie !== undefined && cookie !== browser.cookie())
  const [seen = []] = handshakes
  assert.match(seen[seen.indexOf('Authorization') + 1] ?? '', /^Bearer eyJ/)
  assert.ok(!seen.includes('Cookie') && !String(seen).includes('prt_'))
})

test('a handshake by cookie needs an Origin, and one that is known', async (t) => {
  const { shake, service } = await startSockets(t)
  let handshakes = 0
  service.server.on('upgrade', () => (handshakes += 1))
  for (const fields of [
    {},
    { 'Sec-Fetch-Site': 'same-origin' },
    { Origin: 'null' },
    { Origin: 'https://evil.example' },
    { Origin: `http://${host}` },
    { Origin: origin, 'Sec-Fetch-Site': 'cross-site' },
    { Origin: `https://www.${host}`, 'Sec-Fetch-Site': 'same-site' },
  ]) {
    const answer = await shake(fields)
    assert.match(answer, /^HTTP\/1\.1 403 /, JSON.stringify(fields))
  }
  assert.equal(handshakes, 0)
  const listed = { Origin: 'https://app.shop.example', 'Sec-Fetch-Site': 'same-site' }
  assert.match(await shake(listed), /^HTTP\/1\.1 101 /)
})

test('a WebSocket ends with the session that opened it', async (t) => {
  const { node, browser, advanceSeconds } = await startSockets(t)
  const open = async (path: string): Promise<WebSocket> => {
    const socket = new WebSocket(`ws://127.0.0.1:${node.port}${path}`, {
      headers: {
        cookie: `${cookieName}=${browser.cookie()}`,
        origin: `http://127.0.0.1:${node.port}`,
      },
    })
    await new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve)
      socket.addEventListener('error', reject)
    })
    return socket
  }
  const sockets = [await open('/live'), await open('/maybe')]
  const farewells = sockets.map(farewellOf)
  assert.equal((await browser.logout()).status, 200)
  assert.deepEqual(await Promise.all(farewells), [
    [3000, 'revoked'],
    [3000, 'revoked'],
  ])
  assert.equal((await browser.signIn()).status, 200)
  // It takes the next cookie with it, which this client would not keep.
  await browser.session()
  const farewell = farewellOf(await open('/live'))
  advanceSeconds(accessTokenSeconds + 10)
  assert.deepEqual(await farewell, [3000, 'expired'])
  assert.equal((await browser.session()).json()['signed_in'], true)
})

test('behind a trusted proxy the own pages are those of the host that the proxy names', async (t) => {
  const world = await startBrowserWorld(t)
  const route = { match: '/live', to: [world.service.origin], upgrade: ['websocket'] }
  const node = await world.startNode({ trustedProxies: ['127.0.0.1'], routes: [route] })
  serveSockets(world, (socket) => socket.send('hello'))
  const browser = openBrowser(node)
  const forwarded = { 'X-Forwarded-For': '203.0.113.9', 'X-Forwarded-Host': 'www.shop.example' }
  const page = { Origin: 'https://www.shop.example', ...forwarded }
  assert.equal((await browser.signIn(undefined, { page: Object.entries(page).flat() })).status, 200)
  const shake = async (Origin: string): Promise<string> => {
    const client = await openSocket(node.port)
    const Cookie = `${cookieName}=${browser.cookie()}`
    client.write(handshake('/live', { Cookie, ...forwarded, Origin }))
    const answer = await readUntil(client, '\r\n\r\n')
    client.destroy()
    return answer
  }
  assert.match(await shake('https://www.shop.example'), /^HTTP\/1\.1 101 /)
  for (const foreign of [origin, 'https://evil.example']) {
    assert.match(await shake(foreign), /^HTTP\/1\.1 403 /, foreign)
  }
})
