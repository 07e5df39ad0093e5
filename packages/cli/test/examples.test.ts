import assert from 'node:assert/strict'
import { test } from 'node:test'
import { commandCalledBy } from '../../../tools/command-lines.ts'
import { commandsOf, examples } from '../src/command-line/examples.ts'
import { createProgram } from '../src/command-line/program.ts'

const commands = commandsOf(createProgram()).map(([path]) => path)

test('each command is there once, and has examples', () => {
  assert.ok(commands.length > 30)
  assert.deepEqual([...examples.keys()].toSorted(), commands.toSorted())
})

for (const [path, texts] of examples) {
  test(`portcullis ${path} takes its examples`, async () => {
    assert.ok(texts.length > 0)
    for (const text of texts) assert.equal(await commandCalledBy(text), path, text)
  })
}

test('a line that no command takes is noticed', async () => {
  await assert.rejects(commandCalledBy('portcullis keys list --colour'), /unknown option/)
})
