import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { findJsonFault } from './json-fault.ts'
import { StartError, systemErrorCode } from './start-error.ts'

export interface Mistake {
  /**
   * A JSON pointer into the file (RFC 6901), such as `/routes/0/match`, empty for the whole; or the name
   * of an environment variable.
   */
  readonly path: string
  readonly message: string
}

/** Reads a JSON file of settings, or of what `what` says. One that is missing, unreadable or not JSON is a `StartError`. */
export function readSettingsFile(path: string, what = 'the settings file'): unknown {
  return parseSettingsText(readSettingsText(path, what), path, what)
}

/** The text of such a file, for whoever keeps it beside what it says. */
export function readSettingsText(path: string, what = 'the settings file'): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new StartError(
      `${what} ${path} cannot be read (${systemErrorCode(error) ?? 'error'})`,
      `Create it, or correct the path or its permissions. It was looked for at ${resolve(path)}.`,
      { cause: error },
    )
  }
}

/** Reads the text of the file of that name. */
export function parseSettingsText(text: string, path: string, what = 'the settings file'): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The message of `JSON.parse` quotes what stands there, which may be a secret.
    const fault = findJsonFault(text)
    const where = fault && `: line ${fault.line}, column ${fault.column}: ${fault.what}`
    throw new StartError(`${what} ${path} is not JSON${where ?? ''}`, 'Correct the file.')
  }
}

/** One error for all mistakes of one source: a settings file, or the environment. */
export function settingsError(
  source: string,
  mistakes: readonly Mistake[],
  remedy = 'Correct the file.',
): StartError {
  const lines = mistakes.map(
    ({ path, message }) => `  ${path === '' ? '(the whole)' : path} ${message}`,
  )
  const count = mistakes.length === 1 ? '1 mistake' : `${mistakes.length} mistakes`
  return new StartError(`${count} in ${source}:\n${lines.join('\n')}`, remedy)
}
