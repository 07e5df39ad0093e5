import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { root } from './source-tree.ts'

const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly scripts: Readonly<Record<string, string>>
}

/** Runs it as npm does, but with the Node of the tests. */
function run(script: string, ...parameters: readonly string[]): ReturnType<typeof spawnSync> {
  const [, ...words] = (scripts[script] ?? '').split(' ')
  assert.ok(words.length > 0, `there is no ${script}`)
  return spawnSync(process.execPath, [...words, ...parameters], { cwd: root, encoding: 'utf8' })
}

/** What each takes is its usage's to say; this is one that it takes, with a value that is none. */
const commands: readonly (readonly [script: string, named: string, wrong: readonly string[]])[] = [
  ['simulate', '--schedules N', ['--seed', 'many']],
  ['test:crash', '--kills N', ['--engine', 'paper']],
  ['test:histories', '--histories N', ['--seed', '-1']],
  ['test:soak', '--tokens N', ['--tokens', '0']],
  ['test:soak:gateway', '--minutes N', ['--minutes', '0']],
  ['test:floods', '--rounds N', ['--rounds', 'many']],
  ['test:mutation', '--tests GLOB', ['no-such-file.ts']],
  ['tour', 'no options', ['everywhere']],
  ['bench', '--quick', ['B99']],
]

for (const [script, named, wrong] of commands) {
  test(`npm run ${script} shows its usage, and answers a mistake in one line`, () => {
    const shown = run(script, '--help')
    assert.deepEqual([shown.status, shown.stderr], [0, ''])
    const usage = String(shown.stdout)
    assert.ok(usage.startsWith(`Usage: npm run ${script}`), usage)
    assert.ok(usage.includes(named), usage)

    for (const mistaken of [['--no-such-option'], ['--no-such-option=1', '--seed'], wrong]) {
      const { status, stdout, stderr } = run(script, ...mistaken)
      assert.equal(status, 2, mistaken.join(' '))
      assert.equal(stdout, '')
      assert.match(String(stderr), /^[^\n]+\n$/)
    }
  })
}
