import { commandsOf } from '../packages/cli/src/command-line/examples.ts'
import { createProgram } from '../packages/cli/src/command-line/program.ts'

/** Which command a line of a shell calls (`keys list`); nothing is done. Rejects for a line that no command takes. */
export async function commandCalledBy(line: string): Promise<string | undefined> {
  const program = createProgram()
  let called: string | undefined
  program.configureOutput({ writeErr: () => undefined, writeOut: () => undefined })
  for (const [path, command] of commandsOf(program)) {
    command.configureOutput({ writeErr: () => undefined, writeOut: () => undefined }).action(() => {
      called = path
    })
  }
  try {
    await program.parseAsync(wordsOf(line), { from: 'user' })
  } catch (error) {
    // Help and version end with 0.
    const isAnswered = error instanceof Error && 'exitCode' in error && error.exitCode === 0
    if (!isAnswered) throw error
  }
  return called
}

/** Every line of a shell block that calls `portcullis`, in whatever way. */
export function linesOfPortcullis(block: string): readonly string[] {
  const lines = block.replaceAll(/\\\n\s*/g, ' ').split('\n')
  return lines.filter((line) => callsPortcullis.test(line))
}

const callsPortcullis = /(?:^|[\s(])portcullis (?=\S)/

/** What is said to the program: without variables before it, and without where its output goes. */
function wordsOf(line: string): readonly string[] {
  const said = line.slice(line.search(callsPortcullis)).replace(/^[\s(]?portcullis (?:-- )?/, '')
  const words: string[] = []
  for (const [word, inDouble, inSingle] of said.matchAll(/"([^"]*)"|'([^']*)'|[^\s)]+/g)) {
    if (/^(?:\d?[<>]|[|&;#])/.test(word)) break
    words.push(inDouble ?? inSingle ?? word)
  }
  return words
}
