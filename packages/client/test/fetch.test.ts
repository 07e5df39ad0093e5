import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { Client } from '@portcullis/client'
import type { RunningIssuer } from './running-issuer.ts'
import { startRunningIssuer } from './running-issuer.ts'
import { signIn } from './signing-in.ts'
import type { Scripted, Wire } from './wire.ts'
import { openWire } from './wire.ts'

const stale: Scripted = {
  status: 401,
  headers: {
    'www-authenticate': 'Bearer realm="orders", error="invalid_token", error_description="stale"',
  },
  body: { code: 'invalid-token' },
}

interface Running {
  readonly running: RunningIssuer
  readonly client: Client
  readonly service: Wire
}

async function startWithService(t: TestContext): Promise<Running> {
  const running = await startRunningIssuer(t)
  const service = await openWire(t)
  service.decide(() => ({ status: 200, body: { is: 'good' } }))
  return { running, service, client: (await signIn(running)).client }
}

const tokensOf = ({ seen }: Wire): readonly (string | undefined)[] =>
  seen.map(({ headers }) => headers['authorization'])

// RFC 9700 O20: in the header, and nowhere in the address.
test('a request gets the token, and keeps its own method, headers and body', async (t) => {
  const { client, service } = await startWithService(t)
  const init = { method: 'PUT', headers: { 'x-own': 'kept' }, body: 'the order' }
  const response = await client.fetch(`${service.origin}/orders/1`, init)
  assert.equal(response.status, 200)
  const [seen] = service.seen
  assert.equal(seen?.headers['authorization'], `Bearer ${await client.accessToken()}`)
  assert.deepEqual(
    [seen?.method, seen?.path, seen?.headers['x-own'], seen?.body],
    ['PUT', '/orders/1', 'kept', 'the order'],
  )
})

test('a token that is turned down is replaced once, and the request repeated once', async (t) => {
  const { client, service, running } = await startWithService(t)
  let answers = [stale]
  service.decide(() => answers.shift() ?? { status: 200 })
  const init = { method: 'POST', body: 'the order' }
  assert.equal((await client.fetch(`${service.origin}/orders`, init)).status, 200)
  assert.equal(new Set(tokensOf(service)).size, 2)
  assert.deepEqual(
    service.seen.map(({ body }) => body),
    ['the order', 'the order'],
  )
  assert.equal(running.wire.seenAt('/token').length, 1)

  answers = [stale, stale, stale]
  const response = await client.fetch(`${service.origin}/orders`)
  assert.equal(response.status, 401, 'the second answer is the one that counts')
  assert.equal(answers.length, 1)
  assert.deepEqual(await response.json(), stale.body)
})

test('twenty requests that are turned down at once cause one refresh', async (t) => {
  const { client, service, running } = await startWithService(t)
  const first = `Bearer ${await client.accessToken()}`
  service.decide(({ headers }) => (headers['authorization'] === first ? stale : { status: 204 }))
  const responses = await Promise.all(
    Array.from({ length: 20 }, () => client.fetch(`${service.origin}/orders`)),
  )
  assert.deepEqual([...new Set(responses.map(({ status }) => status))], [204])
  assert.equal(running.wire.seenAt('/token').length, 1)
})

test('another 401, and a 403, are the answer: no other token mends them', async (t) => {
  const { client, service, running } = await startWithService(t)
  const challenges = [
    undefined,
    'Bearer realm="orders"',
    'Bearer error="insufficient_user_authentication"',
    'Basic realm="error=invalid_token"',
    'Bearer error="other", error_description="not error=\\"invalid_token\\" at all"',
  ]
  for (const challenge of challenges) {
    const headers = challenge === undefined ? {} : { 'www-authenticate': challenge }
    service.decide(() => ({ status: 401, headers }))
    assert.equal((await client.fetch(service.origin)).status, 401, challenge ?? 'no challenge')
  }
  service.decide(() => ({ ...stale, status: 403 }))
  assert.equal((await client.fetch(service.origin)).status, 403)
  assert.equal(service.seen.length, challenges.length + 1)
  assert.equal(running.wire.seenAt('/token').length, 0)
})

test('a stream is not sent a second time', async (t) => {
  const { client, service } = await startWithService(t)
  service.decide(() => stale)
  const body = new Blob(['the order']).stream()
  const init: RequestInit & { readonly duplex: 'half' } = { method: 'POST', body, duplex: 'half' }
  assert.equal((await client.fetch(service.origin, init)).status, 401)
  assert.equal(service.seen.length, 1)
})

test('forms and bytes are sent again as they were', async (t) => {
  const { client, service } = await startWithService(t)
  const bodies: readonly NonNullable<RequestInit['body']>[] = [
    new URLSearchParams('a=1'),
    new Blob(['a=1']),
    new TextEncoder().encode('a=1'),
  ]
  for (const body of bodies) {
    const before = service.seen.length
    service.decideNext(stale, { status: 200 })
    assert.equal((await client.fetch(service.origin, { method: 'POST', body })).status, 200)
    const sent = service.seen.slice(before).map((one) => one.body)
    assert.deepEqual(sent, ['a=1', 'a=1'])
  }
})

test('when no other token can be had, the caller learns why', async (t) => {
  const { client, service, running } = await startWithService(t)
  service.decide(() => stale)
  running.wire.decide(() => ({ status: 503 }))
  await assert.rejects(client.fetch(service.origin), { code: 'issuer-unreachable' })
  running.wire.decide(() => ({ status: 400, body: { error: 'invalid_grant' } }))
  await assert.rejects(client.fetch(service.origin), { code: 'signed-out' })
})

test('the token goes nowhere without TLS, except to loopback', async (t) => {
  const running = await startRunningIssuer(t)
  const asked: string[] = []
  const { client } = await signIn(running, {
    fetch: (url, init) => {
      if (url.startsWith(running.issuer)) return fetch(url, init)
      asked.push(url)
      return Promise.resolve(new Response())
    },
  })
  for (const address of [
    'http://orders.example/1',
    'ftp://localhost/',
    'data:text/plain,a',
    '/a',
  ]) {
    await assert.rejects(client.fetch(address), TypeError, address)
  }
  for (const address of ['https://orders.example/1', new URL('http://[::1]:8080/')]) {
    assert.equal((await client.fetch(address)).status, 200)
  }
  assert.deepEqual(asked, ['https://orders.example/1', 'http://[::1]:8080/'])
})
