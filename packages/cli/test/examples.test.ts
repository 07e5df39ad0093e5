import assert from 'node:assert/strict'
import { test } from 'node:test'
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
    for (const text of texts) assert.equal(await calledBy(text), path, text)
  })
}

test('a line that no command takes is noticed', async () => {
  await assert.rejects(calledBy('portcullis keys list --colour'), /unknown option/)
})

/** The command that a line of a shell calls, which does nothing here. */
async function calledBy(text: string): Promise<string | undefined> {
  const program = createProgram()
  let called: string | undefined
  for (const [path, command] of commandsOf(program)) {
    command.configureOutput({ writeErr: () => undefined }).action(() => {
      called = path
    })
  }
  await program.parseAsync(wordsOf(text), { from: 'user' })
  return called
}

/** Without variables before it, and without what is read from a file. */
function wordsOf(text: string): readonly string[] {
  const words = [...text.matchAll(/"([^"]*)"|\S+/g)].map(([word, quoted]) => quoted ?? word)
  const end = words.includes('<') ? words.indexOf('<') : words.length
  return words.slice(words.indexOf('portcullis') + 1, end)
}
