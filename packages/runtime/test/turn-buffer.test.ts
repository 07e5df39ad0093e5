import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { setImmediate as turn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { test } from 'node:test'
import { createLog } from '../src/index.ts'
import { createTurnBuffer } from '../src/turn-buffer.ts'

function logInto(): {
  readonly log: ReturnType<typeof createLog>
  readonly written: readonly string[]
} {
  const written: string[] = []
  const destination = createTurnBuffer((lines) => void written.push(lines))
  return { log: createLog({ name: 'test', destination }), written }
}

function messagesOf(text: string): readonly unknown[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { readonly msg: unknown }).msg)
}

test('lines of one turn of the event loop are written together and in order', async () => {
  const { log, written } = logInto()
  log.info('one')
  log.info('two')
  assert.deepEqual(written, [])
  await turn()
  log.info('three')
  await turn()
  assert.deepEqual(written.map(messagesOf), [['one', 'two'], ['three']])
})

test('an error is written at once, behind what was waiting, and nothing comes twice', async () => {
  const { log, written } = logInto()
  log.warn('before')
  log.error('trouble')
  assert.deepEqual(written.map(messagesOf), [['before', 'trouble']])
  log.info('after')
  await turn()
  await turn()
  assert.deepEqual(written.map(messagesOf), [['before', 'trouble'], ['after']])
})

const source = new URL('../src/index.ts', import.meta.url).href

for (const [how, end] of [
  ['ends by itself', ''],
  ['is ended', 'process.exit(0)'],
  ['fails', 'throw new Error("a fault")'],
] as const) {
  test(`a process that ${how} has written every line`, () => {
    const script = `import { createLog } from ${JSON.stringify(source)}
      const log = createLog({ name: 'test' })
      for (let line = 0; line < 1000; line += 1) log.info({ line }, 'one of many')
      ${end}`
    const { stdout } = spawnSync(
      process.execPath,
      ['--conditions=@portcullis/source', '--input-type=module', '--eval', script],
      { cwd: fileURLToPath(new URL('..', import.meta.url)), encoding: 'utf8' },
    )
    assert.equal(messagesOf(stdout).length, 1000)
  })
}
