import { readFileSync } from 'node:fs'
import { StartError, systemErrorCode } from './start-error.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/**
 * A secret comes from the variable `NAME`, or from the file that `NAME_FILE` points to (final line
 * break cut off); never from a command line, where other users could read it.
 * Undefined when neither is set.
 */
export function readSecret(environment: Environment, name: string): string | undefined {
  const value = environment[name]
  const path = environment[`${name}_FILE`]
  if (value !== undefined && path !== undefined) {
    throw new StartError(`${name} and ${name}_FILE are both set`, 'Unset one of them.')
  }
  return path === undefined ? value : readSecretFile(path, `${name}_FILE`)
}

function readSecretFile(path: string, variable: string): string {
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '')
  } catch (error) {
    throw new StartError(
      `${variable} points to ${path}, which cannot be read (${systemErrorCode(error) ?? 'error'})`,
      'Create the file, or correct the path or its permissions.',
      { cause: error },
    )
  }
}
