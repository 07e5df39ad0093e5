import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { World } from './world.ts'
import { startWorld } from './world.ts'

const path = '/_portcullis/authorize'

/** How each proxy tells the host of the request that it asks about. */
const asking: Readonly<Record<string, (world: World, host: string) => Promise<number>>> = {
  nginx: async ({ ask }, host) => {
    const headers = ['Host', host, 'X-Original-Method', 'GET', 'X-Original-URI', '/a']
    return (await ask({ path, headers: [...headers, 'X-Forwarded-Host', 'open.example'] })).status
  },
  caddy: async ({ ask }, host) => {
    const headers = ['X-Forwarded-Method', 'GET', 'X-Forwarded-Uri', '/a', 'X-Forwarded-Host', host]
    return (await ask({ path, headers: ['Host', 'open.example', ...headers] })).status
  },
  envoy: async ({ ask }, host) => {
    const headers = ['Host', host, 'X-Forwarded-Host', 'open.example']
    return (await ask({ path: `${path}/a`, headers })).status
  },
}

test('the host of the request that a proxy asks about decides, and no other that it carries', async (t) => {
  assert.equal(Object.keys(asking).length, 3)
  for (const [dialect, statusOf] of Object.entries(asking)) {
    const world = await startWorld(t, {
      file: () => ({
        trustedProxies: ['127.0.0.1'],
        forwardAuth: { dialect },
        routes: [
          { host: 'shop.example', match: '/a' },
          { host: 'open.example', match: '/a', auth: { mode: 'none' } },
        ],
      }),
    })
    for (const host of ['shop.example', 'SHOP.Example', 'shop.example:8443']) {
      assert.equal(await statusOf(world, host), 401, `${dialect}: ${host}`)
    }
    assert.equal(await statusOf(world, 'OPEN.example:80'), 200, dialect)
    for (const host of ['other.example', 'shop.example.', 'open.example.']) {
      const status = await statusOf(world, host)
      assert.ok(status >= 400 && status < 500 && status !== 401, `${dialect}: ${host} ${status}`)
    }
  }
})
