import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { apiReference } from './api-reference.ts'

const pages = [...apiReference()]

test('the reference has every export of every entry', () => {
  const all = pages.map(([, text]) => text).join('\n')
  assert.ok((all.match(/^### /gm) ?? []).length > 150)
  for (const heading of [
    '## @portcullis/verify/express',
    '## @portcullis/client/admin',
    '## @portcullis/protocol/jws',
    '### createVerifier',
    '### VerifyError',
    '### startGateway',
  ]) {
    assert.ok(all.includes(`\n${heading}\n`), heading)
  }
})

test('it shows what users see, and no bodies', () => {
  const all = pages.map(([, text]) => text).join('\n')
  const [, shown = ''] = /### hasScope\n.*?```typescript\n(.*?)```/s.exec(all) ?? []
  assert.match(shown, /^\/\*\*.*\*\/\nfunction hasScope\(.*\): boolean\n$/s)
})

for (const [path, text] of pages) {
  test(`${path.split('/').at(-1)} is what the sources say`, () => {
    const published = existsSync(path) ? readFileSync(path, 'utf8') : ''
    assert.equal(published === text, true, 'run npm run generate:api')
  })
}
