import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { exposedFile, readSecret } from '../src/index.ts'

function fileWith(t: TestContext, content: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-runtime-'))
  t.after(() => rmSync(folder, { recursive: true, maxRetries: 5 }))
  const path = join(folder, 'secret')
  writeFileSync(path, content)
  return path
}

test('a secret is the value of its variable, untouched', () => {
  const text = ' with spaces \n'
  assert.deepEqual(readSecret({ KEY: text }, 'KEY'), { kind: 'text', text, variable: 'KEY' })
})

test('a secret that is set nowhere is not set, and another variable is not taken for it', () => {
  assert.deepEqual(readSecret({}, 'KEY'), { kind: 'not-set' })
  const others = { KEY_OLD: 'x', OTHER_FILE: '/etc/passwd' }
  assert.deepEqual(readSecret(others, 'KEY'), { kind: 'not-set' })
})

test('a secret file loses one final line break and nothing else', (t) => {
  const contents = [
    ['secret', 'secret'],
    ['secret\n', 'secret'],
    ['secret\r\n', 'secret'],
    ['secret\n\n', 'secret\n'],
    [' two\nlines ', ' two\nlines '],
  ] as const
  for (const [content, text] of contents) {
    const read = readSecret({ KEY_FILE: fileWith(t, content) }, 'KEY')
    assert.deepEqual(read, { kind: 'text', text, variable: 'KEY_FILE' })
  }
})

test('a variable and a file at once are a mistake, even when they agree', (t) => {
  const path = fileWith(t, 'secret')
  assert.deepEqual(readSecret({ KEY: 'secret', KEY_FILE: path }, 'KEY'), {
    kind: 'mistaken',
    mistake: { path: 'KEY', message: 'and KEY_FILE are both set: unset one of them' },
  })
})

test('a secret file that cannot be read is a mistake with variable, path and reason', (t) => {
  const missing = join(fileWith(t, ''), 'deeper')
  for (const [path, code] of [
    [missing, 'ENOTDIR'],
    ['/nowhere/secret', 'ENOENT'],
    [tmpdir(), 'EISDIR'],
  ] as const) {
    const read = readSecret({ KEY_FILE: path }, 'KEY')
    assert.ok(read.kind === 'mistaken')
    assert.equal(read.mistake.path, 'KEY_FILE')
    assert.ok(read.mistake.message.startsWith(`points to ${path}, which cannot be read (${code})`))
  }
})

test('a secret file that its group or everybody can read is told with its mode, and no other one', (t) => {
  const path = fileWith(t, 'secret')
  for (const [mode, told] of [
    [0o600, undefined],
    [0o400, undefined],
    [0o640, '0640'],
    [0o604, '0604'],
    [0o644, '0644'],
    [0o622, undefined],
  ] as const) {
    chmodSync(path, mode)
    const expected = told && { variable: 'KEY_FILE', mode: told }
    assert.deepEqual(exposedFile({ KEY_FILE: path }, 'KEY'), expected)
  }
  assert.equal(exposedFile({ KEY: 'secret' }, 'KEY'), undefined)
  assert.equal(exposedFile({ KEY_FILE: '/nowhere/secret' }, 'KEY'), undefined)
})
