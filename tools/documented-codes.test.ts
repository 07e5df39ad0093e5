import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { literalsOf, readRefusalCodes, verifyErrorCodes } from './code-vocabulary.ts'
import { tableOf } from './document-tables.ts'
import { readSourceFiles, root } from './source-tree.ts'

const files = readSourceFiles()

function textOf(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

/** Several may share a row. */
function namesIn(page: string, head: string): readonly string[] {
  return tableOf(page, head)
    .flatMap(([first = '']) => Array.from(first.matchAll(/`([\w-]+)`/g), ([, name = '']) => name))
    .toSorted()
}

test('docs/logs.md has every code that a request may be refused for, of which kind it is, its status and its title', () => {
  const codes = readRefusalCodes()
  assert.ok(codes.length >= 80, `only ${codes.length} were found`)
  for (const kind of ['problem', 'token', 'proof', 'OAuth', 'gateway'] as const) {
    assert.ok(codes.filter(({ kinds }) => kinds.includes(kind)).length >= 7, kind)
  }
  const written = new Map(
    tableOf('docs/logs.md', 'code').map(([code = '', kinds, status, meaning]) => [
      code.replaceAll('`', ''),
      { kinds, status, meaning },
    ]),
  )
  assert.deepEqual([...written.keys()].toSorted(), codes.map(({ code }) => code).toSorted())
  for (const { code, kinds, status, title } of codes) {
    const row = written.get(code)
    assert.equal(row?.kinds, kinds.join(', '), code)
    assert.equal(row?.status, status === undefined ? '' : String(status), code)
    assert.ok(title === undefined || row?.meaning?.startsWith(title), `${code}: ${title}`)
    assert.ok((row?.meaning ?? '').length > 10, code)
  }
})

test('the README of the SDK has every code of its errors, its warnings and its receiver of events', () => {
  const readme = 'packages/verify/README.md'
  assert.deepEqual(namesIn(readme, '`code`'), verifyErrorCodes().toSorted())
  const told = textOf('packages/verify/src/warnings.ts').matchAll(/^ +\| '(PORTCULLIS_\w+)'$/gm)
  const warnings = Array.from(told, ([, code = '']) => code)
  assert.ok(warnings.length >= 6)
  assert.deepEqual(namesIn(readme, 'code of a warning'), warnings.toSorted())
  const ofEvents = literalsOf('packages/verify/src/events/security-event-token.ts', 'DeliveryFault')
  assert.deepEqual(namesIn(readme, '`err`'), ofEvents.toSorted())
})

test('the README of the client has every code of its errors', () => {
  const codes = literalsOf('packages/client/src/client-error.ts', 'ClientErrorCode')
  assert.ok(codes.length >= 6)
  assert.deepEqual(namesIn('packages/client/README.md', '`code`'), codes.toSorted())
})

test('the README of the command line has every exit code, and no other', () => {
  const ofCli = files.filter(({ path }) => path.startsWith('packages/cli/src/'))
  const given = ofCli.flatMap(({ text }) =>
    Array.from(
      text.matchAll(/(?:new CommandError\(\s*|usageExitCode = |process\.exit\()(\d)/g),
      ([, code = '']) => code,
    ),
  )
  assert.ok(given.length >= 20, `only ${given.length} were found`)
  // 0 is what is left.
  const expected = new Set(['0', ...given])
  const written = tableOf('packages/cli/README.md', 'exit code').map(([code]) => code)
  assert.deepEqual(written, [...expected].toSorted())
  const ofProcesses = files.flatMap(({ text }) =>
    Array.from(text.matchAll(/process\.exit(?:Code = |\()(\d+)/g), ([, code = '']) => code),
  )
  assert.ok(ofProcesses.length >= 5)
  for (const code of ofProcesses) assert.ok(expected.has(code), `a process ends with ${code}`)
})
