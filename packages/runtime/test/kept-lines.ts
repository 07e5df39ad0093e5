import assert from 'node:assert/strict'
import type { LogField, LogOptions } from '../src/index.ts'
import { logFields } from '../src/index.ts'

/**
 * Keeps what is logged in `lines`. Whoever logs what the vocabulary of the log does not have, or has with another
 * type, fails there.
 */
export function keepLines(lines: string[]): NonNullable<LogOptions['destination']> {
  return {
    write: (line) => {
      assert.deepEqual(faultsOfLine(line), [], `not in the vocabulary of the log: ${line}`)
      lines.push(line)
    },
  }
}

/** What every line has, beside its facts: the first table of docs/logs.md. */
const ofEachLine: ReadonlyMap<string, LogField['type']> = new Map([
  ['level', 'number'],
  ['time', 'number'],
  ['pid', 'number'],
  ['hostname', 'text'],
  ['name', 'text'],
  ['msg', 'text'],
])

/** In what a line differs from what docs/logs.md says of its members. Empty: in nothing. */
export function faultsOfLine(line: string): readonly string[] {
  const members = JSON.parse(line) as Readonly<Record<string, unknown>>
  const missing = [...ofEachLine.keys()].filter((name) => !Object.hasOwn(members, name))
  const wrong = Object.entries(members).flatMap(([name, value]) => {
    const written = ofEachLine.get(name) ?? logFields[name]?.type
    if (name === 'leftOut' || written === undefined) return [`${name} is not in docs/logs.md`]
    return written === typeOf(value) ? [] : [`${name} is ${typeOf(value)} and not ${written}`]
  })
  return [...missing.map((name) => `${name} is missing`), ...wrong]
}

/** In the words of docs/logs.md. */
function typeOf(value: unknown): string {
  if (Array.isArray(value)) return 'list'
  if (value === null) return 'null'
  return typeof value === 'string' ? 'text' : typeof value
}
