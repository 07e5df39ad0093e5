import assert from 'node:assert/strict'
import { test } from 'node:test'
import { commandsOf } from '../packages/cli/src/command-line/examples.ts'
import { createProgram } from '../packages/cli/src/command-line/program.ts'
import { tableOf } from './document-tables.ts'

/*
 * That what the documents show is a command with such options, tools/check-docs.ts asks of each line; this is the other
 * way round: what there is has its row in the README.
 */

/** Said below the table, of all commands that talk to a running issuer, or take something back. */
const saidOfMany: ReadonlySet<string> = new Set(['--issuer', '--credentials', '--json', '--wait'])

test('every command has a row in the README of the command line, with every option that it takes, and no row is without a command', () => {
  const rowOf = readRows()
  const commands = commandsOf(createProgram()).filter(
    ([, command]) => command.commands.length === 0,
  )
  assert.ok(commands.length >= 30, `only ${commands.length} were found`)
  assert.deepEqual(commands.map(([name]) => name).toSorted(), [...rowOf.keys()].toSorted())
  let options = 0
  for (const [name, command] of commands) {
    for (const { long } of command.options) {
      if (long === null || long === undefined || saidOfMany.has(long)) continue
      options += 1
      assert.ok(
        rowOf.get(name)?.includes(long),
        `${name} takes ${long}, and its row does not say so`,
      )
    }
  }
  assert.ok(options >= 50, `only ${options} options were found`)
})

/** What is said of the options of each command; `the same` are those of the row before. */
function readRows(): ReadonlyMap<string, string> {
  const rows = new Map<string, string>()
  let before = ''
  for (const [commands = '', , options = ''] of tableOf('packages/cli/README.md', 'command')) {
    before = /\bthe same\b/.test(options) ? `${before} ${options}` : options
    for (const [, name = ''] of commands.matchAll(/`([a-z-]+(?: [a-z-]+)?)/g))
      rows.set(name, before)
  }
  return rows
}
