import process from 'node:process'
import type { ParseArgsConfig } from 'node:util'
import { parseArgs } from 'node:util'

/**
 * What a command of this repository was called with. Whoever asks for `--help` gets the usage, and the process ends
 * with 0; a mistake is one line, and it ends with 2.
 */
export function readCommandLine<const Config extends ParseArgsConfig>(
  usage: string,
  config: Config,
): ReturnType<typeof parseArgs<Config>> {
  if (process.argv.slice(2).some((word) => word === '--help' || word === '-h')) {
    process.stdout.write(`${usage}\n`)
    process.exit(0)
  }
  try {
    return parseArgs(config)
  } catch (error) {
    // Behind the first sentence Node explains how to write what nobody means here.
    const [mistake = ''] = error instanceof Error ? error.message.split(/[.\n]/) : []
    return endAsMisused(`${mistake}; --help shows what there is`)
  }
}

/** The text of an option as a number. */
export function wholeNumber(name: string, text: string, min: 0 | 1 = 0): number {
  const number = /^(0|[1-9]\d{0,8})$/.test(text) ? Number(text) : -1
  return number >= min
    ? number
    : endAsMisused(`${name} must be a whole number from ${min} to 999999999`)
}

export function endAsMisused(mistake: string): never {
  process.stderr.write(`${mistake}\n`)
  process.exit(2)
}
