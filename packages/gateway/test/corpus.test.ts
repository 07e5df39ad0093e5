import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { Vector, VectorRecipe } from '@portcullis/verify/testing'
import { buildVector } from '@portcullis/verify/testing'
import { sendRaw, statusesIn } from './http-client.ts'
import type { World } from './world.ts'
import { startWorld } from './world.ts'

const file = new URL('../../../vectors/access-tokens.json', import.meta.url)
const all = JSON.parse(readFileSync(file, 'utf8')) as readonly Vector[]
/** Those that an HTTP header field can carry unchanged. */
const vectors = all.filter(({ carrier }) => carrier !== 'call')

for (const algorithm of ['RS256', 'PS256', 'ES256', 'EdDSA'] as const) {
  test(`the corpus of tokens at the gateway, ${algorithm}`, async (t) => {
    const own = vectors.filter((vector) => (vector.algorithm ?? 'RS256') === algorithm)
    assert.ok(own.length > 0, 'the corpus was not found')
    const world = await startWorld(t, {
      issuer: { algorithm },
      file: () => ({ limits: { headerBytes: 65_536 } }),
    })
    // The same without the defect; most have the plain token for a twin, which is tried once.
    const twins = new Map<string, VectorRecipe>()
    for (const vector of own) {
      const { recipe, twin = {}, expected } = vector
      const answer = await present(world, recipe)
      assert.deepEqual(statusesIn(answer), [expected.status], `${vector.id}: ${vector.forges}`)
      if (expected.code !== undefined) {
        assert.match(answer, new RegExp(`"code":"${expected.code}"`), vector.id)
        assert.match(answer, /^www-authenticate: Bearer realm="orders"/m, vector.id)
        assert.equal(world.service.requests.length, 0, `${vector.id} reached the service`)
      }
      world.service.requests.splice(0)
      twins.set(JSON.stringify(twin), twin)
    }
    for (const twin of twins.values()) {
      assert.deepEqual(statusesIn(await present(world, twin)), [200], JSON.stringify(twin))
    }
  })
}

test('the corpus is whole', () => {
  assert.ok(vectors.length >= 300, `only ${vectors.length} vectors`)
})

function present({ port, issuer }: World, recipe: VectorRecipe): Promise<string> {
  const { authorization } = buildVector(recipe, issuer)
  const fields = authorization.map((value) => `Authorization: ${value}\r\n`).join('')
  const frame = 'GET /orders HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n'
  return sendRaw(port, `${frame}${fields}\r\n`)
}
