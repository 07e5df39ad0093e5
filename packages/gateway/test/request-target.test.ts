import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseRequestTarget } from '../src/request/target.ts'
import { sendRaw, statusesIn } from './http-client.ts'
import { startWorld } from './world.ts'

/** Each with a twin that lacks the ambiguity and must arrive byte for byte. */
const ambiguous: readonly (readonly [string, string])[] = [
  ['/public/../orders', '/public/orders'],
  ['/public/..', '/public/...'],
  ['/public/./a', '/public/.a'],
  ['/public/.', '/public/a.'],
  ['/public/%2e%2e/orders', '/public/..a/orders'],
  ['/public/.%2e/orders', '/public/.a/orders'],
  ['/public/%2E/a', '/public/a..b/a'],
  ['/public/%252e%252e/orders', '/public/%25/orders'],
  ['/public/%25%32%65/orders', '/public/100%25'],
  ['/public/%u002e%u002e/orders', '/public/u002e'],
  ['/public/%25u002e/orders', '/public/%25-u002e'],
  ['/public/%c0%ae%c0%ae/orders', '/public/%C3%A9'],
  ['/public/%e0%80%af', '/public/%e2%82%ac'],
  ['/public/%ed%a0%80', '/public/%f0%9f%92%b6'],
  ['/public/%ff', '/public/%c3%bf'],
  ['/public/%c3', '/public/%c3%a9x'],
  ['//public/a', '/public/a'],
  ['/public//a', '/public/a/'],
  ['/public/a//', '/public/a/b/'],
  ['//evil.example/public/a', '/public/evil.example/a'],
  ['/public/a%2fb', '/public/a/b'],
  ['/public/a%2Fb', '/public/a%20b'],
  ['/public/a%5cb', '/public/a%7Cb'],
  ['/public/a\\b', '/public/a%5Eb'],
  ['/public\\..\\orders', '/public/..orders'],
  ['/public/a;jsessionid=1', '/public/a,jsessionid=1'],
  ['/public/..;/orders', '/public/..,/orders'],
  ['/public/a%3bb', '/public/a%2cb'],
  ['/public/a%3fb', '/public/a?b'],
  ['/public/a%23b', '/public/a%24b'],
  ['/public/a#b', '/public/a@b'],
  ['/public/a?b#c', '/public/a?b@c'],
  ['/public/%00', '/public/%20'],
  ['/public/a%00.html', '/public/a.html'],
  ['/public/%0d%0aX-Auth-Subject:%20admin', '/public/X-Auth-Subject:%20admin'],
  ['/public/%1f', '/public/%21'],
  ['/public/%7f', '/public/%7d'],
  ['/public/%61dmin', '/public/admin'],
  ['/%70ublic/a', '/public/a'],
  ['/public/%7euser', '/public/~user'],
  ['/public/%2D', '/public/-'],
  ['/public/%', '/public/%25'],
  ['/public/%2', '/public/%26'],
  ['/public/%zz', '/public/zz'],
  ['/public/<a>', '/public/%3Ca%3E'],
  ['/public/a|b', '/public/a!b'],
  ['/public/[a]', "/public/$&'()*+,=:@"],
  ['/public/"a"', '/public/%22a%22'],
  ['/public/{id}', '/public/%7Bid%7D'],
  ['/public/`a', '/public/_a'],
  ['http://127.0.0.1/public/a', '/public/http:/127.0.0.1/a'],
  ['https://evil.example/public/a', '/public/a?to=https://evil.example/public/a'],
  ['*', '/public/*'],
]

/** Node's parser refuses these before the gateway sees a target. */
const unparsable = ['public/a', '/public/\u00e9', '/public/a b', '/public/a\tb', '/public/a\0b', '']

// CVE-2026-33494, GHSA-6jwx-7vp4-9847: what is judged is what is forwarded.
test('an ambiguous target is refused and its unambiguous twin arrives byte for byte', async (t) => {
  const { port, service } = await startWorld(t)
  assert.ok(ambiguous.length >= 50, 'the table was not found')
  for (const [target, twin] of ambiguous) {
    const refused = await sendRaw(port, requestFor(target))
    assert.deepEqual(statusesIn(refused), [400], target)
    assert.match(refused, /"code":"ambiguous-target"/, target)
    assert.equal(service.requests.length, 0, `${target} reached the service`)

    assert.deepEqual(statusesIn(await sendRaw(port, requestFor(twin))), [200], twin)
    assert.deepEqual(
      service.requests.splice(0).map((request) => request.target),
      [twin],
    )
  }
})

// CVE-2021-32637.
test('what the HTTP parser cannot read as a target is refused as malformed', async (t) => {
  const { port, service } = await startWorld(t)
  assert.ok(unparsable.length > 0)
  for (const target of unparsable) {
    const refused = await sendRaw(port, requestFor(target))
    assert.deepEqual(statusesIn(refused), [400], target)
    assert.match(refused, /^content-type: application\/problem\+json\r$/m, target)
  }
  assert.equal(service.requests.length, 0)
})

test('the query is forwarded as it stands and nothing is decided by it', async (t) => {
  const { ask, service } = await startWorld(t)
  const target = '/public/a?filter[x]={1}&path=/../%2e%2e/&%00&%ff&q=a;b//c\\d|e^f`'
  assert.equal((await ask({ path: target })).status, 200)
  assert.equal(service.requests[0]?.target, target)
})

test('a target says why it is ambiguous', () => {
  assert.deepEqual(parseRequestTarget('/a/%2e'), {
    kind: 'ambiguous',
    why: 'its path escapes a character that needs no escape',
  })
  assert.deepEqual(parseRequestTarget('/a?b?c'), { kind: 'target', target: '/a?b?c', path: '/a' })
})

function requestFor(target: string): string {
  return `GET ${target} HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n`
}
