import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rowsOf } from './document-tables.ts'
import { readSourceFiles } from './source-tree.ts'

/*
 * That every metric of a running process is in docs/metrics.md, and the other way round, e2e/metrics.test.ts asks the
 * processes. It cannot see the labels of what has not been counted yet.
 */
test('every metric has the labels in docs/metrics.md that it is declared with', () => {
  const rows = rowsOf('docs/metrics.md', 5).slice(1)
  const documented = new Map(
    rows.map(([name = '', , labels = '']) => [
      name.replaceAll('`', ''),
      Array.from(labels.matchAll(/`(\w+)`/g), ([, label]) => label),
    ]),
  )
  const declaration = /name: '(portcullis_\w+)',\s+help:[^\]]*?label(?:Name)?s: \[([^\]]*)\]/g
  const declared = readSourceFiles().flatMap(({ text }) => Array.from(text.matchAll(declaration)))
  assert.ok(declared.length >= 14, `only ${declared.length} were found`)
  for (const [, name = '', labels = ''] of declared) {
    const own = Array.from(labels.matchAll(/'(\w+)'/g), ([, label]) => label)
    assert.deepEqual(documented.get(name), own, name)
  }
})
