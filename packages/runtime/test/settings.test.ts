import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  checkAgainstSchema,
  joinStartErrors,
  readSettingsFile,
  settingsError,
  StartError,
} from '../src/index.ts'

const schema = {
  type: 'object',
  additionalProperties: false,
  required: ['port', 'name'],
  properties: {
    port: { type: 'integer', minimum: 0, maximum: 65_535 },
    name: { type: 'string', minLength: 1 },
    mode: { enum: ['open', 'closed'] },
    labels: {
      type: 'object',
      propertyNames: { pattern: '^[a-z]+$' },
      additionalProperties: { type: 'array', items: { type: 'string' } },
    },
  },
}

test('a value that fits is handed back as it is', () => {
  const value = { port: 0, name: 'a', labels: { colours: ['red'] } }
  const checked = checkAgainstSchema(schema, value)
  assert.ok(checked.kind === 'valid')
  assert.equal(checked.value, value)
  assert.deepEqual(value, { port: 0, name: 'a', labels: { colours: ['red'] } })
})

test('every mistake is reported at once, each with its JSON pointer and in plain words', () => {
  const checked = checkAgainstSchema(schema, {
    port: '4000',
    mode: 'ajar',
    labels: { colours: ['red', 5], 'a/b~c': [] },
    'x/y~z': true,
  })
  assert.ok(checked.kind === 'mistaken')
  const lines = checked.mistakes.map(({ path, message }) => `${path} ${message}`)
  assert.deepEqual(lines.toSorted(), [
    '/labels/a~1b~0c is not a valid name',
    '/labels/colours/1 must be string',
    '/mode must be equal to one of the allowed values: open, closed',
    '/name is required',
    '/port must be integer',
    '/x~1y~0z is not a known setting',
  ])
})

test('what is no object at all is one mistake of the whole', () => {
  for (const value of [null, [], 'text', 5, undefined]) {
    const checked = checkAgainstSchema(schema, value)
    assert.deepEqual(checked, {
      kind: 'mistaken',
      mistakes: [{ path: '', message: 'must be object' }],
    })
  }
})

test('one error tells all mistakes of a file, and how many they are', () => {
  const one = settingsError('a.json', [{ path: '', message: 'must be object' }])
  assert.equal(one.message, '1 mistake in a.json:\n  (the whole) must be object')
  const two = settingsError('a.json', [
    { path: '/port', message: 'must be integer' },
    { path: '/name', message: 'is required' },
  ])
  assert.equal(two.message, '2 mistakes in a.json:\n  /port must be integer\n  /name is required')
  assert.equal(two.remedy, 'Correct the file.')
})

test('what is wrong in several places is one error, which says each remedy once', () => {
  const elsewhere = settingsError(
    'the environment',
    [{ path: 'KEY', message: 'is not set' }],
    'Set it.',
  )
  const file = settingsError('a.json', [{ path: '/port', message: 'must be integer' }])
  const joined = joinStartErrors([file, elsewhere, file])
  assert.equal(joined.message, [file, elsewhere, file].map(({ message }) => message).join('\n'))
  assert.equal(joined.remedy, 'Correct the file.\nSet it.')
})

function assertUnreadable(path: string, words: RegExp): void {
  assert.throws(
    () => readSettingsFile(path),
    (error) =>
      error instanceof StartError && error.message.includes(path) && words.test(error.message),
  )
}

test('a settings file is read as JSON, and one that cannot be is a StartError that names it', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-runtime-'))
  t.after(() => rmSync(folder, { recursive: true, maxRetries: 5 }))
  const path = join(folder, 'settings.json')
  assertUnreadable(path, /cannot be read \(ENOENT\)/)
  assertUnreadable(folder, /cannot be read \(EISDIR\)/)
  writeFileSync(path, '{"port": }')
  assertUnreadable(path, /is not JSON: /)
  writeFileSync(path, '{"port": 4000}')
  assert.deepEqual(readSettingsFile(path), { port: 4000 })
})
