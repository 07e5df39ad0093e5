import { CommanderError } from 'commander'
import { CommandError, textOf } from './command-error.ts'
import { withIdsLast } from './command-line/ids-last.ts'
import { createProgram } from './command-line/program.ts'

const usageExitCode = 2

try {
  await createProgram().parseAsync(withIdsLast(process.argv.slice(2)), { from: 'user' })
} catch (error) {
  if (error instanceof CommandError) {
    process.exitCode = error.exitCode
    // What was said before may be long, and whoever reads it through a pipe has not read all of it yet.
    process.stderr.write(textOf(error), () => {
      process.stdout.write('', () => process.exit())
    })
  } else if (error instanceof CommanderError) {
    // Commander has printed its message by now; help and version end with 0.
    process.exitCode = error.exitCode === 0 ? 0 : usageExitCode
  } else {
    // Not loaded before: it takes longer than to say what a command line may say.
    const { exitWith } = await import('@portcullis/runtime')
    exitWith(error)
  }
}
