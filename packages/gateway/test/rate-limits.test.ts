import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { StartError } from '@portcullis/runtime'
import { parseGatewaySettings } from '../src/index.ts'
import type { Question } from './http-client.ts'
import type { World } from './world.ts'
import { startWorld } from './world.ts'

interface Limited {
  readonly world: World
  /** The status of each of so many requests, one after another. */
  readonly statuses: (times: number, question: Question) => Promise<number[]>
  readonly advanceMs: (ms: number) => void
}

async function startLimited(
  t: TestContext,
  rateLimits: object,
  members: object = {},
): Promise<Limited> {
  let nowMs = 0
  const world = await startWorld(t, {
    steadyNow: () => nowMs,
    file: () => ({ rateLimits, ...members }),
  })
  return {
    world,
    statuses: async (times, question) => {
      const found: number[] = []
      for (let n = 0; n < times; n += 1) found.push((await world.ask(question)).status)
      return found
    },
    advanceMs: (ms) => {
      nowMs += ms
    },
  }
}

test('a subject that asks too often is told when to come again, and others are served', async (t) => {
  const { world, statuses, advanceMs } = await startLimited(t, {
    perSubjectPerSecond: 0.5,
    perSubjectBurst: 3,
  })
  const token = world.issuer.mint({ sub: 'person' })
  assert.deepEqual(await statuses(3, { token }), [200, 200, 200])
  const refused = await world.ask({ token })
  assert.equal(refused.status, 429)
  assert.equal(refused.headers['retry-after'], '2')
  assert.equal(refused.headers['content-type'], 'application/problem+json')
  assert.equal(refused.json()['code'], 'too-many-requests')
  assert.match(world.log(), /"status":429,"reason":"subject-rate",.*"subject":"person"/)
  assert.deepEqual(await statuses(1, { token: world.issuer.mint({ sub: 'other' }) }), [200])
  advanceMs(1999)
  assert.deepEqual(await statuses(1, { token }), [429])
  advanceMs(1)
  assert.deepEqual(await statuses(2, { token }), [200, 429])
})

test('without a burst there is as much at once as comes in a second, and at least one', async (t) => {
  const { world, statuses } = await startLimited(t, { perSubjectPerSecond: 4 })
  const token = world.issuer.mint()
  assert.deepEqual(await statuses(6, { token }), [200, 200, 200, 200, 429, 429])
  const slow = await startLimited(t, { perSubjectPerSecond: 0.1 })
  assert.deepEqual(await slow.statuses(2, { token: slow.world.issuer.mint() }), [200, 429])
})

test('nobody has more by another token, and nobody takes from another by a forged one or by a header', async (t) => {
  const { world, statuses } = await startLimited(t, { perSubjectPerSecond: 2 })
  const { issuer } = world
  const forged = [
    issuer.forge({ payload: { set: { sub: 'person' } }, signature: 'stranger' }),
    issuer.mint({ sub: 'person', exp: 1_000_000, iat: 999_900 }),
    issuer.mint({ sub: 'person', aud: 'other' }),
  ]
  for (const token of forged) assert.deepEqual(await statuses(5, { token }), Array(5).fill(401))
  for (const name of ['X-Auth-Subject', 'X-Forwarded-User', 'Subject']) {
    const token = issuer.mint({ sub: `of ${name}` })
    assert.deepEqual(await statuses(2, { token, headers: [name, 'person'] }), [200, 200])
  }
  const twin = { sub: 'person', client_id: 'another' }
  assert.deepEqual(await statuses(1, { token: issuer.mint({ sub: 'person' }) }), [200])
  assert.deepEqual(await statuses(1, { token: issuer.mint(twin), path: '/optional' }), [200])
  assert.deepEqual(await statuses(1, { token: issuer.mint({ sub: 'person' }) }), [429])
  assert.deepEqual(
    await statuses(1, { token: issuer.mint({ sub: 'person' }), path: '/optional' }),
    [429],
  )
  assert.deepEqual(await statuses(1, { token: issuer.mint({ sub: 'Person' }) }), [200])
  // Where tokens are not judged, nobody is anybody.
  assert.deepEqual(
    await statuses(3, { token: issuer.mint({ sub: 'person' }), path: '/public' }),
    [200, 200, 200],
  )
  assert.deepEqual(await statuses(3, { path: '/optional' }), [200, 200, 200])
})

test('who may not do what is asked spends as much as who may', async (t) => {
  const { world, statuses } = await startLimited(
    t,
    { perSubjectPerSecond: 2 },
    { auth: { audience: 'orders', scope: ['orders:write'] } },
  )
  const token = world.issuer.mint({ scope: 'orders:read' })
  assert.deepEqual(await statuses(3, { token }), [403, 403, 429])
})

