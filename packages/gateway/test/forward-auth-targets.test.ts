import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseRequestTarget } from '../src/request/target.ts'
import { frontProxies } from './front-proxies.ts'
import { asking, managed, startGuarded } from './guarded-world.ts'
import { statusesIn } from './http-client.ts'
import { startRecorder } from './recorder.ts'

/** Each leads to `/orders` for some server, or is nothing that two servers read alike. */
const oddTargets: readonly string[] = [
  '/public/../orders',
  '/public/./../orders',
  '/public//orders',
  '//orders',
  '//public/../orders',
  '/public/..;/orders',
  '/public;/../orders',
  '/public/%2e%2e/orders',
  '/public/%2E./orders',
  '/public/.%2e/orders',
  '/public/..%2forders',
  '/public%2f..%2forders',
  '/public/%252e%252e/orders',
  '/public/%252e%252e%252forders',
  '/public/..%5corders',
  '/public/..\\orders',
  '/public\\..\\orders',
  '/public/%c0%ae%c0%ae/orders',
  '/public/%u002e%u002e/orders',
  '/%6frders',
  '/%6Frders',
  '/orders%2f1',
  '/orders%00',
  '/orders%20',
  '/orders%0d%0aX-Auth-Subject:%20admin',
  '/orders#/public',
  '/public#/../orders',
  '/public%23/../orders',
  '/orders?/public',
  '/public?/../orders',
  '/public%3f/../orders',
  '/Orders',
  '/ORDERS/1',
  '/orders/',
  '/orders/.',
  '/orders/..',
  '/orders.',
  '/orders;a=b',
  '/public/;/../../orders',
  '/public/a|b',
  '/public/"a"',
  '/public/a b',
  '/public/\u00e9',
  '/public/{a}',
  '/public/a^b`c',
  '/public/[a]',
  '/public/<a>',
  "/public/a'b(c)*!$&,;=:@~",
  '/public/%41',
  '/public/%7ea',
  '/public/%C3%A9?q=%C3%A9&r=\u00e9',
  '/public?',
  '/public/?a=b?c=d#e',
  'http://shop.example/orders',
  'http://shop.example/public/../orders',
  'http://other.example/orders',
  'http://shop.example//orders',
  'https://shop.example/orders',
  'public',
  '*',
  '?/orders',
  '/public/x',
  '/public/%2C%2c?x=%zz',
  '/public/%zz',
]

for (const kind of frontProxies) {
  const { name, skip } = kind
  const isNginx = name === 'nginx'

  // CVE-2026-33494, GHSA-6jwx-7vp4-9847.
  test(
    `${name}: of targets that servers read in different ways none gets past the routes`,
    { skip },
    async (t) => {
      const { sendProxy, behind } = await startGuarded(t, kind)
      assert.ok(oddTargets.length > 40)
      for (const target of oddTargets) {
        await sendProxy([`GET ${target} HTTP/1.1`])
        for (const arrived of behind.requests.splice(0)) {
          const read = parseRequestTarget(arrived.target)
          assert.ok(
            read.kind === 'target' && /^\/public(?:\/|$)/.test(read.path),
            `${target} → ${arrived.target}`,
          )
        }
      }
      assert.deepEqual(statusesIn(await sendProxy(['GET /public/x HTTP/1.1'])), [200])
    },
  )

  test(`${name}: what it asks about is what it forwards, octet by octet`, { skip }, async (t) => {
    const headers = Object.fromEntries(managed.map((header) => [header, '']))
    const asked: string[] = []
    const yes = await startRecorder((request, response) => {
      const target = request.headers[isNginx ? 'x-original-uri' : 'x-forwarded-uri']
      asked.push(
        `${String(request.headers[isNginx ? 'x-original-method' : 'x-forwarded-method'])} ${String(target)}`,
      )
      response.writeHead(200, headers).end()
    })
    const behind = await startRecorder()
    const proxy = await kind.start({ gateway: yes.port, service: behind.port })
    t.after(() => Promise.all([yes.close(), behind.close(), proxy.stop()]))
    const { sendProxy } = asking(proxy.port)
    let forwarded = 0
    for (const target of oddTargets) {
      for (const method of ['GET', 'DELETE']) {
        await sendProxy([`${method} ${target} HTTP/1.1`])
        const [question] = asked.splice(0)
        const [request] = behind.requests.splice(0)
        if (request === undefined) continue
        forwarded += 1
        assert.equal(`${request.method} ${request.target}`, question, target)
      }
    }
    assert.ok(forwarded > 20, `only ${forwarded} were forwarded`)
  })
}
