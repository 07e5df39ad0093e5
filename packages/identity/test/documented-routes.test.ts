import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import Fastify from 'fastify'
import type { ServerRoute } from './server-routes.ts'
import { listServerRoutes } from './server-routes.ts'
import { createTemporaryFolder } from './temporary-folder.ts'

function routesOf(t: TestContext): Promise<readonly ServerRoute[]> {
  const folder = createTemporaryFolder()
  t.after(folder.remove)
  return listServerRoutes(t, `sqlite:${folder.path}/routes.db`)
}

// ASVS 6.3.4: no way in that nobody wrote down.
test('the routes of the README are the routes of the server', async (t) => {
  const found = (await routesOf(t)).map(({ name }) => name)
  assert.deepEqual(documentedRoutes().toSorted(), found.toSorted())
})

// ASVS 6.4.2: neither hints nor questions, which would be more to guess.
test('what a request may say about a person to be let in is a password, a token or a link', async (t) => {
  const routes = await routesOf(t)
  const named = new Set(routes.flatMap(({ bodyFields }) => bodyFields))
  const forOthers = [
    'roles',
    'attributes',
    'reason',
    'purpose',
    'algorithm',
    'accounts',
    'dry_run',
    'ids',
    'issuer',
    'anchors',
    'name',
    'description',
    'public',
    'grants',
    'audiences',
    'scopes',
    'jwks',
    'overlap_seconds',
    'follower',
    'position',
    'applied_ms_ago',
    'max_staleness_seconds',
    'ended',
    'stream_id',
    'events_requested',
    'format',
    'status',
    'subject',
    'verified',
    'state',
    'maxEvents',
    'returnImmediately',
    'ack',
    'setErrs',
    'endpoint_url',
    'authorization_header',
    'events',
    'clock',
    'refused',
    'software',
    'version',
    'checkpoint_ms_ago',
  ]
  const ofClients = ['client_id', 'client_secret', 'client_assertion', 'client_assertion_type']
  const ofAccess = [...ofClients, 'audience', 'scope', 'max_age', 'delivery']
  const credentials = ['password', 'current', 'new', 'refresh_token', 'token']
  const all = ['identifier', 'email', ...credentials, ...ofAccess, ...forOthers]
  assert.deepEqual([...named].toSorted(), all.toSorted())
})

test('the schemas of the routes are schemas', async (t) => {
  const schemas = (await routesOf(t)).flatMap((route) => route.schemas)
  assert.ok(schemas.length >= 15, `only ${schemas.length} were found`)
  await withSchemas(schemas)
  await assert.rejects(withSchemas([{ type: 'object', minProperties: 'one' }]), /schema is invalid/)
})

/** Unlike identity's, a Fastify as it comes holds them against the meta-schema. */
async function withSchemas(schemas: readonly object[]): Promise<void> {
  const app = Fastify()
  for (const [place, body] of schemas.entries()) {
    app.post(`/${place}`, { schema: { body } }, async () => undefined)
  }
  await app.ready()
}

/** A line may name several methods, several paths and a query. */
function documentedRoutes(): readonly string[] {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const [, table = ''] = /^## Routes\n(.*?)^A login without/ms.exec(readme) ?? []
  const cells = [...table.matchAll(/^\| (`(?:GET|POST|PUT|DELETE|PATCH).*?) +\|/gm)].map(
    ([, cell = '']) => cell,
  )
  assert.ok(cells.length >= 30, `only ${cells.length} lines were found`)
  const named = cells.flatMap((cell) => {
    const methods = cell.match(/\b[A-Z]{3,}\b/g) ?? []
    const paths = cell.match(/\/[^`?, ]+/g) ?? []
    return paths.flatMap((path) => [...new Set(methods)].map((method) => `${method} ${path}`))
  })
  return [...new Set(named)]
}