test('the subjects of one client share what the client is allowed', async (t) => {
  const { world, statuses } = await startLimited(t, { perClientPerSecond: 3 })
  const tokenOf = (sub: string, client: string): string =>
    world.issuer.mint({ sub, client_id: client })
  const found: number[] = []
  for (let n = 0; n < 5; n += 1)
    found.push(...(await statuses(1, { token: tokenOf(`s-${n}`, 'app') })))
  assert.deepEqual(found, [200, 200, 200, 429, 429])
  assert.deepEqual(await statuses(1, { token: tokenOf('s-0', 'other') }), [200])
  assert.match(world.log(), /"status":429,"reason":"client-rate"/)
})

test('a network is limited on every route before a token is looked at, whatever it says of itself', async (t) => {
  const { world, statuses } = await startLimited(t, { perNetworkPerSecond: 4 })
  const token = world.issuer.forge({ signature: 'stranger' })
  const headers = [
    'X-Forwarded-For',
    '192.0.2.1',
    'Forwarded',
    'for=192.0.2.2',
    'X-Real-IP',
    '192.0.2.3',
  ]
  assert.deepEqual(await statuses(1, { path: '/public' }), [200])
  assert.deepEqual(await statuses(1, { path: '/nowhere' }), [404])
  assert.deepEqual(await statuses(2, { token, headers }), [401, 401])
  for (const path of ['/public', '/nowhere', '/orders', '/public/%2e']) {
    assert.deepEqual(await statuses(1, { path, token, headers }), [429], path)
  }
  assert.match(world.log(), /"status":429,"reason":"network-rate","network":"127\.0\.0\.1"/)
})

const from = (...list: string[]): Question => ({
  path: '/public',
  headers: ['X-Forwarded-For', list.join(', ')],
})

test('behind a trusted proxy each client has its own network, an IPv6 client its /64', async (t) => {
  const { statuses } = await startLimited(
    t,
    { perNetworkPerSecond: 2 },
    { trustedProxies: ['127.0.0.1'] },
  )
  assert.deepEqual(await statuses(2, from('192.0.2.1')), [200, 200])
  // What stands before the last one may be invented, and another spelling is no other address.
  assert.deepEqual(await statuses(1, from('198.51.100.7', '192.0.2.1')), [429])
  assert.deepEqual(await statuses(1, from('::ffff:192.0.2.1')), [429])
  assert.deepEqual(await statuses(1, from('::FFFF:c000:201')), [429])
  assert.deepEqual(await statuses(1, from('192.0.2.2')), [200])
  assert.deepEqual(await statuses(1, from('2001:db8:0:1::1')), [200])
  assert.deepEqual(await statuses(1, from('2001:DB8::1:ffff:0:0:2')), [200])
  assert.deepEqual(await statuses(1, from('2001:db8:0:1:abcd::9')), [429])
  assert.deepEqual(await statuses(1, from('2001:db8:0:2::1')), [200])
  // Whoever hides is one network with all who hide: that of the proxy that says nothing.
  assert.deepEqual(await statuses(2, from('unknown')), [200, 200])
  assert.deepEqual(await statuses(1, from('_hidden')), [429])
})

test('requests that a proxy asks about take from the same caller', async (t) => {
  const { world, statuses } = await startLimited(
    t,
    { perSubjectPerSecond: 2 },
    { trustedProxies: ['127.0.0.1'], forwardAuth: { dialect: 'caddy' } },
  )
  const token = world.issuer.mint()
  const asked = ['X-Forwarded-Method', 'GET', 'X-Forwarded-Uri', '/orders', 'X-Forwarded-Host', 'a']
  assert.deepEqual(await statuses(1, { token }), [200])
  const question = { path: '/_portcullis/authorize', token, headers: asked }
  assert.deepEqual(await statuses(2, question), [200, 429])
})

test('by default nobody is limited', async (t) => {
  const { world, statuses } = await startLimited(t, {})
  const token = world.issuer.mint()
  assert.deepEqual(await statuses(100, { token }), Array(100).fill(200))
})

test('rates and bursts that mean nothing are mistakes of the file', () => {
  const wrong: Readonly<Record<string, unknown>>[] = [
    { perSubjectPerSecond: 0 },
    { perSubjectPerSecond: '50' },
    { perClientPerSecond: 1, perClientBurst: 0 },
    { perNetworkBurst: 10 },
    { perSubjectBurst: 10 },
    { perMinute: 10 },
  ]
  for (const rateLimits of wrong) {
    assert.throws(
      () =>
        parseGatewaySettings({
          listen: { port: 0 },
          issuer: 'https://id.example',
          routes: [{ match: '/*', to: ['http://127.0.0.1:9'], auth: { mode: 'none' } }],
          rateLimits,
        }),
      (error) => error instanceof StartError && /\/rateLimits/.test(error.message + error.remedy),
      JSON.stringify(rateLimits),
    )
  }
})
