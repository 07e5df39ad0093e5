import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readSourceFiles } from '../../../tools/source-tree.ts'

const files = readSourceFiles().filter(({ path }) => path.startsWith('packages/identity/src/http/'))

test('every tag of a page stands in the template that escapes what is put into it', () => {
  assert.ok(files.some(({ path }) => path.endsWith('openapi/reference-page.ts')))
  const byHand = files.flatMap(({ path, text }) =>
    // `<epoch>:<seq>` of a document is no tag.
    [...text.matchAll(/(?<!markup)[`'"]<\/?(?:[a-z]+\d?[ >=]|!)(?!:)/g)].map(
      ([tag]) => `${path}: ${tag}`,
    ),
  )
  assert.deepEqual(byHand, [])
  const trusting = files.filter(({ text }) => text.includes('trustedMarkup('))
  assert.deepEqual(
    trusting.map(({ path }) => path),
    ['packages/identity/src/http/pages/markup.ts', 'packages/identity/src/http/pages/page.ts'],
  )
  assert.equal(files.filter(({ text }) => text.includes('escapeHtml')).length, 1)
})
