import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { RunningSystem } from './running-system.ts'
import { bearer, postJson, removeFolder, startSystem } from './running-system.ts'

let system: RunningSystem
let alice: string
let admin: string

before(async () => {
  system = await startSystem()
  alice = await system.signIn('alice')
  admin = await system.signIn('admin')
})

after(async () => {
  await system.stop()
  removeFolder(system.folder)
})

interface Order {
  readonly id: string
  readonly item: string
  readonly status: string
}

async function orderLamp(token: string): Promise<Order> {
  const response = await postJson(
    `${system.endpoints.gateway}/orders`,
    { item: 'lamp', quantity: 1 },
    bearer(token),
  )
  assert.equal(response.status, 201)
  return (await response.json()) as Order
}

test('a customer orders through the gateway, reads the order and finds it in the list', async () => {
  const order = await orderLamp(alice)
  const { gateway } = system.endpoints
  const one = await fetch(`${gateway}/orders/${order.id}`, { headers: bearer(alice) })
  assert.deepEqual(await one.json(), order)
  const all = await fetch(`${gateway}/orders`, { headers: bearer(alice) })
  const { orders } = (await all.json()) as { readonly orders: readonly Order[] }
  assert.ok(orders.some(({ id }) => id === order.id))
})

test('only an admin cancels: a customer gets 403 from the gateway and, past it, from orders', async () => {
  const order = await orderLamp(alice)
  for (const door of [system.endpoints.gateway, system.endpoints.orders]) {
    const refused = await fetch(`${door}/orders/${order.id}`, {
      method: 'DELETE',
      headers: bearer(alice),
    })
    assert.equal(refused.status, 403, door)
    assert.match(refused.headers.get('www-authenticate') ?? '', /error="insufficient_scope"/)
  }
  const cancelled = await fetch(`${system.endpoints.gateway}/orders/${order.id}`, {
    method: 'DELETE',
    headers: bearer(admin),
  })
  assert.equal(cancelled.status, 200)
  assert.equal(((await cancelled.json()) as Order).status, 'cancelled')
})

test('a session refreshes: two tabs at once get one successor, and it works at both doors', async () => {
  const { identity, gateway, orders } = system.endpoints
  const password = system.credentials.accounts.find(
    ({ identifier }) => identifier === 'alice',
  )?.password
  const login = await postJson(`${identity}/login`, { identifier: 'alice', password })
  const { refresh_token: first } = (await login.json()) as Record<string, string>
  const form = { grant_type: 'refresh_token', refresh_token: first ?? '' }
  const answers = await Promise.all(
    [1, 2].map(async () => {
      const response = await fetch(`${identity}/token`, {
        method: 'POST',
        body: new URLSearchParams(form),
      })
      assert.equal(response.status, 200)
      return (await response.json()) as Record<string, string>
    }),
  )
  assert.equal(new Set(answers.map((answer) => answer['refresh_token'])).size, 1)
  for (const { access_token: token = '' } of answers) {
    for (const door of [gateway, orders]) {
      const response = await fetch(`${door}/orders`, { headers: bearer(token) })
      assert.equal(response.status, 200, door)
    }
  }
})

test('a machine client gets a token for itself, within its scope', async () => {
  const [machine] = system.credentials.clients
  assert.ok(machine)
  const response = await fetch(`${system.endpoints.identity}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${machine.client_id}:${machine.client_secret}`)}` },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  })
  assert.equal(response.status, 200)
  const { access_token: token, scope } = (await response.json()) as Record<string, string>
  assert.equal(scope, machine.scope)
  const read = await fetch(`${system.endpoints.gateway}/orders`, { headers: bearer(token ?? '') })
  assert.deepEqual(await read.json(), { orders: [] })
  const write = await postJson(
    `${system.endpoints.gateway}/orders`,
    { item: 'lamp', quantity: 1 },
    bearer(token ?? ''),
  )
  assert.equal(write.status, 403)
})

test('the gateway has no route for anything else', async () => {
  const { gateway } = system.endpoints
  for (const path of ['/', '/ordersX', '/health', '/login', '/.well-known/jwks.json']) {
    const response = await fetch(`${gateway}${path}`, { headers: bearer(alice) })
    assert.equal(response.status, 404, path)
  }
})

test('bad orders are refused with what is wrong, and nothing is kept of them', async () => {
  const { gateway } = system.endpoints
  const kept = await fetch(`${gateway}/orders`, { headers: bearer(alice) })
  const bodies = ['{', '[]', '{"item":1,"quantity":1}', '{"item":"a","quantity":1,"x":1}', '{}']
  for (const body of bodies) {
    const response = await fetch(`${gateway}/orders`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...bearer(alice) },
      body,
    })
    assert.equal(response.status, 400, body)
    assert.match(response.headers.get('content-type') ?? '', /application\/problem\+json/)
  }
  const large = await postJson(
    `${gateway}/orders`,
    { item: 'x'.repeat(1_000_000), quantity: 1 },
    bearer(alice),
  )
  assert.equal(large.status, 413)
  const present = await fetch(`${gateway}/orders`, { headers: bearer(alice) })
  assert.deepEqual(await present.json(), await kept.json())
})

test('operators see the health on a listener of their own', async () => {
  const { operations, identity } = system.endpoints
  const ready = await fetch(`${operations}/health/ready`)
  assert.deepEqual([ready.status, await ready.json()], [200, { status: 'ok' }])
  assert.equal((await fetch(`${identity}/health/ready`)).status, 404)
})

test('the script of the example orders something with the client library', () => {
  const script = fileURLToPath(new URL('../examples/orders/scripts/order.ts', import.meta.url))
  const output = execFileSync(
    process.execPath,
    ['--conditions=@portcullis/source', script, 'chair', '3'],
    { encoding: 'utf8', env: { ...process.env, INIT_CWD: system.folder } },
  )
  assert.match(output, /^201 .*"item":"chair","quantity":3/)
})

test('the script of the example follows reviews until its session ends', async () => {
  const script = fileURLToPath(new URL('../examples/reviews/scripts/follow.ts', import.meta.url))
  const child = spawn(process.execPath, ['--conditions=@portcullis/source', script], {
    env: { ...process.env, INIT_CWD: system.folder },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  const said = async (pattern: RegExp): Promise<void> => {
    while (!pattern.test(output)) await once(child.stdout, 'data')
  }
  await said(/^200/)
  const query = 'mutation { addReview(item: "lamp", stars: 4, text: "warm") { id } }'
  await postJson(`${system.endpoints.gateway}/reviews/graphql`, { query }, bearer(alice))
  await said(/"text":"warm"/)
  const closed = once(child, 'close')
  const everywhere = `${system.endpoints.identity}/logout/everywhere`
  assert.equal((await fetch(everywhere, { method: 'POST', headers: bearer(alice) })).status, 200)
  const [code] = (await closed) as [number]
  assert.equal(code, 0)
  assert.match(output, /UNAUTHENTICATED/)
})
