import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { checkAgainstSchema } from '@portcullis/runtime'
import { resolveSettings } from '../src/settings/in-force.ts'
import type { Setting } from '../src/settings/setting.ts'
import { pointerOf, variableOf } from '../src/settings/setting.ts'
import { settingEntries } from '../src/settings/table.ts'
import { identityVariables, readVariables } from '../src/settings/variables.ts'

const settingsMin = 15

test('every default fits its own schema, and every setting says what it is and why', () => {
  assert.ok(settingEntries.length >= settingsMin)
  for (const [path, setting] of settingEntries) {
    if (setting.default !== undefined) {
      const checked = checkAgainstSchema(setting.schema, setting.default)
      assert.equal(checked.kind, 'valid', path)
    }
    assert.match(setting.reason, /^[A-Z0-9][^|]*\.$/, `${path} has a sentence as its reason`)
    assert.match(setting.meaning, /^[^|]+[^.|]$/, path)
    assert.ok(!(setting.required === true && setting.default !== undefined), path)
  }
})

const unitsInNames: Readonly<Record<string, string>> = {
  Seconds: 'seconds',
  Ms: 'milliseconds',
  Hours: 'hours',
  Days: 'days',
  Bytes: 'bytes',
  Kib: 'KiB',
}

test('a number that is a time or a size says its unit, in its name too', () => {
  const found = new Set<string>()
  for (const [path, { unit }] of settingEntries) {
    const named = /(Seconds|Ms|Hours|Days|Bytes|Kib)(?:Max)?$/.exec(path)?.[1]
    assert.equal(unit, named === undefined ? undefined : unitsInNames[named], path)
    if (named !== undefined) found.add(named)
  }
  assert.deepEqual([...found].toSorted(), Object.keys(unitsInNames).toSorted())
})

test('no two settings share a variable, with or without _FILE', () => {
  assert.equal(new Set(identityVariables).size, identityVariables.length)
})

const examples: Readonly<Record<string, string>> = {
  integer: '100',
  number: '0.5',
  boolean: 'true',
  string: 'https://id.example',
  array: 'one,two',
}

test('every setting can be chosen by its variable', () => {
  for (const [path, { schema }] of settingEntries) {
    const example = 'enum' in schema ? schema.enum[0] : examples[schema.type]
    const text = schema.type === 'integer' ? String(schema.minimum) : (example ?? 'missing')
    const { texts, mistakes } = readVariables({ [variableOf(path)]: text })
    assert.deepEqual(mistakes, [])
    const { inForce } = resolveSettings({ audiences: {} }, texts)
    assert.equal(inForce.get(path)?.from, 'environment', path)
    assert.equal(inForce.get(path)?.isValid, true, path)
    assert.equal(String(inForce.get(path)?.value), text, path)
  }
})

test('every setting has a pointer that the schema of the file knows', () => {
  for (const [path, { schema }] of settingEntries) {
    const value = schema.type === 'integer' ? 'no number' : 5
    const file = path
      .split('.')
      .reduceRight<unknown>((inner, member) => ({ [member]: inner }), value)
    const { fileMistakes } = resolveSettings(file, new Map())
    const pointers = fileMistakes.map((mistake) => mistake.path)
    assert.ok(pointers.includes(pointerOf(path)), path)
  }
})

/** The rows that the README must have. */
function documentedRows(): readonly string[] {
  return settingEntries.map(([path, setting]) => {
    const { schema, unit, meaning, reason, required, holdsPassword } = setting
    const file = holdsPassword === true ? ', or `…_FILE`' : ''
    const range = 'minimum' in schema ? `, ${schema.minimum} to ${schema.maximum}` : ''
    return [
      `\`${path}\``,
      `\`${variableOf(path)}\`${file}`,
      meaning,
      required === true ? 'required' : `${shown(setting.default)}${range}${unit ? ` ${unit}` : ''}`,
      reason,
    ].join(' | ')
  })
}

function shown(value: Setting['default']): string {
  if (value === undefined || typeof value === 'object') return value?.join(', ') || 'none'
  return typeof value === 'string' ? `\`${value}\`` : String(value)
}

test('the table in the README is the table of settings', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const [, table = ''] = /<!-- settings -->\n+(.*?)\n+<!-- \/settings -->/s.exec(readme) ?? []
  const rows = table.split('\n').slice(2)
  const written = rows.map((row) =>
    row
      .slice(1, -1)
      .split(' | ')
      .map((cell) => cell.trim())
      .join(' | '),
  )
  const expected = documentedRows()
  assert.deepEqual(written, expected, `write:\n${expected.map((row) => `| ${row} |`).join('\n')}`)
})
