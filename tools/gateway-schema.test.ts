import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { checkAgainstSchema } from '@portcullis/runtime'
import { gatewaySchemaPath, gatewaySchemaSource } from './gateway-schema.ts'
import { root } from './source-tree.ts'

function published(): Readonly<Record<string, unknown>> {
  return JSON.parse(readFileSync(gatewaySchemaPath, 'utf8')) as Readonly<Record<string, unknown>>
}

function mistakesOf(value: unknown): readonly string[] {
  const checked = checkAgainstSchema(published(), value)
  return checked.kind === 'valid' ? [] : checked.mistakes.map(({ path }) => path)
}

test('the published schema of the routing file is the one that the gateway has, with the words of the README', () => {
  const source = gatewaySchemaSource()
  assert.ok(source.match(/"description"/g)?.length, 'nothing is described')
  assert.equal(
    readFileSync(gatewaySchemaPath, 'utf8'),
    source,
    'run npm run generate:gateway-schema',
  )
})

test('the files of the documents fit the published schema, and others do not', () => {
  const documents = ['packages/gateway/README.md', 'docs/forward-auth.md']
  const files = documents.flatMap((path) =>
    [...readFileSync(join(root, path), 'utf8').matchAll(/```json\n(.*?)```/gs)].flatMap(
      ([, text = '']) => (text.includes('"routes"') ? [JSON.parse(text) as object] : []),
    ),
  )
  assert.ok(files.length >= 2)
  for (const file of files) {
    assert.deepEqual(mistakesOf(file), [])
    assert.deepEqual(mistakesOf({ ...file, $schema: './portcullis.gateway.schema.json' }), [])
    assert.deepEqual(mistakesOf({ ...file, rutes: [] }), ['/rutes'])
    assert.deepEqual(mistakesOf({ ...file, routes: [{ to: [] }] }), [
      '/routes/0/match',
      '/routes/0/to',
    ])
  }
})
