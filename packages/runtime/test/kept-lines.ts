import assert from 'node:assert/strict'
import type { LogOptions } from '../src/index.ts'

/** Keeps what is logged in `lines`. Whoever logs what the vocabulary of the log does not have fails there. */
export function keepLines(lines: string[]): NonNullable<LogOptions['destination']> {
  return {
    write: (line) => {
      assert.ok(!line.includes('"leftOut":'), `not in the vocabulary of the log: ${line}`)
      lines.push(line)
    },
  }
}
