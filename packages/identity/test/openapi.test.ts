import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { after, before, test } from 'node:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import type { ApiDocument } from '../src/http/openapi/document.ts'
import { describeApi, operations } from '../src/http/openapi/document.ts'
import type { RunningIdentity } from './running-identity.ts'
import { startRunningIdentity } from './running-identity.ts'
import { listServerRoutes } from './server-routes.ts'
import { createTemporaryFolder } from './temporary-folder.ts'

/*
 * That answers are what the document says is held by every test that asks a running identity (`api-answers.ts`).
 */

let identity: RunningIdentity
before(async () => {
  identity = await startRunningIdentity()
})
after(() => identity.close())

async function documentOf({ ask }: RunningIdentity, path = '/openapi.json'): Promise<ApiDocument> {
  const answer = await ask({ path })
  assert.equal(answer.status, 200)
  return answer.members() as unknown as ApiDocument
}

test('the document is one by the specification of OpenAPI 3.1', async () => {
  const document = await documentOf(identity)
  const { valid, errors } = await new Validator().validate({ ...document })
  assert.ok(valid, JSON.stringify(errors))
  const { valid: isValidWithout } = await new Validator().validate({ ...document, info: {} })
  assert.equal(isValidWithout, false)
})

test('it describes every route of the server, and nothing else', async (t: TestContext) => {
  const folder = createTemporaryFolder()
  t.after(folder.remove)
  const served = await listServerRoutes(t, `sqlite:${folder.path}/routes.db`)
  const described = Object.entries((await documentOf(identity)).paths).flatMap(([path, methods]) =>
    Object.keys(methods).map(
      (method) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`,
    ),
  )
  assert.ok(described.length >= 35, `only ${described.length} were found`)
  assert.deepEqual(described.toSorted(), served.map(({ name }) => name).toSorted())
  assert.deepEqual(Object.keys(operations).toSorted(), described.toSorted())
})

test('what is asked of a request is what the server checks', async () => {
  const { paths } = await documentOf(identity)
  const login = paths['/login']?.['post']?.requestBody
  assert.equal(login?.required, true)
  const schema = login.content['application/json']?.schema
  assert.deepEqual(schema?.['required'], ['identifier', 'password'])
  assert.equal(schema?.['additionalProperties'], false)
  const [parameter] = paths['/sessions/{sid}']?.['delete']?.parameters ?? []
  assert.deepEqual([parameter?.name, parameter?.in, parameter?.required], ['sid', 'path', true])
})

test('each operation has a name of its own, and says what it refuses', async () => {
  const { paths } = await documentOf(identity)
  const all = Object.values(paths).flatMap((methods) => Object.values(methods))
  const names = all.map(({ operationId }) => operationId)
  assert.equal(new Set(names).size, names.length)
  const statuses = Object.keys(paths['/login']?.['post']?.responses ?? {})
  assert.deepEqual(statuses, ['200', '400', '401', '403', '413', '415', '429', '500', '503'])
})

test('what every schema names is there', async () => {
  const document = await documentOf(identity)
  const named = [...JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g)]
  assert.ok(named.length >= 30, `only ${named.length} were found`)
  for (const [, name = ''] of named) assert.ok(name in document.components.schemas, name)
})

test('an issuer with a path is named with it, and its metadata without', async (t) => {
  const issuer = 'https://id.example/tenant'
  const other = await startRunningIdentity({ file: { issuer } })
  t.after(other.close)
  const document = await documentOf(other, '/tenant/openapi.json')
  assert.deepEqual(Object.keys(document.paths), Object.keys((await documentOf(identity)).paths))
  const metadata = document.paths['/.well-known/oauth-authorization-server']?.['get']
  assert.deepEqual(metadata?.servers, [{ url: 'https://id.example' }])
  assert.equal(document.paths['/login']?.['post']?.servers, undefined)
})

test('a route that nobody described is a fault that is noticed', () => {
  const route = { method: 'GET', path: '/new' }
  assert.throws(() => describeApi('https://id.example', [route]), /GET \/new is not described/)
})

test('it is kept as long as other documents, and not sent twice', async () => {
  const first = await identity.ask({ path: '/openapi.json' })
  const headers = { 'if-none-match': String(first.headers.etag) }
  const second = await identity.ask({ path: '/openapi.json', headers })
  assert.equal(second.status, 304)
})

test('the page for people names every operation, and runs no script but its own', async () => {
  const { status, headers, body } = await identity.ask({ path: '/docs' })
  assert.equal(status, 200)
  assert.match(String(headers['content-security-policy']), /default-src 'none'/)
  assert.equal(body.match(/<script/gi)?.length, 1)
  const { paths } = await documentOf(identity)
  const names = Object.values(paths).flatMap((methods) => Object.values(methods))
  for (const { operationId } of names) assert.ok(body.includes(`id="${operationId}"`), operationId)
})
