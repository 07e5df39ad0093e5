import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { readSecret, StartError } from '../src/index.ts'

function fileWith(t: TestContext, content: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-runtime-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'secret')
  writeFileSync(path, content)
  return path
}

test('a secret is the value of its variable, untouched', () => {
  assert.equal(readSecret({ KEY: ' with spaces \n' }, 'KEY'), ' with spaces \n')
})

test('a secret that is set nowhere is undefined, and another variable is not taken for it', () => {
  assert.equal(readSecret({}, 'KEY'), undefined)
  assert.equal(readSecret({ KEY_OLD: 'x', OTHER_FILE: '/etc/passwd' }, 'KEY'), undefined)
})

test('a secret file loses one final line break and nothing else', (t) => {
  const contents = [
    ['secret', 'secret'],
    ['secret\n', 'secret'],
    ['secret\r\n', 'secret'],
    ['secret\n\n', 'secret\n'],
    [' two\nlines ', ' two\nlines '],
  ] as const
  for (const [content, secret] of contents) {
    assert.equal(readSecret({ KEY_FILE: fileWith(t, content) }, 'KEY'), secret)
  }
})

test('a variable and a file at once are a StartError, even when they agree', (t) => {
  const path = fileWith(t, 'secret')
  assert.throws(
    () => readSecret({ KEY: 'secret', KEY_FILE: path }, 'KEY'),
    (error) =>
      error instanceof StartError &&
      error.message === 'KEY and KEY_FILE are both set' &&
      error.remedy === 'Unset one of them.',
  )
})

test('a secret file that cannot be read is a StartError with variable, path and reason', (t) => {
  const missing = join(fileWith(t, ''), 'deeper')
  for (const [path, code] of [
    [missing, 'ENOTDIR'],
    ['/nowhere/secret', 'ENOENT'],
    [tmpdir(), 'EISDIR'],
  ] as const) {
    assert.throws(
      () => readSecret({ KEY_FILE: path }, 'KEY'),
      (error) =>
        error instanceof StartError &&
        error.message === `KEY_FILE points to ${path}, which cannot be read (${code})`,
    )
  }
})
